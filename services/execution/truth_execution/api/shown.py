"""One Job as it is shown: the frozen context, the Job's state, the ServiceEvent's state, each on its own."""

from datetime import datetime

from pydantic import BaseModel
from truth_contracts.base import Instant
from truth_contracts.ids import JobId, RequestId, ServiceEventId, TaskId
from truth_contracts.jobs import HandBack
from truth_contracts.requests import Detail, Requester
from truth_contracts.service_events import CompletedStage, Evidence, Note
from truth_contracts.steps import Maturity, Outcome, Stage

from truth_execution.api.answering import NOT_SETTLED
from truth_execution.domain.arrival import read_path
from truth_execution.domain.completion import evidence_missing
from truth_execution.domain.work import JobState, ServiceEvent, ServiceEventState, Work


class RequestShown(BaseModel):
    """What was asked for, as it was received."""

    source: str
    summary: str
    description: str
    requester: Requester
    place: str | None
    wanted_by: Instant | None
    details: tuple[Detail, ...]


class ServiceEventShown(BaseModel):
    """The work so far. `evidence_missing` names the stages that still lack a photo."""

    service_event_id: ServiceEventId
    state: ServiceEventState
    version: int
    started_at: Instant
    stages: tuple[CompletedStage, ...]
    notes: tuple[Note, ...]
    evidence: tuple[Evidence, ...]
    evidence_missing: tuple[str, ...]
    outcome: Outcome | None
    reason: str | None
    completed_at: Instant | None


class JobShown(BaseModel):
    """A Job. No `service_event`: work is not started."""

    job_id: JobId
    task_id: TaskId
    request_id: RequestId
    operator_id: str
    operator_name: str
    surface: str
    maturity: Maturity
    stages: tuple[Stage, ...]
    request: RequestShown
    created_by: str
    created_at: Instant
    state: JobState
    version: int
    changed_by: str
    changed_at: Instant
    hand_backs: tuple[HandBack, ...]
    service_event: ServiceEventShown | None
    notice: str | None


def shown(found: Work) -> JobShown:
    """What the Job's operator and an auditor see."""
    job, frozen = found.job, found.job.frozen
    path, created = read_path(job.history), job.history.link("job_created")
    request = path.request
    return JobShown(
        job_id=job.job_id,
        task_id=frozen.task_id,
        request_id=job.request_id,
        operator_id=frozen.operator_id,
        operator_name=path.assigned.operator_name,
        surface=frozen.surface,
        maturity=frozen.maturity,
        stages=frozen.stages,
        request=RequestShown(
            source=request.source,
            summary=request.summary,
            description=request.description,
            requester=request.requester,
            place=request.place,
            wanted_by=request.wanted_by,
            details=request.details,
        ),
        created_by=created["actor"],
        created_at=datetime.fromisoformat(created["at"]),
        state=job.state,
        version=job.version,
        changed_by=job.changed_by,
        changed_at=job.changed_at,
        hand_backs=job.hand_backs,
        service_event=None if found.service_event is None else _service_event(found, found.service_event),
        notice=NOT_SETTLED if job.state is JobState.CLOSED else None,
    )


def _service_event(found: Work, one: ServiceEvent) -> ServiceEventShown:
    return ServiceEventShown(
        service_event_id=one.service_event_id,
        state=one.state,
        version=one.version,
        started_at=one.started_at,
        stages=one.stages,
        notes=one.notes,
        evidence=one.evidence,
        evidence_missing=evidence_missing(found.job.frozen.stages, one.evidence),
        outcome=one.outcome,
        reason=one.reason,
        completed_at=one.completed_at,
    )
