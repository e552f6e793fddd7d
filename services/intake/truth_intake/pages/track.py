"""The tracker: the eight steps for whoever holds the link, its receipt, and the question to answer."""

from typing import Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import RedirectResponse, Response
from pydantic import ValidationError
from truth_kit.database import DatabaseDependency
from truth_kit.pages import FrameDependency, Typed, limited, stream, typed_in
from truth_kit.problems import Refused

from truth_intake.api.track import Tracker, answer_by_token, track
from truth_intake.domain.question import AnswerQuestion
from truth_intake.pages.showing import chips_of, path_of

router = APIRouter(include_in_schema=False)
_LIMIT = Depends(limited("answer", per_minute=30, burst=30))


@router.get("/track/{token}")
async def show_tracker(
    request: Request, token: str, database: DatabaseDependency, frame: FrameDependency
) -> Response:
    """Where the request stands."""
    return frame.show(request, "track.html", **shown(await track(token, database), token))


@router.get("/track/{token}/receipt")
async def show_receipt(
    request: Request, token: str, database: DatabaseDependency, frame: FrameDependency
) -> Response:
    """What was received, and the link by which to follow it."""
    return frame.show(request, "receipt.html", tracked=await track(token, database), token=token)


@router.get("/track/{token}/live")
async def live_tracker(
    request: Request, token: str, database: DatabaseDependency, frame: FrameDependency
) -> Response:
    """The tracker as it changes."""

    async def draw() -> str:
        return frame.draw(request, "_tracker.html", **shown(await track(token, database), token))

    return await stream(request, draw)


@router.post("/track/{token}/answer", dependencies=[_LIMIT])
async def answer_question(
    request: Request, token: str, database: DatabaseDependency, frame: FrameDependency
) -> Response:
    """Answer the open question: 303 back to the tracker, or the tracker with what was typed and why not."""
    typed = await typed_in(request)
    command = command_of(typed)
    if command is None:
        problem, status = "Write an answer of at most 4,000 characters.", 422
    else:
        try:
            await answer_by_token(token, command, database)
            return RedirectResponse(f"/track/{token}", 303)
        except Refused as refused:
            if refused.refusal.code == "request_unknown":
                raise
            problem, status = refused.refusal.detail, 409
    view = shown(await track(token, database), token, typed, problem)
    return frame.show(request, "track.html", status=status, **view)


def command_of(typed: Typed) -> AnswerQuestion | None:
    """The command as a form gives it; None when there is no answer in it that can be taken."""
    version = typed["version"]
    try:
        return AnswerQuestion(
            answer=typed["answer"], question_version=int(version) if version.isdecimal() else None
        )
    except (ValidationError, ValueError):
        return None


def shown(
    tracked: Tracker, token: str, typed: Typed | None = None, problem: str | None = None
) -> dict[str, Any]:
    """What the tracker's templates are given."""
    return {
        "tracked": tracked,
        "path": path_of(tracked.steps),
        "chips": chips_of(tracked.steps, tracked.maturity),
        "token": token,
        "answer_to": f"/track/{token}/answer",
        "typed": typed or Typed(),
        "problem": problem,
    }
