"""Assignment: which operator an approved Task is for."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import ClassVar

from truth_contracts.base import Subject
from truth_contracts.refusals import Refusal
from truth_contracts.tasks import Assignment, TaskAssignedBody
from truth_sealing.strict import strict_object

from truth_governance.domain.commanding import Command, Occasion, decided, forbidden
from truth_governance.domain.task import Decision, Move, Task, TaskState, move

ASSIGNMENTS_MAX = 20
"""Assignments of one Task. All of them travel in every later message of its path."""


@dataclass(frozen=True, slots=True)
class Operator:
    """Somebody that Tasks can be assigned to."""

    subject: str
    name: str
    is_active: bool
    changed_by: str
    changed_at: datetime


class Assign(Command, frozen=True):
    """The approved work is for this operator; said again, for another one instead."""

    NAME: ClassVar[str] = "assign"
    operator_id: Subject


def assign(task: Task, operator: Operator | None, command: Assign, occasion: Occasion) -> Move | Refusal:
    """Assign, or reassign: then the step takes the place of the one before, and tells of it.

    Refused: `operator_unknown`, `move_forbidden`.
    """
    if refusal := forbidden(task, command.NAME, after=[TaskState.APPROVED, TaskState.ASSIGNED]):
        return refusal
    if operator is None or not operator.is_active:
        return unknown(command.operator_id)
    if task.operator_id == operator.subject:
        return Refusal("move_forbidden", f"The Task is assigned to {operator.name} already.")
    earlier = [decision for decision in task.decisions if decision.command == Assign.NAME]
    if len(earlier) >= ASSIGNMENTS_MAX:
        return Refusal(
            "move_forbidden", f"The Task was assigned {ASSIGNMENTS_MAX} times; it can only be declined."
        )
    history = task.history.until("task_approved")
    body = TaskAssignedBody(
        event_id=occasion.event_id,
        request_id=task.request_id,
        at=occasion.at,
        actor=occasion.person.reference,
        salt=occasion.salt,
        prev=history.head,
        task_id=task.task_id,
        operator_id=operator.subject,
        operator_name=operator.name,
        replaced=tuple(_replaced(decision) for decision in earlier),
    )
    assigned = replace(task, operator_id=operator.subject, history=history)
    return move(assigned, decided(task, command, TaskState.ASSIGNED, occasion), body=body)


def unknown(operator_id: str) -> Refusal:
    """`operator_unknown`: never registered, or not active any more."""
    return Refusal("operator_unknown", f"{operator_id} is not an active operator.", "body.operator_id")


def _replaced(decision: Decision) -> Assignment:
    operator_id = str(strict_object(decision.content)["operator_id"])
    return Assignment(operator_id=operator_id, at=decision.at, actor=decision.actor)
