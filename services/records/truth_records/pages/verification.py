"""The public verification: a bundle checked in the browser, and a Record by reference without its content."""

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response
from markupsafe import Markup
from truth_contracts.ids import RecordId
from truth_contracts.refusals import Refusal
from truth_kit.database import DatabaseDependency
from truth_kit.pages import FrameDependency, limited
from truth_kit.pages.assets import Assets
from truth_kit.problems import Refused
from truth_sealing import page
from truth_sealing.canonical import sha256_hex

from truth_records.api.log import Files, Published
from truth_records.api.records import proof_of
from truth_records.domain.log import entry_of
from truth_records.store import log, records

VERIFIER = Assets("verifier", page.FOLDER)
"""The verifier's modules, at an address of their own content."""

router = APIRouter(include_in_schema=False)
router.include_router(VERIFIER.router())


@router.get("/verify")
async def show_verifier(request: Request, files: Files, frame: FrameDependency) -> Response:
    """Check a bundle: everything happens in the browser, nothing is sent here."""
    checker = Markup(page.checker(files.policy, files.keys))  # noqa: S704 our own file, and base64
    return frame.show(request, "verify.html", checker=checker, verifier=VERIFIER.url)


@router.get("/verify.html")
async def find_single_file(files: Files) -> Response:
    """The same as one file, to be kept and opened with the network cut."""
    octets = page.single_file(files.policy, files.keys)
    headers = {
        "Content-Disposition": "attachment; filename=verify.html",
        "Cache-Control": "public, max-age=60",
    }
    return Response(octets, media_type="text/html; charset=utf-8", headers=headers)


@router.get("/verify/{record_id}", dependencies=[Depends(limited("verify", per_minute=60, burst=30))])
async def show_reference(
    request: Request, record_id: RecordId, files: Files, database: DatabaseDependency, frame: FrameDependency
) -> Response:
    """That a Record with this digest is sealed, and where; nothing of what it says."""
    async with database.connect() as conn:
        row = await records.find(conn, record_id)
        if row is None:
            raise Refused(Refusal("record_unknown", "The log has no Record with this id, or not yet."))
        (logged,) = await log.list_bodies(conn, row.index, row.index + 1)
        proof = await proof_of(conn, row.index)
    return frame.show(
        request,
        "reference.html",
        record_id=record_id,
        index=row.index,
        sha256=sha256_hex(row.body),
        entry=entry_of(logged.record_id, logged.body, logged.subject).decode(),
        proof=proof,
        pinned=pinned(files),
        verifier=VERIFIER.url,
    )


def pinned(files: Published) -> Markup:
    """The attributes in which a page carries what its script checks against."""
    return Markup(page.pinned(files.policy, files.keys))  # noqa: S704 names of our own, and base64
