"""The tracker: eight steps for whoever holds the link. Its token is stored as a digest only."""

import hashlib

from fastapi import APIRouter, Depends
from truth_contracts.ids import RequestId
from truth_contracts.refusals import Refusal
from truth_contracts.steps import Maturity
from truth_kit.database import DatabaseDependency
from truth_kit.pages import limited
from truth_kit.problems import Refused

from truth_intake.api.answering import Answered, answer
from truth_intake.api.tracked import Tracked, tracked
from truth_intake.domain.question import AnswerQuestion
from truth_intake.store import reading, surfaces, tracking

router = APIRouter(prefix="/api/track", tags=["tracker"])


class Tracker(Tracked, frozen=True):
    """A request as its requester sees it: never what others told about the work."""

    request_id: RequestId
    reference: str
    surface: str
    title: str
    maturity: Maturity


@router.get("/{token}")
async def track(token: str, database: DatabaseDependency) -> Tracker:
    """Where the request stands. Needs no sign-in: the link is the secret."""
    async with database.connect() as conn:
        intake = await reading.find_tracked(conn, _digest(token))
        if intake is None:
            raise _unknown()
        seen = await tracking.list_seen(conn, [intake.request_id])
        titles = await surfaces.find_surfaces(conn, [intake.surface])
    return Tracker(
        **tracked(intake, seen[intake.request_id]).model_dump(),
        request_id=intake.request_id,
        reference=f"R-{intake.request_id.hex[-8:]}",
        surface=intake.surface,
        title=titles[intake.surface].title,
        maturity=intake.maturity,
    )


@router.post("/{token}/answer", dependencies=[Depends(limited("answer", per_minute=30, burst=30))])
async def answer_by_token(token: str, command: AnswerQuestion, database: DatabaseDependency) -> Answered:
    """Answer the open question, once. Durable when this answers; the same text again changes nothing."""
    async with database.begin() as tx:
        intake = await reading.find_tracked(tx, _digest(token))
        if intake is None:
            raise _unknown()
        return await answer(tx, intake.request_id, command, "anonymous")


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


def _unknown() -> Refused:
    return Refused(Refusal("request_unknown", "No request has this tracker link."))
