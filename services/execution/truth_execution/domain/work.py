"""A Job with its ServiceEvent: two states, never one, locked and decided on together."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from truth_contracts.base import instant_text
from truth_contracts.ids import JobId, RequestId, ServiceEventId
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
from truth_sealing.steps import History

from truth_execution.domain.command import Occasion


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


@dataclass(frozen=True, slots=True)
class Move:
    """What a decision did: the work after it, what watchers are told, and the step to be sealed, if any.

    `work.job.history` is the path that the step continues; it does not hold `body` yet.
    """

    work: Work
    told: tuple[JobChanged | ServiceEventChanged, ...] = ()
    body: JobClaimedBody | ServiceEventCompletedBody | None = None


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


def stage_unknown(job: Job, name: str | None) -> Refusal | None:
    """`stage_unknown` when the Job has no stage of this name; None when it has, or none is named."""
    names: Sequence[str] = [stage.name for stage in job.frozen.stages]
    if name is None or name in names:
        return None
    return Refusal("stage_unknown", f"The Job has no such stage. Its stages: {', '.join(names) or 'none'}.")
