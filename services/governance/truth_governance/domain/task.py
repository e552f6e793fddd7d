"""The Task, its decision log, and what every move does to both."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import ClassVar

from truth_contracts.base import Contract
from truth_contracts.envelope import source_of
from truth_contracts.ids import EventId, RequestId, TaskId, derived_id
from truth_contracts.refusals import Refusal
from truth_contracts.tasks import Question, TaskApprovedBody, TaskAssignedBody, TaskChanged
from truth_sealing.canonical import Json, canonical
from truth_sealing.steps import History
from truth_sealing.strict import strict_object


class TaskState(StrEnum):
    """States of a Task; a Job and a ServiceEvent have their own, in execution."""

    PENDING_REVIEW = "pending_review"
    INFO_REQUESTED = "info_requested"
    APPROVED = "approved"
    ASSIGNED = "assigned"
    PROMOTED = "promoted"
    DECLINED = "declined"


@dataclass(frozen=True, slots=True)
class Person:
    """Who gives a command: a person, as their token tells."""

    reference: str
    subject: str
    name: str
    is_admin: bool


@dataclass(frozen=True, slots=True)
class Occasion:
    """Who decides and when, with the new id and salt that only an edge may make."""

    person: Person
    at: datetime
    event_id: EventId
    salt: str


class Command(Contract, frozen=True):
    """A wish about a Task as somebody saw it: `version` is the Task's, then."""

    NAME: ClassVar[str]
    version: int


@dataclass(frozen=True, slots=True)
class Decision:
    """One entry of a Task's log, for ever. `version` and `state` are the Task's, after it."""

    decision_id: EventId  # also the id of the step, where the decision is one
    version: int
    command: str
    state: TaskState
    actor: str
    actor_name: str | None
    at: datetime
    content: str  # what the command said besides the version, in canonical form


@dataclass(frozen=True, slots=True)
class Task:
    """A Task with its whole log, oldest entry first; the log is never empty and has one entry a version."""

    task_id: TaskId
    request_id: RequestId
    surface: str
    maturity: str
    summary: str
    requested_by: str  # who made or entered the request
    requested_for: str | None  # the requester's own sign-in, if known
    approved_by: str | None
    operator_id: str | None
    history: History
    decisions: tuple[Decision, ...]

    @property
    def last(self) -> Decision:
        """The decision that made the Task what it is."""
        return self.decisions[-1]

    @property
    def state(self) -> TaskState:
        """Where the Task stands."""
        return self.last.state

    @property
    def version(self) -> int:
        """How many moves there were, the opening included."""
        return self.last.version


@dataclass(frozen=True, slots=True)
class Move:
    """What a decision did: the Task after it, what watchers are told, and the step to be sealed, if any.

    `task.history` is the path that the step continues; it does not hold `body` yet.
    """

    task: Task
    told: TaskChanged
    body: TaskApprovedBody | TaskAssignedBody | None = None


def move(
    task: Task,
    decision: Decision,
    *,
    body: TaskApprovedBody | TaskAssignedBody | None = None,
    message: str | None = None,
) -> Move:
    """The move that `decision` is; `message` are words meant for the requester."""
    moved = replace(task, decisions=(*task.decisions, decision))
    told = TaskChanged(
        event_id=EventId(derived_id(source_of("governance"), str(decision.decision_id), "task_changed")),
        request_id=task.request_id,
        at=decision.at,
        actor=decision.actor,
        id=task.task_id,
        version=decision.version,
        state=decision.state,
        message_to_requester=message,
    )
    return Move(moved, told, body)


def decided(task: Task, command: Command, state: TaskState, occasion: Occasion) -> Decision:
    """The log's next entry: `command` was given and led to `state`."""
    return Decision(
        occasion.event_id,
        task.version + 1,
        command.NAME,
        state,
        occasion.person.reference,
        occasion.person.name,
        occasion.at,
        content_of(command),
    )


def content_of(command: Command) -> str:
    """What a command says besides the version, so that the same words can be told from others."""
    return canonical(command.model_dump(mode="json", exclude={"version"})).decode()


def first_answer(task: Task, command: Command, actor: str) -> Decision | Refusal | None:
    """None when `command` is about the Task as it is now.

    The same command by the same actor at the same version, in the same words, was decided already: the
    decision it got then. Anything else about an earlier version, or one yet to come, is `version_stale`.
    """
    if command.version == task.version:
        return None
    if 0 < command.version < task.version:
        then = task.decisions[
            command.version
        ]  # entries count from 0, versions from 1: this one led on from it
        if (then.actor, then.command, then.content) == (actor, command.NAME, content_of(command)):
            return then
    return stale(task)


def stale(task: Task) -> Refusal:
    """`version_stale`, in words: where the Task stands and who brought it there."""
    last = task.last
    who = last.actor_name or last.actor
    return Refusal(
        "version_stale", f"The Task is at version {last.version}, {last.state}: {last.command} by {who}."
    )


def forbidden(task: Task, command: str, *, after: Sequence[TaskState]) -> Refusal | None:
    """`move_forbidden` unless the Task stands where `command` is possible."""
    if task.state in after:
        return None
    wanted = " or ".join(after)
    return Refusal("move_forbidden", f"{command} takes a Task that is {wanted}; this one is {task.state}.")


def questions_of(decisions: Sequence[Decision]) -> tuple[Question, ...]:
    """Every question that was asked and the answer it got, if any."""
    questions: list[Question] = []
    for decision in decisions:
        content = strict_object(decision.content)
        if decision.command == "ask":
            questions.append(_asked(decision, content))
        elif decision.command == "answer":
            asked = questions.pop()
            questions.append(
                Question(
                    question=asked.question,
                    asked_at=asked.asked_at,
                    asked_by=asked.asked_by,
                    answer=str(content["answer"]),
                    answered_at=decision.at,
                    answered_by=decision.actor,
                )
            )
    return tuple(questions)


def questions_bytes(decisions: Sequence[Decision]) -> int:
    """What the questions and answers of a log weigh in the approval's canonical form."""
    return len(canonical([question.model_dump(mode="json") for question in questions_of(decisions)]))


def _asked(decision: Decision, content: dict[str, Json]) -> Question:
    return Question(
        question=str(content["question"]),
        asked_at=decision.at,
        asked_by=decision.actor,
        answer=None,
        answered_at=None,
        answered_by=None,
    )
