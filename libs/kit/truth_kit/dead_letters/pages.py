"""What ops sees of dead letters, and the forms that put one right: the same pages in all five services.

A person tries first and redrives then, one at a time and at a person's pace, in their own session. A whole
group goes by command (`truth dead redrive --code`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from fastapi.responses import RedirectResponse, Response
from truth_contracts.refusals import Refusal

from truth_kit.auth import Actor
from truth_kit.database import DatabaseDependency
from truth_kit.dead_letters.api import REASON_MAX, LetterWithActions, read_letter
from truth_kit.dead_letters.redrive import Dismiss, Redrive, dismiss, redrive
from truth_kit.dead_letters.store import Action, LetterState, LetterSummary, list_letters
from truth_kit.fresh import utc_now
from truth_kit.pages import Frame, FrameDependency, Link, Typed, limited, signed_in, typed_in
from truth_kit.problems import STATUSES
from truth_kit.subscribe.route import AnyRoute

PAGE = 200
HOME = "/ops/dead-letters"
LINK = Link(HOME, "Dead letters", ("ops", "auditor"))

Looker = Annotated[Actor, Depends(signed_in("ops", "auditor"))]
OpsPerson = Annotated[Actor, Depends(signed_in("ops"))]
Pace = Annotated[None, Depends(limited("dead-letters", per_minute=60, burst=30))]
"""After the person's role in a function's arguments, so that only who may act uses it up."""

_UNTRIED = Refusal("move_forbidden", "Try it first: the last attempt has to say that it would be acted on.")
_UNEXPLAINED = Refusal("body_malformed", f"Give a reason of at most {REASON_MAX} characters.", "reason")


@dataclass(frozen=True, slots=True)
class Cause:
    """Dead letters with one code, on one topic, of one contract; newest first."""

    code: str
    topic: str
    type: str | None
    letters: Sequence[LetterSummary]

    @property
    def first_at(self) -> datetime:
        """When the first of them was refused."""
        return min(letter.first_at for letter in self.letters)


def by_cause(letters: Sequence[LetterSummary]) -> list[Cause]:
    """The largest group first."""
    kinds = dict.fromkeys((letter.code, letter.topic, letter.type) for letter in letters)
    causes = [
        Cause(*kind, [letter for letter in letters if (letter.code, letter.topic, letter.type) == kind])
        for kind in kinds
    ]
    return sorted(causes, key=lambda cause: -len(cause.letters))


def is_tried(actions: Sequence[Action]) -> bool:
    """Whether the last thing that was done was a dry run that found nothing against it."""
    return bool(actions) and actions[-1].outcome == "would_redrive"


def router(routes: Sequence[AnyRoute]) -> APIRouter:
    """`/ops/dead-letters` of a service with these routes. What senders wrote is never shown."""
    pages = APIRouter(prefix=HOME, include_in_schema=False)
    _add_views(pages)
    _add_forms(pages, routes)
    return pages


def _add_views(pages: APIRouter) -> None:
    @pages.get("")
    async def show_dead_letters(
        request: Request,
        _: Looker,
        database: DatabaseDependency,
        frame: FrameDependency,
        *,
        state: LetterState | Literal["any"] = "open",
        before: UUID | None = None,
    ) -> Response:
        """By cause; those that wait for somebody, or all."""
        async with database.connect() as conn:
            wanted = None if state == "any" else state
            letters = await list_letters(conn, state=wanted, before=before, limit=PAGE)
        more = letters[-1].id if len(letters) == PAGE else None
        causes = by_cause(letters)
        return frame.show(request, "kit/dead-letters.html", causes=causes, state=state, more=more)

    @pages.get("/{letter_id}")
    async def show_dead_letter(
        request: Request, letter_id: UUID, _: Looker, database: DatabaseDependency, frame: FrameDependency
    ) -> Response:
        """Why it was refused, what was done about it, and what may be done."""
        return _letter_page(request, frame, await read_letter(database, letter_id))


def _add_forms(pages: APIRouter, routes: Sequence[AnyRoute]) -> None:
    @pages.post("/{letter_id}/redrive")
    async def redrive_dead_letter(
        request: Request,
        letter_id: UUID,
        *,
        actor: OpsPerson,
        _: Pace,
        database: DatabaseDependency,
        frame: FrameDependency,
    ) -> Response:
        """Try it (a dry run), or redrive it for good. Durable when this answers."""
        typed, found = await typed_in(request), await read_letter(database, letter_id)
        is_trial = bool(typed["try"])
        outcome: Action | Refusal | None = None if is_trial else _missing(typed) or _untried(found)
        if outcome is None:
            wish = Redrive(letter_id, actor.reference, typed["reason"][:REASON_MAX] or None, is_trial)
            outcome = await redrive(database, routes, wish, utc_now())
        return _answer(request, frame, found, typed, outcome)

    @pages.post("/{letter_id}/dismiss")
    async def dismiss_dead_letter(
        request: Request,
        letter_id: UUID,
        *,
        actor: OpsPerson,
        _: Pace,
        database: DatabaseDependency,
        frame: FrameDependency,
    ) -> Response:
        """Close it without acting on it. Durable when this answers."""
        typed, found = await typed_in(request), await read_letter(database, letter_id)
        outcome: Action | Refusal | None = _missing(typed)
        if outcome is None:
            wish = Dismiss(letter_id, actor.reference, typed["reason"])
            outcome = await dismiss(database, wish, utc_now())
        return _answer(request, frame, found, typed, outcome)


def _missing(typed: Typed) -> Refusal | None:
    return None if 0 < len(typed["reason"]) <= REASON_MAX else _UNEXPLAINED


def _untried(found: LetterWithActions) -> Refusal | None:
    return _UNTRIED if found.letter.state == "open" and not is_tried(found.actions) else None


def _answer(
    request: Request, frame: Frame, found: LetterWithActions, typed: Typed, outcome: Action | Refusal
) -> Response:
    """Back to the letter's page; refused, the page comes with the reason and what was typed."""
    if isinstance(outcome, Refusal):
        return _letter_page(request, frame, found, typed=typed, refusal=outcome)
    return RedirectResponse(f"{HOME}/{found.letter.id}", 303)


def _letter_page(
    request: Request,
    frame: Frame,
    found: LetterWithActions,
    *,
    typed: Typed | None = None,
    refusal: Refusal | None = None,
) -> Response:
    return frame.show(
        request,
        "kit/dead-letter.html",
        status=200 if refusal is None else STATUSES[refusal.code],
        letter=found.letter,
        actions=found.actions,
        is_tried=is_tried(found.actions),
        typed=typed or Typed(),
        refusal=refusal,
    )
