"""What a Job's page offers whom, and how its stages stand. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from truth_kit.auth import Actor

from truth_execution.api.shown import JobShown, ServiceEventShown
from truth_execution.domain.work import JobState, ServiceEventState

Chip = tuple[str, str, str]
"""Whose state, the state, and its shape."""

_JOB_SHAPES = {JobState.QUEUED: "wait", JobState.CLAIMED: "live", JobState.CLOSED: "done"}
_SERVICE_EVENT_SHAPES = {
    ServiceEventState.STARTED: "live",
    ServiceEventState.IN_PROGRESS: "live",
    ServiceEventState.COMPLETED: "done",
}


@dataclass(frozen=True, slots=True)
class StageShown:
    """A stage, and what the work has to show for it. `is_here`: it is the first that is not completed."""

    n: int
    name: str
    is_evidence_required: bool
    photos: int
    completed_at: datetime | None
    is_here: bool


@dataclass(frozen=True, slots=True)
class Sheet:
    """A Job's page for one person. `can` names the commands that it offers now, none to a mere reader."""

    job: JobShown
    can: tuple[str, ...]
    stages: tuple[StageShown, ...]

    @property
    def chips(self) -> list[Chip]:
        """Three state machines and the surface's maturity, each on its own."""
        one = self.job.service_event
        return chips(self.job.state, None if one is None else one.state, self.job.maturity)

    @property
    def mark(self) -> str:
        """Differs whenever the page offers something else than before."""
        done = ",".join(stage.name for stage in self.stages if stage.completed_at)
        return f"{' '.join(self.can)}|{done}"

    @property
    def pieces(self) -> int:
        """How many photos and notes there are."""
        one = self.job.service_event
        return 0 if one is None else len(one.evidence) + len(one.notes)


def sheet(job: JobShown, person: Actor) -> Sheet:
    """The page of this Job for this person."""
    is_own = "operator" in person.roles and job.operator_id == person.subject
    return Sheet(job, _can(job) if is_own else (), _stages(job))


def chips(job: JobState, service_event: ServiceEventState | None, maturity: str) -> list[Chip]:
    """The states of a Job's path so far. It has a Job, so its Task is promoted."""
    return [
        ("Task", "promoted", "done"),
        ("Job", job, _JOB_SHAPES[job]),
        ("ServiceEvent", "none, not started", "none")
        if service_event is None
        else ("ServiceEvent", service_event, _SERVICE_EVENT_SHAPES[service_event]),
        ("Surface", maturity, "done" if maturity == "live" else "wait"),
    ]


def _can(job: JobShown) -> tuple[str, ...]:
    match job.state:
        case JobState.QUEUED:
            return ("claim",)
        case JobState.CLAIMED if job.service_event is None:
            return ("start", "hand-back")
        case JobState.CLAIMED:
            return ("evidence", "note", "stage", "complete")
        case JobState.CLOSED:
            return ()


def _stages(job: JobShown) -> tuple[StageShown, ...]:
    one = job.service_event
    completed = {} if one is None else {stage.name: stage.completed_at for stage in one.stages}
    here = next((stage.name for stage in job.stages if stage.name not in completed), None)
    return tuple(
        StageShown(
            n,
            stage.name,
            stage.evidence_required,
            _photos(one, stage.name),
            completed.get(stage.name),
            stage.name == here,
        )
        for n, stage in enumerate(job.stages, start=1)
    )


def _photos(one: ServiceEventShown | None, stage: str) -> int:
    pieces: Sequence[object] = (
        [] if one is None else [piece for piece in one.evidence if piece.stage == stage]
    )
    return len(pieces)
