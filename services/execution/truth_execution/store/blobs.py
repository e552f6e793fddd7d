"""What is known of uploaded bytes; the bytes themselves are in the evidence folder."""

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from truth_execution.domain.service_event import Blob
from truth_execution.tables import blob, evidence, job, service_event

_INSERT = insert(blob).on_conflict_do_nothing().returning(blob.c.sha256)


async def find_blob(conn: AsyncConnection, sha256: str) -> Blob | None:
    """The photo with this digest, if it was uploaded."""
    c = blob.c
    query = select(c.sha256, c.media_type, c.bytes, c.received_at, c.received_from).where(c.sha256 == sha256)
    row = (await conn.execute(query)).one_or_none()
    if row is None:
        return None
    digest, media_type, size, received_at, received_from = row
    return Blob(digest, media_type, size, received_at, received_from)


async def insert_blob(tx: AsyncConnection, received: Blob) -> bool:
    """Make bytes known that lie in the folder. False when they were known already."""
    row = {
        "sha256": received.sha256,
        "media_type": received.media_type,
        "bytes": received.bytes,
        "received_at": received.received_at,
        "received_from": received.received_from,
    }
    return (await tx.execute(_INSERT, row)).one_or_none() is not None


async def is_on_own_job(conn: AsyncConnection, sha256: str, operator_id: str) -> bool:
    """Whether the photo is attached to a Job that is assigned to this operator."""
    query = (
        select(evidence.c.n)
        .join_from(
            evidence, service_event, evidence.c.service_event_id == service_event.c.service_event_id
        )
        .join(job, job.c.job_id == service_event.c.job_id)
        .where(evidence.c.sha256 == sha256, job.c.operator_id == operator_id)
        .limit(1)
    )  # fmt: skip
    return (await conn.execute(query)).first() is not None
