"""Surfaces with their maturity, and the messages that became no Intake."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response
from truth_contracts.topics import REQUESTS_SUBMITTED
from truth_kit.auth import Actor
from truth_kit.database import DatabaseDependency
from truth_kit.dead_letters.store import list_letters
from truth_kit.pages import FrameDependency, signed_in

from truth_intake.pages.showing import shape_of
from truth_intake.store import surfaces

PAGE = 100

router = APIRouter(include_in_schema=False)
Anybody = Annotated[Actor, Depends(signed_in())]
Reader = Annotated[Actor, Depends(signed_in("operator", "admin", "ops"))]


@router.get("/surfaces")
async def show_surfaces(
    request: Request, _: Anybody, database: DatabaseDependency, frame: FrameDependency
) -> Response:
    """Every surface as it is in force."""
    async with database.connect() as conn:
        found = await surfaces.list_surfaces(conn)
    return frame.show(request, "surfaces.html", surfaces=[(one, shape_of(one.maturity)) for one in found])


@router.get("/refused")
async def show_refused(
    request: Request,
    _: Reader,
    database: DatabaseDependency,
    frame: FrameDependency,
    before: UUID | None = None,
) -> Response:
    """What failed on requests.submitted: field, expected, received; never a value that somebody sent."""
    async with database.connect() as conn:
        letters = await list_letters(conn, state=None, before=before, limit=PAGE)
    found = [letter for letter in letters if letter.topic == REQUESTS_SUBMITTED.name]
    more = letters[-1].id if len(letters) == PAGE else None
    return frame.show(request, "refused.html", letters=found, more=more)
