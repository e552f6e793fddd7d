"""The Task, its decision log, and what every move does to both."""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from truth_contracts.envelope import source_of
from truth_contracts.ids import EventId, RequestId, TaskId, derived_id
from truth_contracts.tasks import TaskApprovedBody, TaskAssignedBody, TaskChanged
from truth_sealing.steps import History


class TaskState(StrEnum):
    """States of a Task; a Job and a ServiceEvent have their own, in execution."""

    PENDING_REVIEW = "pending_review"
    INFO_REQUESTED = "info_requested"
    APPROVED = "approved"
    ASSIGNED = "assigned"
    PROMOTED = "promoted"
    DECLINED = "declined"


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
