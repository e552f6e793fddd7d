"""HTTP in: dead letters, for ops and auditors to see; what is done about one, people of the role ops do."""

from collections.abc import Sequence
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, Field
from truth_contracts.refusals import Refusal

from truth_kit.auth import Actor, require, require_person
from truth_kit.database import Database, DatabaseDependency
from truth_kit.dead_letters.redrive import Dismiss, Redrive, dismiss, redrive
from truth_kit.dead_letters.store import (
    Action,
    LetterState,
    LetterSummary,
    find_letter,
    list_actions,
    list_letters,
)
from truth_kit.fresh import utc_now
from truth_kit.problems import Refused
from truth_kit.subscribe.route import AnyRoute

REASON_MAX = 500
"""Characters of a reason."""

Looker = Annotated[Actor, Depends(require("ops", "auditor"))]
OpsPerson = Annotated[Actor, Depends(require_person("ops"))]


class RedriveCommand(BaseModel, frozen=True, extra="forbid"):
    """Offer the dead letter again. A dry run tells what would happen and changes nothing."""

    dry_run: bool = False
    reason: str | None = Field(default=None, max_length=REASON_MAX)


class DismissCommand(BaseModel, frozen=True, extra="forbid"):
    """Leave it at that."""

    reason: str = Field(min_length=1, max_length=REASON_MAX)


class Letters(BaseModel, frozen=True):
    """A page of dead letters, newest first."""

    dead_letters: list[LetterSummary]


class LetterWithActions(BaseModel, frozen=True):
    """A dead letter and what was done about it, oldest first."""

    letter: LetterSummary
    actions: list[Action]


def router(routes: Sequence[AnyRoute]) -> APIRouter:
    """`/api/ops/dead-letters` of a service with these routes. Of what senders wrote, ids, type and source."""
    ops = APIRouter(prefix="/api/ops/dead-letters", tags=["ops"])

    @ops.get("")
    async def list_dead_letters(
        _: Looker,
        database: DatabaseDependency,
        state: LetterState | Literal["any"] = "open",
        before: UUID | None = None,
        limit: Annotated[int, Query(ge=1, le=500)] = 100,
    ) -> Letters:
        """Newest first; the last id as `before` gives the next page."""
        async with database.connect() as conn:
            wanted = None if state == "any" else state
            return Letters(dead_letters=await list_letters(conn, state=wanted, before=before, limit=limit))

    @ops.get("/{letter_id}")
    async def find_dead_letter(letter_id: UUID, _: Looker, database: DatabaseDependency) -> LetterWithActions:
        return await read_letter(database, letter_id)

    @ops.post("/{letter_id}/redrive")
    async def redrive_dead_letter(
        letter_id: UUID, command: RedriveCommand, actor: OpsPerson, database: DatabaseDependency
    ) -> Action:
        """Decide on the message again, under its own event id. Durable when this answers."""
        wish = Redrive(letter_id, actor.reference, command.reason, command.dry_run)
        return _answer(await redrive(database, routes, wish, utc_now()))

    @ops.post("/{letter_id}/dismiss")
    async def dismiss_dead_letter(
        letter_id: UUID, command: DismissCommand, actor: OpsPerson, database: DatabaseDependency
    ) -> Action:
        """Close it without acting on it. Durable when this answers."""
        return _answer(
            await dismiss(database, Dismiss(letter_id, actor.reference, command.reason), utc_now())
        )

    return ops


async def read_letter(database: Database, letter_id: UUID) -> LetterWithActions:
    """One dead letter with its account. Raises Refused: `dead_letter_unknown`."""
    async with database.connect() as conn:
        letter = await find_letter(conn, letter_id)
        if letter is None:
            raise Refused(Refusal("dead_letter_unknown", f"There is no dead letter {letter_id}."))
        return LetterWithActions(letter=letter, actions=await list_actions(conn, letter_id))


def _answer(outcome: Action | Refusal) -> Action:
    if isinstance(outcome, Refusal):
        raise Refused(outcome)
    return outcome
