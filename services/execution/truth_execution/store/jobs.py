"""Jobs coming in: those that exist already, and the new ones."""

from collections.abc import Sequence

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncConnection
from truth_contracts.ids import JobId, RequestId, TaskId
from truth_contracts.jobs import FrozenJob
from truth_kit.columns import insert_arrays

from truth_execution.domain.arrival import summary_of
from truth_execution.domain.work import Job
from truth_execution.store.paths import pack
from truth_execution.tables import job

Known = dict[JobId | TaskId | RequestId, JobId]
"""By Job, Task and request: the one Job that there is."""

_INSERTED = (
    "job_id", "task_id", "request_id", "operator_id", "surface", "maturity", "summary", "place", "history",
    "queued_at", "state", "version", "changed_by", "changed_at",
)  # fmt: skip
_INSERT_JOBS = insert_arrays(job, *_INSERTED)


async def list_known(tx: AsyncConnection, wanted: Sequence[FrozenJob]) -> Known:
    """The Jobs that have the id, the Task or the request of one of these."""
    c = job.c
    query = select(c.job_id, c.task_id, c.request_id).where(
        or_(
            c.job_id.in_([frozen.job_id for frozen in wanted]),
            c.task_id.in_([frozen.task_id for frozen in wanted]),
            c.request_id.in_([frozen.request_id for frozen in wanted]),
        )
    )
    known: Known = {}
    for job_id, task_id, request_id in await tx.execute(query):
        known |= {job_id: job_id, task_id: job_id, request_id: job_id}
    return known


async def insert_jobs(tx: AsyncConnection, queued: Sequence[Job]) -> None:
    """New Jobs, queued."""
    if not queued:
        return
    summaries = [summary_of(one.history) for one in queued]
    rows = {
        "job_id": [one.job_id for one in queued],
        "task_id": [one.frozen.task_id for one in queued],
        "request_id": [one.request_id for one in queued],
        "operator_id": [one.frozen.operator_id for one in queued],
        "surface": [one.frozen.surface for one in queued],
        "maturity": [one.frozen.maturity for one in queued],
        "summary": [summary for summary, _ in summaries],
        "place": [place for _, place in summaries],
        "history": [pack(one.history) for one in queued],
        "queued_at": [one.changed_at for one in queued],
        "state": [one.state.value for one in queued],
        "version": [one.version for one in queued],
        "changed_by": [one.changed_by for one in queued],
        "changed_at": [one.changed_at for one in queued],
    }
    await tx.execute(_INSERT_JOBS, rows)
