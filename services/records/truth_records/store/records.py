"""Sealed Records, and what is kept beside them."""

from dataclasses import dataclass

from sqlalchemy import ColumnElement, select
from sqlalchemy.ext.asyncio import AsyncConnection
from truth_contracts.ids import RecordId, RequestId
from truth_sealing.bundle import EvidenceLabel

from truth_records.tables import completion, disclosure, evidence, record, step_body


@dataclass(frozen=True, slots=True)
class SealedRow:
    """A sealed Record and its place in the log."""

    index: int
    record_id: RecordId
    request_id: RequestId
    operator_id: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Kept:
    """What of a Record's background was not erased: step bodies, disclosures, evidence labels."""

    steps: dict[str, str]
    disclosures: dict[str, str]
    evidence: dict[str, EvidenceLabel]


@dataclass(frozen=True, slots=True)
class EvidencePiece:
    """A photo that a Record commits to; its bytes are in our own store."""

    path: str
    sha256: str
    media_type: str
    bytes: int


_SEALED = select(
    record.c.idx, record.c.record_id, completion.c.request_id, completion.c.operator_id, record.c.body
).join_from(record, completion, record.c.record_id == completion.c.record_id)


async def find_by_request(conn: AsyncConnection, request_id: RequestId) -> SealedRow | None:
    """The sealed Record of a request; None also while it is a draft."""
    return await _find(conn, completion.c.request_id == request_id)


async def find(conn: AsyncConnection, record_id: RecordId) -> SealedRow | None:
    """A sealed Record; None also while it is a draft."""
    return await _find(conn, record.c.record_id == record_id)


async def find_kept(conn: AsyncConnection, record_id: RecordId) -> Kept:
    """Whatever is still kept beside a Record."""
    s, d, e = step_body.c, disclosure.c, evidence.c
    steps = await conn.execute(select(s.step, s.body).where(s.record_id == record_id))
    disclosures = await conn.execute(select(d.path, d.body).where(d.record_id == record_id))
    labels = await conn.execute(select(e.path, e.media_type, e.bytes).where(e.record_id == record_id))
    return Kept(
        {step: body.decode() for step, body in steps},
        {path: body.decode() for path, body in disclosures},
        {path: EvidenceLabel(media_type, size) for path, media_type, size in labels},
    )


async def list_newest(
    conn: AsyncConnection, operator_id: str | None, before: int | None, limit: int
) -> list[SealedRow]:
    """Sealed Records, newest first: below an index, if one is given; an operator's, if one is named."""
    query = _SEALED.order_by(record.c.idx.desc()).limit(limit)
    if operator_id is not None:
        query = query.where(completion.c.operator_id == operator_id)
    if before is not None:
        query = query.where(record.c.idx < before)
    return [SealedRow(*row) for row in await conn.execute(query)]


async def find_evidence(conn: AsyncConnection, record_id: RecordId, path: str) -> EvidencePiece | None:
    """What a Record commits to under `evidence/…`, unless it was erased."""
    e = evidence.c
    query = select(e.path, e.sha256, e.media_type, e.bytes).where(e.record_id == record_id, e.path == path)
    row = (await conn.execute(query)).one_or_none()
    return None if row is None else EvidencePiece(*row)


async def list_evidence(conn: AsyncConnection, record_id: RecordId) -> list[EvidencePiece]:
    """Every piece of evidence of a Record that was not erased, in order."""
    e = evidence.c
    query = select(e.path, e.sha256, e.media_type, e.bytes).where(e.record_id == record_id)
    return [EvidencePiece(*row) for row in await conn.execute(query.order_by(e.path))]


async def _find(conn: AsyncConnection, condition: ColumnElement[bool]) -> SealedRow | None:
    row = (await conn.execute(_SEALED.where(condition))).one_or_none()
    return None if row is None else SealedRow(*row)
