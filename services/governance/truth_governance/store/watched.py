"""What execution tells of Jobs and ServiceEvents: the highest version of each, for display."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection
from truth_contracts.base import Instant
from truth_contracts.ids import JobId, RequestId, ServiceEventId
from truth_contracts.jobs import JobChanged
from truth_contracts.service_events import ServiceEventChanged
from truth_kit.columns import insert_arrays

from truth_governance.tables import job_seen, service_event_seen

_job = insert_arrays(job_seen)
_SET_JOBS = _job.on_conflict_do_update(
    index_elements=[job_seen.c.request_id],
    set_={name: _job.excluded[name] for name in ("job_id", "job_version", "job_state", "at", "actor")},
    where=_job.excluded.job_version > job_seen.c.job_version,
)
_event = insert_arrays(service_event_seen)
_SET_SERVICE_EVENTS = _event.on_conflict_do_update(
    index_elements=[service_event_seen.c.request_id],
    set_={
        name: _event.excluded[name]
        for name in ("service_event_id", "service_event_version", "service_event_state", "at", "actor")
    },
    where=_event.excluded.service_event_version > service_event_seen.c.service_event_version,
)


@dataclass(frozen=True, slots=True)
class JobSeen:
    """A Job as execution last told of it."""

    job_id: JobId
    version: int
    state: str
    at: Instant


@dataclass(frozen=True, slots=True)
class ServiceEventSeen:
    """A ServiceEvent as execution last told of it."""

    service_event_id: ServiceEventId
    version: int
    state: str
    at: Instant


async def set_jobs(tx: AsyncConnection, told: Sequence[JobChanged]) -> None:
    """Keep what is newer than what is kept; at most one event a request."""
    if not told:
        return
    rows = {
        "request_id": [event.request_id for event in told],
        "job_id": [event.id for event in told],
        "job_version": [event.version for event in told],
        "job_state": [event.state for event in told],
        "at": [event.at for event in told],
        "actor": [event.actor for event in told],
    }
    await tx.execute(_SET_JOBS, rows)


async def set_service_events(tx: AsyncConnection, told: Sequence[ServiceEventChanged]) -> None:
    """Keep what is newer than what is kept; at most one event a request."""
    if not told:
        return
    rows = {
        "request_id": [event.request_id for event in told],
        "service_event_id": [event.id for event in told],
        "service_event_version": [event.version for event in told],
        "service_event_state": [event.state for event in told],
        "at": [event.at for event in told],
        "actor": [event.actor for event in told],
    }
    await tx.execute(_SET_SERVICE_EVENTS, rows)


async def find_job(conn: AsyncConnection, request_id: RequestId) -> JobSeen | None:
    """The Job of a request, if execution told of one."""
    c = job_seen.c
    query = select(c.job_id, c.job_version, c.job_state, c.at).where(c.request_id == request_id)
    row = (await conn.execute(query)).one_or_none()
    return None if row is None else JobSeen(*row)


async def find_service_event(conn: AsyncConnection, request_id: RequestId) -> ServiceEventSeen | None:
    """The ServiceEvent of a request, if execution told of one."""
    c = service_event_seen.c
    query = select(c.service_event_id, c.service_event_version, c.service_event_state, c.at)
    row = (await conn.execute(query.where(c.request_id == request_id))).one_or_none()
    return None if row is None else ServiceEventSeen(*row)
