"""Jobs in lists: what a Desk shows of each, without its path."""

from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.ext.asyncio import AsyncConnection
from truth_contracts.ids import JobId, RequestId, ServiceEventId, TaskId

from truth_execution.domain.work import JobState, ServiceEventState
from truth_execution.tables import job, service_event

_LISTED = select(
    job.c.job_id,
    job.c.task_id,
    job.c.request_id,
    job.c.operator_id,
    job.c.surface,
    job.c.maturity,
    job.c.summary,
    job.c.place,
    job.c.queued_at,
    job.c.state,
    job.c.version,
    job.c.changed_by,
    job.c.changed_at,
)


@dataclass(frozen=True, slots=True)
class Under:
    """The ServiceEvent of a Job in a list."""

    service_event_id: ServiceEventId
    state: ServiceEventState
    version: int
    started_at: datetime
    completed_at: datetime | None


@dataclass(frozen=True, slots=True)
class Listed:
    """A Job in a list. `service_event` is None while work is not started."""

    job_id: JobId
    task_id: TaskId
    request_id: RequestId
    operator_id: str
    surface: str
    maturity: str
    summary: str
    place: str | None
    queued_at: datetime
    state: JobState
    version: int
    changed_by: str
    changed_at: datetime
    service_event: Under | None


async def list_jobs(
    conn: AsyncConnection, *, operator_id: str | None, request_id: RequestId | None, limit: int
) -> list[Listed]:
    """Newest first; only those of `operator_id` and `request_id`, when given."""
    wanted: list[ColumnElement[bool]] = []
    if operator_id is not None:
        wanted.append(job.c.operator_id == operator_id)
    if request_id is not None:
        wanted.append(job.c.request_id == request_id)
    return await _list(conn, wanted, limit)


async def list_desk(conn: AsyncConnection, operator_id: str, state: JobState, limit: int) -> list[Listed]:
    """The operator's own Jobs in one state, last moved first."""
    return await _list(conn, [job.c.operator_id == operator_id, job.c.state == state.value], limit)


async def count_moved(conn: AsyncConnection, operator_id: str, since: datetime) -> int:
    """How many of the operator's Jobs moved after that."""
    query = select(func.count()).where(job.c.operator_id == operator_id, job.c.changed_at > since)
    return (await conn.execute(query)).scalar_one()


async def _list(conn: AsyncConnection, wanted: list[ColumnElement[bool]], limit: int) -> list[Listed]:
    rows = await conn.execute(
        _LISTED.where(*wanted).order_by(job.c.changed_at.desc(), job.c.job_id).limit(limit)
    )
    listed = [
        Listed(
            job_id, task_id, request_id, operator_id, surface, maturity, summary, place, queued_at,
            JobState(state), version, changed_by, changed_at, service_event=None,
        )
        for (
            job_id, task_id, request_id, operator_id, surface, maturity, summary, place, queued_at, state,
            version, changed_by, changed_at,
        ) in rows
    ]  # fmt: skip
    under = await _list_under(conn, [one.job_id for one in listed])
    return [replace(one, service_event=under.get(one.job_id)) for one in listed]


async def _list_under(conn: AsyncConnection, job_ids: list[JobId]) -> dict[JobId, Under]:
    c = service_event.c
    query = select(c.job_id, c.service_event_id, c.state, c.version, c.started_at, c.completed_at)
    return {
        job_id: Under(service_event_id, ServiceEventState(state), version, started_at, completed_at)
        for job_id, service_event_id, state, version, started_at, completed_at in await conn.execute(
            query.where(c.job_id.in_(job_ids))
        )
    }
