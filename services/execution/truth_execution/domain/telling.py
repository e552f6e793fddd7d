"""What watchers are told of a Job and of a ServiceEvent: that it moved, and nothing else."""

from truth_contracts.envelope import source_of
from truth_contracts.ids import EventId, derived_id
from truth_contracts.jobs import JobChanged
from truth_contracts.service_events import ServiceEventChanged

from truth_execution.domain.command import Occasion
from truth_execution.domain.work import Job, ServiceEvent


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
