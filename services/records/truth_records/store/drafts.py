"""Drafts and their evidence, until a Record is sealed."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

import asyncpg
from sqlalchemy import or_, select, text
from sqlalchemy.ext.asyncio import AsyncConnection
from truth_contracts.ids import RequestId, ServiceEventId
from truth_kit.columns import insert_arrays

from truth_records.domain.log import ReadyDraft
from truth_records.domain.record import Draft
from truth_records.tables import completion, disclosure, draft, evidence, evidence_copy, step_body

_ADD_COMPLETIONS = insert_arrays(completion)
_ADD_DRAFTS = insert_arrays(draft, "record_id", "event_id", "body", "sha256")
_ADD_STEPS = insert_arrays(step_body)
_ADD_DISCLOSURES = insert_arrays(disclosure)
_ADD_EVIDENCE = insert_arrays(evidence)
_ADD_COPY = insert_arrays(evidence_copy).on_conflict_do_nothing()

_LIST_LACKING = text("""
    SELECT piece.sha256, piece.bytes, copy.bytes AS copied, min(completion.drafted_at) AS since
      FROM truth.draft
      JOIN truth.completion USING (record_id)
      JOIN truth.evidence AS piece USING (record_id)
      LEFT JOIN truth.evidence_copy AS copy ON copy.sha256 = piece.sha256
     WHERE copy.bytes IS DISTINCT FROM piece.bytes AND piece.sha256 <> ALL (CAST(:later AS text[]))
     GROUP BY piece.sha256, piece.bytes, copy.bytes ORDER BY since LIMIT :limit
""")

_IS_READY = """
    NOT EXISTS (
        SELECT FROM truth.evidence AS piece
          LEFT JOIN truth.evidence_copy AS copy USING (sha256, bytes)
         WHERE piece.record_id = draft.record_id AND copy.copied_at IS NULL)
"""

_QUEUE = text(f"""
    SELECT count(*) FILTER (WHERE is_ready) AS ready, count(*) FILTER (WHERE NOT is_ready) AS waiting,
           min(drafted_at) AS oldest_at
      FROM (SELECT drafted_at, {_IS_READY} AS is_ready
              FROM truth.draft JOIN truth.completion USING (record_id)) AS queue
""")  # noqa: S608 no value in it

_LIST_READY = f"""
    SELECT draft.n, record_id, request_id, event_id, subject, body, sha256
      FROM truth.draft JOIN truth.completion USING (record_id)
     WHERE {_IS_READY} AND draft.n <> ALL ($2)
     ORDER BY draft.n LIMIT $1
"""  # noqa: S608 no value in it


@dataclass(frozen=True, slots=True)
class Lacking:
    """Evidence whose bytes a draft waits for. `copied` is their number when they came in another number."""

    sha256: str
    bytes: int
    copied: int | None
    since: datetime


@dataclass(frozen=True, slots=True)
class Queue:
    """Drafts: ready to be sealed, and waiting for evidence."""

    ready: int
    waiting: int
    oldest_at: datetime | None


async def find_taken(
    tx: AsyncConnection, request_ids: Collection[RequestId], service_event_ids: Collection[ServiceEventId]
) -> tuple[set[RequestId], set[ServiceEventId]]:
    """Requests and ServiceEvents that have their Record or its draft already."""
    c = completion.c
    query = select(c.request_id, c.service_event_id).where(
        or_(c.request_id.in_(request_ids), c.service_event_id.in_(service_event_ids))
    )
    rows = (await tx.execute(query)).all()
    return {request_id for request_id, _ in rows}, {service_event_id for _, service_event_id in rows}


async def insert_drafts(tx: AsyncConnection, drafts: Sequence[Draft], now: datetime) -> None:
    """Keep drafts with all that proves them. A second one for a ServiceEvent is an IntegrityError."""
    if not drafts:
        return
    await tx.execute(
        _ADD_COMPLETIONS,
        {
            **_column(drafts, "record_id", "request_id", "service_event_id", "subject", "operator_id"),
            "drafted_at": [now] * len(drafts),
        },
    )
    await tx.execute(_ADD_DRAFTS, _column(drafts, "record_id", "event_id", "body", "sha256"))
    bodies = [(draft.record_id, body) for draft in drafts for body in draft.bodies]
    await tx.execute(_ADD_STEPS, _rows(("record_id", "step", "body"), [(i, *body) for i, body in bodies]))
    disclosed = [
        (draft.record_id, path, t.encode()) for draft in drafts for path, t in draft.disclosures.items()
    ]
    await tx.execute(_ADD_DISCLOSURES, _rows(("record_id", "path", "body"), disclosed))
    pieces = [
        (draft.record_id, piece.path, piece.sha256, piece.media_type, piece.bytes)
        for draft in drafts
        for piece in draft.evidence
    ]
    await tx.execute(_ADD_EVIDENCE, _rows(("record_id", "path", "sha256", "media_type", "bytes"), pieces))


async def list_lacking(conn: AsyncConnection, later: Collection[str], limit: int) -> list[Lacking]:
    """Evidence that drafts wait for, longest first, without the digests in `later`."""
    rows = await conn.execute(_LIST_LACKING, {"later": list(later), "limit": limit})
    return [Lacking(row.sha256, row.bytes, row.copied, row.since) for row in rows]


async def insert_copy(tx: AsyncConnection, sha256: str, size: int, now: datetime) -> None:
    """Note that these bytes are in our own store and were hashed on the way. Again: nothing."""
    await tx.execute(_ADD_COPY, {"sha256": [sha256], "bytes": [size], "copied_at": [now]})


async def find_queue(conn: AsyncConnection) -> Queue:
    """How many drafts wait, and since when the first."""
    row = (await conn.execute(_QUEUE)).one()
    return Queue(row.ready, row.waiting, row.oldest_at)


async def list_ready(conn: asyncpg.Connection, limit: int, but: Sequence[int] = ()) -> list[ReadyDraft]:
    """Drafts whose evidence is there, in the order in which they came, without those at the places `but`."""
    return [ReadyDraft(*row) for row in await conn.fetch(_LIST_READY, limit, but)]


def _column(drafts: Sequence[Draft], *names: str) -> dict[str, list[object]]:
    return {name: [getattr(draft, name) for draft in drafts] for name in names}


def _rows(names: Sequence[str], rows: Sequence[Sequence[object]]) -> dict[str, list[object]]:
    return {name: [row[position] for row in rows] for position, name in enumerate(names)}
