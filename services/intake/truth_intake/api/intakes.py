"""Reading Intakes, and answering for one whose request one knows by its id."""

from collections.abc import Mapping
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, StringConstraints
from truth_contracts.base import ForeignId, Instant
from truth_contracts.ids import RequestId
from truth_contracts.refusals import Refusal
from truth_contracts.steps import Maturity, SurfaceName
from truth_kit.auth import Actor, CurrentActor
from truth_kit.database import DatabaseDependency
from truth_kit.problems import Refused

from truth_intake.api.answering import Answered, answer
from truth_intake.api.tracked import Tracked, tracked
from truth_intake.domain.question import AnswerQuestion
from truth_intake.domain.submission import Door
from truth_intake.store import reading, tracking
from truth_intake.store.reading import Scope, StoredIntake, Wanted

router = APIRouter(prefix="/api/intakes", tags=["intakes"])

_SEE_ALL = frozenset({"admin", "operator", "auditor"})
_ANSWER_ALL = frozenset({"admin", "operator"})
SourceQuery = Annotated[str, StringConstraints(pattern=r"^[^\u0000]{1,128}$")]


class IntakeView(BaseModel, frozen=True):
    """An Intake in a list."""

    request_id: RequestId
    source: str
    request_key: str
    door: Door
    actor: str
    surface: SurfaceName
    surface_version: int
    maturity: Maturity
    received_at: Instant
    accepted_at: Instant


class IntakeList(BaseModel, frozen=True):
    """Intakes, newest first; the last id as `before` gives the next page."""

    intakes: list[IntakeView]


class IntakeWithSteps(IntakeView, Tracked, frozen=True):
    """An Intake with what was asked, its two sealed steps as they are handed on, and where it stands."""

    request: Mapping[str, object]
    texts: list[str]
    chain: list[Mapping[str, object]]


@router.get("")
async def list_intakes(  # noqa: PLR0913 one argument a query parameter
    actor: CurrentActor,
    database: DatabaseDependency,
    *,
    source: SourceQuery | None = None,
    request_key: ForeignId | None = None,
    before: RequestId | None = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> IntakeList:
    """Admins, operators and auditors see all; a machine those of its source, a person their own."""
    scope = _scope(actor, _SEE_ALL)
    wanted = Wanted(scope=scope, source=source, request_key=request_key, before=before, limit=limit)
    async with database.connect() as conn:
        found = await reading.list_intakes(conn, wanted)
    return IntakeList(intakes=[_view(intake) for intake in found])


@router.get("/{request_id}")
async def find_intake(
    request_id: RequestId, actor: CurrentActor, database: DatabaseDependency
) -> IntakeWithSteps:
    """One Intake, for whoever sees it in the list."""
    async with database.connect() as conn:
        intake = await reading.find_intake(conn, request_id, _scope(actor, _SEE_ALL))
        if intake is None:
            raise _unknown()
        steps = await reading.list_steps(conn, request_id)
        seen = await tracking.list_seen(conn, [request_id])
    return IntakeWithSteps(
        **_view(intake).model_dump(),
        **tracked(intake, seen[request_id]).model_dump(),
        request=steps[0].body,
        texts=[step.text for step in steps],
        chain=[step.link for step in steps],
    )


@router.post("/{request_id}/answer")
async def answer_by_id(
    request_id: RequestId, command: AnswerQuestion, actor: CurrentActor, database: DatabaseDependency
) -> Answered:
    """Answer as who made the request, or as an operator or admin for a caller. Durable when this answers."""
    async with database.begin() as tx:
        intake = await reading.find_intake(tx, request_id, _scope(actor, _ANSWER_ALL))
        if intake is None:
            raise _unknown()
        return await answer(tx, request_id, command, actor.reference)


def _scope(actor: Actor, roles: frozenset[str]) -> Scope:
    if not actor.roles.isdisjoint(roles):
        return Scope()
    if actor.kind == "machine":
        return Scope(source=f"/upstreams/{actor.subject}")
    return Scope(actor=actor.reference)


def _view(intake: StoredIntake) -> IntakeView:
    return IntakeView(
        request_id=intake.request_id,
        source=intake.source,
        request_key=intake.request_key,
        door=intake.door,
        actor=intake.actor,
        surface=intake.surface,
        surface_version=intake.surface_version,
        maturity=intake.maturity,
        received_at=intake.received_at,
        accepted_at=intake.accepted_at,
    )


def _unknown() -> Refused:
    return Refused(Refusal("request_unknown", "There is no such request, or it is not yours to see."))
