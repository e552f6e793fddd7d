"""HTTP in: sealed Records, for those who may read them. Nothing here changes one."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import BaseModel
from sqlalchemy.ext.asyncio import AsyncConnection
from truth_contracts.ids import RecordId, RequestId
from truth_contracts.refusals import Refusal
from truth_kit.auth import Actor, current_actor, require
from truth_kit.database import DatabaseDependency
from truth_kit.pages import signed_in
from truth_kit.problems import Refused
from truth_sealing.bundle import Bundle, write_bundle
from truth_sealing.canonical import sha256_hex
from truth_sealing.proof import proof_text
from truth_sealing.steps import STEPS
from truth_sealing.strict import strict_object
from truth_sealing.tiles import inclusion_proof, inclusion_tiles

from truth_records.store import log
from truth_records.store import records as store
from truth_records.store.records import SealedRow

router = APIRouter(tags=["records"])

_READS_ALL = {"admin", "auditor"}
_READERS = ("admin", "auditor", "operator")
Reader = Annotated[Actor, Depends(require(*_READERS))]


async def _by_token_or_session(
    request: Request,
    credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(HTTPBearer(auto_error=False))],
) -> Actor:
    if credentials is None:
        return await signed_in(*_READERS)(request)
    return await require(*_READERS)(await current_actor(request, credentials))


TokenOrSession = Annotated[Actor, Depends(_by_token_or_session)]
"""For what a program fetches with a token, and a Record's own page with its reader's session."""


class RecordView(BaseModel, frozen=True):
    """A sealed Record: the exact text that `sha256` and the log are over, and its members as JSON."""

    record_id: RecordId
    request_id: RequestId
    index: int
    sha256: str
    record: str
    members: dict[str, object]


class RecordsView(BaseModel, frozen=True):
    """None or one: a request has at most one Record."""

    records: list[RecordView]


@router.get("/api/records")
async def list_records(request_id: RequestId, actor: Reader, database: DatabaseDependency) -> RecordsView:
    """The Record of a request, once it is sealed. An operator sees their own."""
    async with database.connect() as conn:
        row = await store.find_by_request(conn, request_id)
    return RecordsView(records=[_view(row)] if row and _may_read(actor, row) else [])


@router.get("/api/records/{record_id}")
async def find_record(record_id: RecordId, actor: Reader, database: DatabaseDependency) -> RecordView:
    """One sealed Record. An operator sees their own."""
    async with database.connect() as conn:
        return _view(await readable(conn, record_id, actor))


@router.get("/records/{record_id}/bundle")
async def find_bundle(record_id: RecordId, actor: TokenOrSession, database: DatabaseDependency) -> Response:
    """Everything that proves a Record offline, under the newest checkpoint. Serve it byte for byte."""
    async with database.connect() as conn:
        row = await readable(conn, record_id, actor)
        kept = await store.find_kept(conn, record_id)
        proof = await proof_of(conn, row.index)
    steps = tuple(kept.steps.get(step) for step in STEPS)
    octets = write_bundle(Bundle(row.body.decode(), proof, steps, kept.disclosures, kept.evidence))
    name = f"attachment; filename={record_id}.record.bundle.json"
    headers = {"Content-Disposition": name, "Cache-Control": "private, no-store"}
    return Response(octets, media_type="application/json", headers=headers)


async def proof_of(conn: AsyncConnection, index: int) -> str:
    """The tlog-proof of an entry under the newest checkpoint."""
    head = await log.find_head(conn)
    if head is None:  # a Record is sealed with its checkpoint, in one transaction
        raise LookupError("a sealed Record without a checkpoint")
    tiles = await log.read_tiles(conn, inclusion_tiles(index, head.size))
    return proof_text(index, inclusion_proof(index, head.size, tiles.__getitem__), head.note)


async def readable(conn: AsyncConnection, record_id: RecordId, actor: Actor) -> SealedRow:
    """A Record that this caller may read; else Refused `record_unknown`."""
    row = await store.find(conn, record_id)
    if row is None or not _may_read(actor, row):
        # The same answer for both: whether somebody else's Record exists is not for every operator to know.
        raise Refused(Refusal("record_unknown", "There is no such Record that you may read."))
    return row


def _may_read(actor: Actor, row: SealedRow) -> bool:
    return reads_all(actor) or actor.subject == row.operator_id


def reads_all(actor: Actor) -> bool:
    """Whether a caller may read every Record; an operator reads their own."""
    return not actor.roles.isdisjoint(_READS_ALL)


def _view(row: SealedRow) -> RecordView:
    text = row.body.decode()
    return RecordView(
        record_id=row.record_id,
        request_id=row.request_id,
        index=row.index,
        sha256=sha256_hex(row.body),
        record=text,
        members=dict(strict_object(text)),
    )
