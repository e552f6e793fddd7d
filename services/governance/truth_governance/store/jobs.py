"""Prepared Jobs and the one creation of a Task."""

from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncConnection
from truth_contracts.base import read
from truth_contracts.ids import TaskId
from truth_contracts.jobs import FrozenJob
from truth_sealing.canonical import canonical

from truth_governance.domain.create_job import Creation
from truth_governance.domain.preparation import Preparation
from truth_governance.tables import job_creation, preparation


async def insert_preparation(tx: AsyncConnection, prepared: Preparation) -> None:
    """Keep a frozen Job; it stays after its ten minutes, to tell what was shown."""
    job = prepared.job
    row = {
        "digest": prepared.digest,
        "task_id": job.task_id,
        "job_id": job.job_id,
        "prepared_by": job.prepared_by,
        "expires_at": prepared.expires_at,
        "job": canonical(job.model_dump(mode="json")).decode(),
    }
    await tx.execute(insert(preparation).values(row))


async def find_preparation(conn: AsyncConnection, task_id: TaskId, digest: str) -> Preparation | None:
    """What was prepared for this Task under this digest."""
    c = preparation.c
    query = select(c.job, c.expires_at).where(c.digest == digest, c.task_id == task_id)
    row = (await conn.execute(query)).one_or_none()
    if row is None:
        return None
    job, expires_at = row
    return Preparation(digest, read(FrozenJob, job.encode()), expires_at)


async def insert_creation(tx: AsyncConnection, task_id: TaskId, creation: Creation) -> None:
    """Without this row the outbox takes no message for jobs.created. The Task must be promoted already."""
    row = {
        "task_id": task_id,
        "task_state": "promoted",
        "job_id": creation.job_id,
        "event_id": creation.event_id,
        "command": "create_job",
        "digest": creation.digest,
        "actor": creation.actor,
        "at": creation.at,
        "passkey_id": creation.passkey_id,
    }
    await tx.execute(insert(job_creation).values(row))


async def find_creation(conn: AsyncConnection, task_id: TaskId) -> Creation | None:
    """The Create Job of this Task, if it was given."""
    c = job_creation.c
    query = select(c.job_id, c.event_id, c.digest, c.actor, c.at, c.passkey_id).where(c.task_id == task_id)
    row = (await conn.execute(query)).one_or_none()
    if row is None:
        return None
    job_id, event_id, digest, actor, at, passkey_id = row
    return Creation(job_id, event_id, digest, actor, at, passkey_id)
