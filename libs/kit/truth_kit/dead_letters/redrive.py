"""Offering a dead letter again, and dismissing it: by command, audited, once."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection
from truth_contracts.envelope import Received
from truth_contracts.refusals import Refusal

from truth_kit import inbox
from truth_kit.database import Database
from truth_kit.dead_letters.store import Action, StoredLetter, insert_action, lock_letter
from truth_kit.fresh import new_id
from truth_kit.subscribe.decide import note, offer
from truth_kit.subscribe.reading import read
from truth_kit.subscribe.route import AnyRoute, Arrival


@dataclass(frozen=True, slots=True)
class Redrive:
    """The wish to offer a dead letter again. A dry run tells what would happen and changes nothing."""

    letter_id: UUID
    by: str  # an actor's reference
    reason: str | None = None
    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class Dismiss:
    """The wish to leave a dead letter at that."""

    letter_id: UUID
    by: str  # an actor's reference
    reason: str


async def redrive(
    database: Database, routes: Sequence[AnyRoute], wish: Redrive, now: datetime
) -> Action | Refusal:
    """Read, check and decide on the message anew, under its own event id, as if it arrived now.

    Twice has one effect: the second is refused as `dead_letter_closed`. An event that was acted on meanwhile
    through another copy counts as redriven. What is refused again stays open, with the new reason. The
    attempt is durable on return; when this raises, nothing has happened and no attempt is counted.
    """
    try:
        return await _redrive(database, routes, wish, now)
    except inbox.ConcurrentTwinError:  # another copy was acted on while we did; this time the inbox tells
        return await _redrive(database, routes, wish, now)


async def dismiss(database: Database, wish: Dismiss, now: datetime) -> Action | Refusal:
    """Close a dead letter without acting on it. The row stays. Refused: unknown or closed."""
    async with database.begin() as tx:
        match await _lock_open(tx, wish.letter_id):
            case Refusal() as refusal:
                return refusal
            case StoredLetter():
                action = Action(new_id(), wish.letter_id, "dismiss", wish.by, now, wish.reason, "dismissed")
                await insert_action(tx, action)
    return action


async def _redrive(
    database: Database, routes: Sequence[AnyRoute], wish: Redrive, now: datetime
) -> Action | Refusal:
    async with database.begin() as tx:
        match await _lock_open(tx, wish.letter_id):
            case Refusal() as refusal:
                return refusal
            case StoredLetter() as letter:
                again = await _decide_again(tx, routes, letter, wish, now)
                action = _told(wish, again, now)
                await insert_action(tx, action)
    return action


async def _lock_open(tx: AsyncConnection, letter_id: UUID) -> StoredLetter | Refusal:
    letter = await lock_letter(tx, letter_id)
    if letter is None:
        return Refusal("dead_letter_unknown", f"There is no dead letter {letter_id}.")
    if letter.state != "open":
        return Refusal("dead_letter_closed", f"Dead letter {letter_id} was {letter.state} already.")
    return letter


async def _decide_again(
    tx: AsyncConnection, routes: Sequence[AnyRoute], letter: StoredLetter, wish: Redrive, now: datetime
) -> Refusal | None:
    """None if the event is acted on now, or was before."""
    topic = letter.coordinates.topic
    if topic not in {route.topic.name for route in routes}:
        return Refusal("type_unknown", f"This service no longer reads {topic}.")
    reading = await read(routes, [Arrival(letter.message, letter.coordinates, letter.appended_at)])
    for blocked in reading.blocked.values():
        return Refusal("version_unknown", f"This release {blocked.reason}.")
    for broken in reading.broken:
        return broken.refusal
    (event,) = reading.whole
    if await inbox.is_acted_on(tx, event.source, event.event_id):
        return None
    return await _offer_one(tx, routes, event, wish, now)


async def _offer_one(
    tx: AsyncConnection, routes: Sequence[AnyRoute], event: Received[Any], wish: Redrive, now: datetime
) -> Refusal | None:
    async with tx.begin_nested() as attempt:  # undone alone; what was tried is kept beside it
        offered = await offer(tx, routes, [event], now)
        if offered.refused or wish.dry_run:
            await attempt.rollback()
        else:
            await note(tx, offered.acted_on, now)
    return offered.refused[0].refusal if offered.refused else None


def _told(wish: Redrive, refusal: Refusal | None, now: datetime) -> Action:
    if wish.dry_run:
        what, outcome = "dry_run", "would_refuse" if refusal else "would_redrive"
    else:
        what, outcome = "redrive", "refused" if refusal else "redriven"
    code, detail = (refusal.code, refusal.detail) if refusal else (None, None)
    return Action(new_id(), wish.letter_id, what, wish.by, now, wish.reason, outcome, code, detail)
