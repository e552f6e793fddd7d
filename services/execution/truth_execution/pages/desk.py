"""The Desk: an operator's own Jobs, and a line that tells when there is something new."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from pydantic import AwareDatetime
from truth_kit.database import DatabaseDependency
from truth_kit.fresh import utc_now
from truth_kit.pages import FrameDependency, stream

from truth_execution.api.desk import read_desk
from truth_execution.pages.reading import Operator
from truth_execution.pages.sheet import chips
from truth_execution.store.listing import count_moved

router = APIRouter(tags=["pages"], include_in_schema=False)


@router.get("/desk")
async def show_desk(
    request: Request, operator: Operator, database: DatabaseDependency, frame: FrameDependency
) -> Response:
    """Assigned, in progress, done."""
    as_of = utc_now()  # before reading: what moves meanwhile is told as new, rather than never
    desk = await read_desk(database, operator.subject)
    return frame.show(request, "desk.html", desk=desk, chips_of=chips, as_of=as_of)


@router.get("/desk/live")
async def follow_desk(
    request: Request,
    operator: Operator,
    database: DatabaseDependency,
    frame: FrameDependency,
    since: Annotated[AwareDatetime, Query()],
) -> Response:
    """How many Jobs moved since the Desk was drawn. Its rows stay where they are."""

    async def draw() -> str:
        async with database.connect() as conn:
            moved = await count_moved(conn, operator.subject, since)
        return frame.draw(request, "_moved.html", moved=moved)

    return await stream(request, draw)
