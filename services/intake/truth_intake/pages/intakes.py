"""The intake page: every Intake, whatever its door, and where each stands."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from fastapi.responses import RedirectResponse, Response
from sqlalchemy.ext.asyncio import AsyncConnection
from truth_contracts.ids import RequestId
from truth_contracts.refusals import Refusal
from truth_kit.auth import Actor
from truth_kit.database import Database, DatabaseDependency
from truth_kit.pages import FrameDependency, Typed, signed_in, stream, typed_in
from truth_kit.problems import Refused

from truth_intake.api.answering import answer
from truth_intake.api.tracked import tracked
from truth_intake.pages.showing import chips_of, path_of, reference_of, shape_of
from truth_intake.pages.track import command_of
from truth_intake.store import reading, tracking
from truth_intake.store.reading import Asked, Scope, StoredIntake, Wanted

PAGE = 50
_NEAR_MAX = 200
_REFERENCE_CHARACTERS = 8

router = APIRouter(include_in_schema=False)
Reader = Annotated[Actor, Depends(signed_in("operator", "admin", "auditor"))]
Answerer = Annotated[Actor, Depends(signed_in("operator", "admin"))]


@router.get("/intakes")
async def show_intakes(
    request: Request,
    _: Reader,
    database: DatabaseDependency,
    frame: FrameDependency,
    *,
    q: str = "",
    before: RequestId | None = None,
) -> Response:
    """The newest, or those with this reference, id or request key."""
    async with database.connect() as conn:
        found = await reading.list_intakes(conn, _wanted(q.strip(), before))
        ids = [one.request_id for one in found]
        asked = await reading.list_requests(conn, ids)
        seen = await tracking.list_seen(conn, ids)
    rows = [
        {
            "intake": one,
            "asked": asked[one.request_id],
            "reference": reference_of(one.request_id),
            "task": (state := task.state if (task := seen[one.request_id].get("task")) else "none"),
            "shape": shape_of(state),
        }
        for one in found
    ]
    newest = ids[0] if ids and before is None and not q else None
    more = ids[-1] if len(ids) == PAGE else None
    return frame.show(request, "intakes.html", rows=rows, q=q, newest=newest, more=more)


@router.get("/intakes/live")
async def live_intakes(
    request: Request, _: Reader, newest: RequestId, database: DatabaseDependency, frame: FrameDependency
) -> Response:
    """How many came since: rows are never put under somebody's cursor."""

    async def draw() -> str:
        async with database.connect() as conn:
            return frame.draw(request, "_new.html", count=await reading.count_since(conn, newest))

    return await stream(request, draw)


@router.get("/intakes/{request_id}")
async def show_intake(
    request: Request, request_id: RequestId, _: Reader, database: DatabaseDependency, frame: FrameDependency
) -> Response:
    """One Intake: what was asked, untouched, and where it stands."""
    shown = await _shown(database, request_id) | await _asked(database, request_id)
    return frame.show(request, "intake.html", **shown)


@router.get("/intakes/{request_id}/live")
async def live_intake(
    request: Request, request_id: RequestId, _: Reader, database: DatabaseDependency, frame: FrameDependency
) -> Response:
    """Where it stands, as that changes."""

    async def draw() -> str:
        return frame.draw(request, "_tracker.html", **await _shown(database, request_id))

    return await stream(request, draw)


@router.post("/intakes/{request_id}/answer")
async def answer_for_caller(
    request: Request,
    request_id: RequestId,
    person: Answerer,
    database: DatabaseDependency,
    frame: FrameDependency,
) -> Response:
    """Answer the open question for a caller."""
    typed = await typed_in(request)
    command = command_of(typed)
    if command is None:
        problem, status = "Write an answer of at most 4,000 characters.", 422
    else:
        try:
            async with database.begin() as tx:
                await _find(tx, request_id)
                await answer(tx, request_id, command, person.reference)
            return RedirectResponse(f"/intakes/{request_id}", 303)
        except Refused as refused:
            if refused.refusal.code == "request_unknown":
                raise
            problem, status = refused.refusal.detail, 409
    view = await _shown(database, request_id) | await _asked(database, request_id)
    view |= {"typed": typed, "problem": problem}
    return frame.show(request, "intake.html", status=status, **view)


async def _shown(database: Database, request_id: RequestId) -> dict[str, Any]:
    """Where it stands: what the live part draws, each second for each page that is open."""
    async with database.connect() as conn:
        found = await _find(conn, request_id)
        seen = await tracking.list_seen(conn, [request_id])
    view = tracked(found, seen[request_id])
    return {
        "intake": found,
        "tracked": view,
        "path": path_of(view.steps),
        "chips": chips_of(view.steps, found.maturity),
        "answer_to": f"/intakes/{request_id}/answer",
        "typed": Typed(),
        "problem": None,
    }


async def _asked(database: Database, request_id: RequestId) -> dict[str, Any]:
    """What was asked, which never changes, and what else was asked for around it."""
    async with database.connect() as conn:
        found = await _find(conn, request_id)
        steps = await reading.list_steps(conn, request_id)
        near = await reading.list_requests(conn, await reading.list_near(conn, found, _NEAR_MAX))
        own = (await reading.list_requests(conn, [request_id]))[request_id]
    return {
        "reference": reference_of(request_id),
        "asked": steps[0].body,
        "alike": [(other, reference_of(other), said) for other, said in near.items() if _is_alike(own, said)],
    }


def _is_alike(one: Asked, other: Asked) -> bool:
    """The same words, or the same person to reach: a person decides whether it is the same thing."""
    same_words = one.summary.casefold() == other.summary.casefold()
    return same_words or (one.contact is not None and one.contact == other.contact)


async def _find(conn: AsyncConnection, request_id: RequestId) -> StoredIntake:
    found = await reading.find_intake(conn, request_id, Scope())
    if found is None:
        raise Refused(Refusal("request_unknown", "There is no such Intake."))
    return found


def _wanted(q: str, before: RequestId | None) -> Wanted:
    digits = q.casefold().removeprefix("r-")
    if len(digits) == _REFERENCE_CHARACTERS and all(digit in "0123456789abcdef" for digit in digits):
        return Wanted(scope=Scope(), reference=digits, before=before, limit=PAGE)
    try:
        return Wanted(scope=Scope(), request_id=RequestId(UUID(q)), limit=PAGE)
    except ValueError:
        key = q.replace("\0", "")
        return Wanted(scope=Scope(), request_key=key or None, before=before, limit=PAGE)
