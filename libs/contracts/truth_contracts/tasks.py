"""Tasks: governance's two steps before Create Job, and what it tells watchers."""

from typing import Annotated, Literal

from truth_contracts.base import ActorReference, Contract, Instant, Subject, text
from truth_contracts.ids import EventId, TaskId
from truth_contracts.steps import PathEvent, StateName, StepBody, Version


class Question(Contract, frozen=True):
    """A question to the requester, and the answer if one came."""

    question: str
    asked_at: Instant
    asked_by: ActorReference
    answer: str | None
    answered_at: Instant | None
    answered_by: ActorReference | None


class TaskApprovedBody(StepBody, frozen=True):
    """The `task_approved` step: a person who did not make the request approved it."""

    type: Literal["truth.tasks.approved.v1"] = "truth.tasks.approved.v1"
    step: Literal["task_approved"] = "task_approved"
    event_id: EventId
    task_id: TaskId
    note: str | None
    questions: tuple[Question, ...]


class Assignment(Contract, frozen=True):
    """An assignment that a later one replaced."""

    operator_id: Subject
    at: Instant
    actor: ActorReference


class TaskAssignedBody(StepBody, frozen=True):
    """The `task_assigned` step: the assignment in force, and those before it."""

    type: Literal["truth.tasks.assigned.v1"] = "truth.tasks.assigned.v1"
    step: Literal["task_assigned"] = "task_assigned"
    event_id: EventId
    task_id: TaskId
    operator_id: Subject
    operator_name: str
    replaced: tuple[Assignment, ...]


class TaskChanged(PathEvent, frozen=True):
    """A Task moved. Written by governance for watchers; no step of the path depends on it.

    A watcher keeps the highest `version`. `state` is an open vocabulary: pending_review, info_requested,
    approved, assigned, promoted, declined.
    """

    type: Literal["truth.tasks.changed.v1"] = "truth.tasks.changed.v1"
    id: TaskId
    version: Version
    state: StateName
    message_to_requester: Annotated[str, text(longest=4000)] | None = None
    """A question or the reason of a decline, in words meant for the requester."""
