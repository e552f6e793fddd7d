"""Records for those who may read them: a list, one with lineage, evidence and seal, and its photos."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Request
from fastapi.responses import Response, StreamingResponse
from truth_contracts.ids import RecordId
from truth_contracts.refusals import Refusal
from truth_kit.auth import Actor
from truth_kit.blobs import Blobs
from truth_kit.database import DatabaseDependency
from truth_kit.pages import FrameDependency, signed_in
from truth_kit.problems import Refused
from truth_sealing.canonical import sha256_hex
from truth_sealing.sealed import SealedRecord, read_record
from truth_sealing.shown import evidence_of
from truth_sealing.strict import strict_object

from truth_records.api.log import published
from truth_records.api.records import readable, reads_all
from truth_records.pages.verification import VERIFIER, pinned
from truth_records.store import log
from truth_records.store import records as store

LISTED = 50
_PHOTOS = {"image/jpeg": "jpg", "image/png": "png", "image/webp": "webp"}
_STEPS = (
    # what is drawn, and the steps of the chain that it stands for
    ("Request", ("request",)),
    ("Intake", ("intake",)),
    ("Task", ("task_approved", "task_assigned")),
    ("Create Job", ("job_created",)),
    ("Job", ("job_claimed",)),
    ("ServiceEvent", ("service_event_completed",)),
)

router = APIRouter(include_in_schema=False)
Reader = Annotated[Actor, Depends(signed_in("admin", "auditor", "operator"))]


async def _evidence(request: Request) -> Blobs:
    blobs: Blobs = request.app.state.evidence
    return blobs


@router.get("/records")
async def show_records(
    request: Request,
    person: Reader,
    database: DatabaseDependency,
    frame: FrameDependency,
    before: Annotated[int, Query(ge=0, le=2**63 - 1)] | None = None,
) -> Response:
    """The newest; an operator's own."""
    own = None if reads_all(person) else person.subject
    async with database.connect() as conn:
        rows = await store.list_newest(conn, own, before, LISTED)
    listed = [(row, read_record(row.body.decode()).members) for row in rows]
    older = rows[-1].index if len(rows) == LISTED else None
    return frame.show(request, "records.html", listed=listed, older=older, reference=reference_of)


@router.get("/records/{record_id}")
async def show_record(
    request: Request,
    record_id: RecordId,
    person: Reader,
    database: DatabaseDependency,
    frame: FrameDependency,
) -> Response:
    """One Record. Its seal is checked by the reader's own browser, over the bundle that anyone would get."""
    async with database.connect() as conn:
        row = await readable(conn, record_id, person)
        kept = await store.find_kept(conn, record_id)
        pieces = await store.list_evidence(conn, record_id)
        head = await log.find_head(conn)
    record = read_record(row.body.decode())
    told = evidence_of(strict_object(kept.steps.get("service_event_completed", "{}")))
    return frame.show(
        request,
        "record.html",
        row=row,
        reference=reference_of(record_id),
        record=record.members,
        path=path_of(record),
        pieces=[(piece, told.get(piece.path, {})) for piece in pieces],
        sha256=sha256_hex(row.body),
        head=head,
        pinned=pinned(await published(request)),
        verifier=VERIFIER.url,
        at=datetime.fromisoformat,
    )


@router.get("/records/{record_id}/evidence/{number}")
async def find_photo(
    record_id: RecordId,
    number: Annotated[str, Path(pattern=r"^[0-9]{4,6}$")],
    person: Reader,
    database: DatabaseDependency,
    blobs: Annotated[Blobs, Depends(_evidence)],
) -> Response:
    """The bytes of one piece of evidence, from our own copy, as what our copy says they are."""
    async with database.connect() as conn:
        await readable(conn, record_id, person)
        piece = await store.find_evidence(conn, record_id, f"evidence/{number}")
    ending = _PHOTOS.get(piece.media_type) if piece is not None else None
    if piece is None or ending is None or await blobs.size(piece.sha256) is None:
        raise Refused(Refusal("not_found", "There is no such photo here."))
    headers = {
        "Content-Disposition": f"inline; filename={number}.{ending}",
        "Content-Length": str(piece.bytes),
        "Cache-Control": "private, no-store",
    }
    return StreamingResponse(blobs.open(piece.sha256), media_type=piece.media_type, headers=headers)


def reference_of(record_id: RecordId) -> str:
    """Short, for people."""
    return f"R-{record_id.hex[-8:].upper()}"


def path_of(record: SealedRecord) -> list[dict[str, Any]]:
    """The eight steps with the Create Job boundary; whether a Signal was earned is not for records to say."""
    steps = [
        {
            "step": step,
            "state": "sealed",
            "at": datetime.fromisoformat(record.link(names[-1])["at"]),
            "is_done": True,
            "is_here": False,
            "is_gate": step == "Create Job",
        }
        for step, names in _STEPS
    ]
    sealed_at = datetime.fromisoformat(record["recorded_at"])
    return [
        *steps,
        {
            "step": "Record",
            "state": "sealed",
            "at": sealed_at,
            "is_done": True,
            "is_here": True,
            "is_gate": False,
        },
        {
            "step": "Signal",
            "state": "told by signals",
            "at": None,
            "is_done": False,
            "is_here": False,
            "is_gate": False,
        },
    ]
