"""A Job with its ServiceEvent: two states, never one, locked and decided on together."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import AfterValidator
from truth_contracts.base import Contract, Instant, instant_text
from truth_contracts.envelope import source_of
from truth_contracts.ids import CommandId, EventId, JobId, RequestId, ServiceEventId, derived_id
from truth_contracts.jobs import FrozenJob, HandBack, JobChanged, JobClaimedBody
from truth_contracts.refusals import Refusal
from truth_contracts.service_events import (
    CompletedStage,
    Evidence,
    Note,
    ServiceEventChanged,
    ServiceEventCompletedBody,
)
from truth_contracts.steps import Outcome
from truth_sealing.canonical import canonical
from truth_sealing.steps import History


def _since_1970(at: datetime) -> datetime:
    # PostgreSQL's client takes the first instant of year 1 for minus infinity, and gives back no instant.
    if at.year < 1970:  # noqa: PLR2004 where a clock that was never set begins
        raise ValueError("a device's clock begins in 1970")
    return at


DeviceInstant = Annotated[Instant, AfterValidator(_since_1970)]
"""What the device's clock said: told, not trusted."""


class JobState(StrEnum):
    """Where a Job stands."""

    QUEUED = "queued"
    CLAIMED = "claimed"
    CLOSED = "closed"


class ServiceEventState(StrEnum):
    """Where the work stands. Before it is started there is no ServiceEvent at all."""

    STARTED = "started"
    IN_PROGRESS = "in_progress"
    COMPLETED = "completed"


@dataclass(frozen=True, slots=True)
class Job:
    """A Job as execution keeps it. `changed_by` and `changed_at` tell of its last move.

    `history` reaches to `job_created`, and further to `job_claimed` while it is claimed.
    """

    frozen: FrozenJob
    state: JobState
    version: int
    changed_by: str
    changed_at: datetime
    claimed_by: str | None
    hand_backs: tuple[HandBack, ...]
    history: History

    @property
    def job_id(self) -> JobId:
        """The id that governance gave it."""
        return self.frozen.job_id

    @property
    def request_id(self) -> RequestId:
        """The request at the beginning of its path."""
        return self.frozen.request_id


@dataclass(frozen=True, slots=True)
class ServiceEvent:
    """The work on a claimed Job: what was done, shown and written down, and how it ended."""

    service_event_id: ServiceEventId
    state: ServiceEventState
    version: int
    started_at: datetime
    changed_at: datetime
    stages: tuple[CompletedStage, ...] = ()
    notes: tuple[Note, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    outcome: Outcome | None = None
    reason: str | None = None
    evidence_missing: tuple[str, ...] = ()
    completed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Work:
    """The aggregate: a Job, and its ServiceEvent once work has begun."""

    job: Job
    service_event: ServiceEvent | None = None


class Command(Contract, frozen=True):
    """What an operator tells the Desk to do. The same `command_id` again gets the same answer."""

    NAME: ClassVar[str]
    command_id: CommandId


@dataclass(frozen=True, slots=True)
class Occasion:
    """Who gives a command and when, with the id and the salt made for what it causes."""

    subject: str
    at: datetime
    event_id: EventId
    salt: str

    @property
    def actor(self) -> str:
        """The person, as events name them. Only people give commands."""
        return f"person:{self.subject}"


@dataclass(frozen=True, slots=True)
class Move:
    """What a decision did: the work after it, what watchers are told, and the step to be sealed, if any.

    `work.job.history` is the path that the step continues; it does not hold `body` yet.
    """

    work: Work
    told: tuple[JobChanged | ServiceEventChanged, ...] = ()
    body: JobClaimedBody | ServiceEventCompletedBody | None = None


def content_of(command: Command) -> str:
    """Everything that a command says, so that the same words can be told from others."""
    return canonical(command.model_dump(mode="json")).decode()


def not_assigned(work: Work, occasion: Occasion) -> Refusal | None:
    """`not_assigned` unless it is the operator to whom the Job was assigned. Nobody else claims or works."""
    if occasion.subject == work.job.frozen.operator_id:
        return None
    return Refusal("not_assigned", "This Job is assigned to another operator.")


def begun(work: Work, occasion: Occasion) -> ServiceEvent | Refusal:
    """The ServiceEvent on which its claimer works; `not_assigned`, or `move_forbidden` when there is none."""
    if refusal := not_assigned(work, occasion):
        return refusal
    service_event = work.service_event
    if service_event is None:
        return Refusal(
            "move_forbidden", f"Work is not started: claim the Job and start; it is {work.job.state}."
        )
    if service_event.state is ServiceEventState.COMPLETED:
        done = instant_text(service_event.changed_at)
        return Refusal("move_forbidden", f"{occasion.actor} completed this work at {done}.")
    return service_event


def moved_job(
    job: Job, state: JobState, occasion: Occasion, *, claimed_by: str | None, history: History
) -> Job:
    """The Job one move further."""
    return replace(
        job,
        state=state,
        version=job.version + 1,
        changed_by=occasion.actor,
        changed_at=occasion.at,
        claimed_by=claimed_by,
        history=history,
    )


def tell_job(job: Job, cause: EventId) -> JobChanged:
    """What watchers are told of a Job's last move."""
    return JobChanged(
        event_id=EventId(derived_id(source_of("execution"), str(cause), "job_changed")),
        request_id=job.request_id,
        at=job.changed_at,
        actor=job.changed_by,
        id=job.job_id,
        version=job.version,
        state=job.state,
    )


def tell_service_event(job: Job, service_event: ServiceEvent, occasion: Occasion) -> ServiceEventChanged:
    """What watchers are told of a ServiceEvent's last move: never outcome, notes or evidence."""
    cause = str(occasion.event_id)
    return ServiceEventChanged(
        event_id=EventId(derived_id(source_of("execution"), cause, "service_event_changed")),
        request_id=job.request_id,
        at=service_event.changed_at,
        actor=occasion.actor,
        id=service_event.service_event_id,
        version=service_event.version,
        state=service_event.state,
    )


def stage_unknown(job: Job, name: str | None) -> Refusal | None:
    """`stage_unknown` when the Job has no stage of this name; None when it has, or none is named."""
    names: Sequence[str] = [stage.name for stage in job.frozen.stages]
    if name is None or name in names:
        return None
    return Refusal("stage_unknown", f"The Job has no such stage. Its stages: {', '.join(names) or 'none'}.")
