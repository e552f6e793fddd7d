"""The form of a surface, and entering a request for a caller."""

import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Annotated

import structlog
from fastapi import APIRouter, Depends, Path, Request
from fastapi.responses import RedirectResponse, Response
from truth_contracts.refusals import Refusal
from truth_contracts.requests import RequestSubmitted
from truth_kit.auth import Actor
from truth_kit.database import Database, DatabaseDependency
from truth_kit.fresh import utc_now
from truth_kit.pages import FrameDependency, Typed, limited, signed_in, typed_in, visitor
from truth_kit.problems import Refused

from truth_intake.api.admitting import StepSigner, admit
from truth_intake.domain.submission import (
    Entrance,
    entrance_of_form,
    entrance_of_intake_page,
    submission_by_http,
)
from truth_intake.domain.surface import RegistrableName, Surface
from truth_intake.pages.form import FIELDS, FieldError, FormField, Members, members_of, submitted_by
from truth_intake.store import surfaces

log = structlog.get_logger()

FORM_BYTES_MAX = 256 * 1024
"""A form's text takes up to twelve bytes a character, on its way here."""

# A browser may keep the page that is left: who goes back finds the form as it was sent, with its key.
_KEPT = {"Cache-Control": "private, no-cache"}
_TOKEN_BYTES = 16
# A tracker's token is made with its form, so that a form sent twice leads to one tracker.
_TOKEN = re.compile(r"[A-Za-z0-9_-]{22}")

router = APIRouter(include_in_schema=False)
Enterer = Annotated[Actor, Depends(signed_in("operator", "admin"))]
SurfaceInPath = Annotated[RegistrableName, Path()]


@router.get("/request/{surface}")
async def show_form(
    request: Request, surface: SurfaceInPath, database: DatabaseDependency, frame: FrameDependency
) -> Response:
    """The form of one surface, for anybody; a planned one says that it is not open yet."""
    named = await _surface(database, surface)
    if named.maturity == "planned":
        return frame.show(request, "planned.html", surface=named)
    return frame.show(request, "request.html", headers=_KEPT, surface=named, sheet=Sheet())


@router.post("/request/{surface}", dependencies=[Depends(limited("request", per_minute=30, burst=30))])
async def submit_form(
    request: Request,
    surface: SurfaceInPath,
    database: DatabaseDependency,
    signer: StepSigner,
    frame: FrameDependency,
) -> Response:
    """Submit: 303 to the receipt, also for a repeat. Durable when this answers; no work is ordered by it."""
    typed = await typed_in(request, FORM_BYTES_MAX)
    person = visitor(request)
    entrance = entrance_of_form(surface, person.subject if person else None)
    asked = _asked(typed, surface, person.subject if person else None)
    outcome = asked if isinstance(asked, list) else await _submit(asked, typed, entrance, database, signer)
    if outcome is None:
        return RedirectResponse(f"/track/{typed['token']}/receipt", 303)
    named = await _surface(database, surface)
    sheet = _again(typed, outcome)
    return frame.show(request, "request.html", status=sheet.status, surface=named, sheet=sheet)


@router.get("/intakes/new")
async def show_entry(
    request: Request, _: Enterer, database: DatabaseDependency, frame: FrameDependency
) -> Response:
    """The form on which an operator or admin enters what a caller asks for."""
    return frame.show(
        request, "enter.html", surfaces=await _open_surfaces(database), sheet=Sheet(), headers=_KEPT
    )


@router.post("/intakes/new")
async def enter(
    request: Request,
    person: Enterer,
    database: DatabaseDependency,
    signer: StepSigner,
    frame: FrameDependency,
) -> Response:
    """Enter for a caller: as the form, but whose request it is and who entered it are told apart."""
    typed = await typed_in(request, FORM_BYTES_MAX)
    asked = _asked(typed, typed["surface"], None)
    entrance = entrance_of_intake_page(person.subject)
    outcome = asked if isinstance(asked, list) else await _submit(asked, typed, entrance, database, signer)
    if outcome is None:
        return RedirectResponse(f"/track/{typed['token']}/receipt", 303)
    sheet, open_ones = _again(typed, outcome), await _open_surfaces(database)
    return frame.show(request, "enter.html", status=sheet.status, surfaces=open_ones, sheet=sheet)


def _asked(typed: Typed, surface: str, subject: str | None) -> RequestSubmitted | list[FieldError]:
    if not _TOKEN.fullmatch(typed["token"]):
        raise Refused(Refusal("body_malformed", "The form is not whole. Open it again."))
    members: Members = members_of(typed) | {"request_key": typed["once"], "surface": surface}
    if subject is not None:  # whoever it is cannot approve it later
        members.setdefault("requester", {})["subject"] = subject
    return submitted_by(members)


async def _submit(
    asked: RequestSubmitted, typed: Typed, entrance: Entrance, database: Database, signer: StepSigner
) -> Refusal | None:
    """None when it is in, or was before; a refusal that leaves the person something to do."""
    submission = submission_by_http(asked, typed.octets, entrance, utc_now())
    try:
        async with database.begin() as tx:
            await admit(tx, submission, typed["token"], signer)
    except Refused as refused:
        if refused.refusal.code not in ("request_key_reused", "body_too_large", "surface_unknown"):
            raise
        return refused.refusal
    log.info("request.accepted", door=entrance.door)
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """A form as it is shown: new, or again with what was typed and what is wrong with it."""

    typed: Typed = field(default_factory=Typed)
    errors: Sequence[FieldError] = ()
    refusal: Refusal | None = None
    key: str = ""
    token: str = field(default_factory=lambda: secrets.token_urlsafe(_TOKEN_BYTES))
    fields: Sequence[FormField] = FIELDS

    @property
    def status(self) -> int:
        """Of the answer that shows it."""
        return 409 if self.refusal and not self.key else 422 if self.refusal or self.errors else 200


def _again(typed: Typed, wrong: list[FieldError] | Refusal) -> Sheet:
    """One that was sent before with other words gets a key and a tracker of its own."""
    if isinstance(wrong, list):
        return Sheet(typed=typed, errors=wrong, key=typed["once"], token=typed["token"])
    if wrong.code == "request_key_reused":
        return Sheet(typed=typed, refusal=wrong)
    return Sheet(typed=typed, refusal=wrong, key=typed["once"], token=typed["token"])


async def _surface(database: Database, name: str) -> Surface:
    async with database.connect() as conn:
        named = (await surfaces.find_surfaces(conn, [name])).get(name)
    if named is None:
        raise Refused(Refusal("surface_unknown", "No surface of this name is registered."))
    return named


async def _open_surfaces(database: Database) -> list[Surface]:
    async with database.connect() as conn:
        return [one for one in await surfaces.list_surfaces(conn) if one.maturity != "planned"]
