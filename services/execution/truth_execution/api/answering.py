"""What the commands on a Job are answered, or told with a refusal."""

from pydantic import BaseModel
from truth_contracts.base import Instant
from truth_contracts.ids import CommandId, JobId, RequestId, ServiceEventId

from truth_execution.domain.command import Command, Occasion
from truth_execution.domain.work import JobState, ServiceEventState, Work

NOT_SETTLED = "Completed, not settled: completion says nothing of settlement."


class Standing(BaseModel):
    """Where a ServiceEvent stands."""

    service_event_id: ServiceEventId
    state: ServiceEventState
    version: int


class Answered(BaseModel):
    """What a command did, or did when it was first given. No `service_event`: work is not started."""

    command_id: CommandId
    command: str
    actor: str
    at: Instant
    job_id: JobId
    request_id: RequestId
    job_state: JobState
    job_version: int
    service_event: Standing | None
    notice: str | None


def answer(command: Command, occasion: Occasion, moved: Work) -> Answered:
    """What a command that was just carried out is answered."""
    job = moved.job
    return Answered(
        command_id=command.command_id,
        command=command.NAME,
        actor=occasion.actor,
        at=occasion.at,
        job_id=job.job_id,
        request_id=job.request_id,
        job_state=job.state,
        job_version=job.version,
        service_event=_standing(moved),
        notice=NOT_SETTLED if job.state is JobState.CLOSED else None,
    )


def current(now: Work) -> dict[str, object]:
    """For who comes too late: where the work stands, and who brought the Job there and when."""
    job, service_event = now.job, now.service_event
    return {
        "job_state": job.state,
        "job_version": job.version,
        "changed_by": job.changed_by,
        "changed_at": job.changed_at,
        "service_event": None if service_event is None else _standing(now),
    }


def _standing(now: Work) -> Standing | None:
    one = now.service_event
    if one is None:
        return None
    return Standing(service_event_id=one.service_event_id, state=one.state, version=one.version)
