"""One transaction for a batch: what is new is handed on, what is refused is kept, what is done is noted."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeAlias

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection
from truth_contracts.envelope import Coordinates, Received

from truth_kit import inbox, outbox, traces
from truth_kit.database import Database
from truth_kit.dead_letters import DeadLetter, record
from truth_kit.dead_letters.topic import told
from truth_kit.inbox import ConcurrentTwinError
from truth_kit.subscribe.reading import Blocked, Partition, Reading, read
from truth_kit.subscribe.route import AnyRoute, Arrival


@dataclass(frozen=True, slots=True)
class Decided:
    """What became of a batch. All of it is durable, but for what lies at or behind a block."""

    acted_on: int
    refused: int
    repeated: int
    blocked: dict[Partition, Blocked]
    events: Sequence[Received[Any]] = field(default=(), compare=False)  # those acted on
    letters: Sequence[DeadLetter] = field(default=(), compare=False)  # those refused


@dataclass(slots=True)
class Offered:
    """What handlers did with events: acted on each, or refused it."""

    acted_on: list[Received[Any]] = field(default_factory=list[Received[Any]])
    refused: list[DeadLetter] = field(default_factory=list[DeadLetter])


async def decide(
    database: Database, service: str, routes: Sequence[AnyRoute], arrivals: Sequence[Arrival], now: datetime
) -> Decided:
    """Read a batch of records, which are in order of topic, partition and offset, and `act` on it."""
    return await act(database, service, routes, await read(routes, arrivals), now)


async def act(
    database: Database, service: str, routes: Sequence[AnyRoute], reading: Reading, now: datetime
) -> Decided:
    """Act on a batch that was read, in one transaction; the only way a message changes anything.

    Each event is acted on once in the life of the database, whatever is read again or sent again. Raises
    when a neighbour is away, another replica was faster (ConcurrentTwinError) or a handler is broken: then
    nothing has happened; read the batch again.
    """
    async with database.begin() as tx:
        decided = await _list_decided(tx, [*map(_event_at, reading.whole), *map(_place_of, reading.broken)])
        whole = [received for received in reading.whole if received.coordinates not in decided]
        broken = [letter for letter in reading.broken if letter.coordinates not in decided]
        offered = await offer(tx, routes, whole, now)
        await _meet_twins(tx, offered.refused)
        refused = broken + offered.refused
        await record(tx, refused, now)
        await _tell(tx, service, routes, refused, now)
        await note(tx, offered.acted_on, now)
    repeated = len(reading.whole) + len(reading.broken) - len(offered.acted_on) - len(refused)
    return Decided(len(offered.acted_on), len(refused), repeated, reading.blocked, offered.acted_on, refused)


async def offer(
    tx: AsyncConnection, routes: Sequence[AnyRoute], events: Sequence[Received[Any]], now: datetime
) -> Offered:
    """Hand events to their handlers, topic by topic. A repeat counts only if the copy before it was refused.

    So a bad copy that somebody sent first cannot make the good one look like a repeat.
    """
    offered = Offered()
    while events:
        first = _first_copies(events)
        refused: list[DeadLetter] = []
        for route in routes:
            batch = [event for event in first.values() if event.coordinates.topic == route.topic.name]
            if batch:
                refused += await route.on(tx, batch, now)
        places = {letter.coordinates for letter in refused}
        acted_on = {key: event for key, event in first.items() if event.coordinates not in places}
        offered.refused += refused
        offered.acted_on += acted_on.values()
        events = [
            event for event in events if _key(event) not in acted_on and event.coordinates not in places
        ]
    return offered


async def note(tx: AsyncConnection, acted_on: Sequence[Received[Any]], now: datetime) -> None:
    """Put what was acted on into the inbox, and keep the traces that requests came with."""
    await inbox.add(tx, [_key(event) for event in acted_on], now)
    await traces.keep(tx, traces.parents_of(acted_on))


def _first_copies(events: Sequence[Received[Any]]) -> dict[tuple[str, str], Received[Any]]:
    first: dict[tuple[str, str], Received[Any]] = {}
    for event in events:
        first.setdefault(_key(event), event)
    return first


def _key(event: Received[Any]) -> tuple[str, str]:
    return event.source, event.event_id


async def _tell(
    tx: AsyncConnection,
    service: str,
    routes: Sequence[AnyRoute],
    refused: Sequence[DeadLetter],
    now: datetime,
) -> None:
    for route in routes:
        letters = [letter for letter in refused if letter.coordinates.topic == route.topic.name]
        if letters and route.refused:
            await route.refused(tx, letters, now)
        elif letters:
            await outbox.add(tx, [told(letter, service, now) for letter in letters])


_LIST_DECIDED = text("""
    WITH given AS (
        SELECT * FROM unnest(
            CAST(:topics AS text[]), CAST(:partitions AS integer[]), CAST(:offsets AS bigint[]),
            CAST(:appended AS timestamptz[]), CAST(:sources AS text[]), CAST(:event_ids AS text[])
        ) AS given (topic, partition, "offset", appended_at, source, event_id)
    )
    SELECT topic, partition, "offset" FROM given JOIN truth.inbox USING (source, event_id)
    UNION
    SELECT topic, partition, "offset"
      FROM given JOIN truth.dead_letter USING (topic, partition, "offset", appended_at)
""")


_Place: TypeAlias = tuple[Coordinates, datetime, str | None, str | None]
"""Where and when the broker appended it; and source and id, if it may be a repeat from elsewhere."""


def _event_at(event: Received[Any] | DeadLetter) -> _Place:
    return event.coordinates, event.appended_at, event.source, event.event_id


def _place_of(broken: DeadLetter) -> _Place:
    return broken.coordinates, broken.appended_at, None, None


async def _meet_twins(tx: AsyncConnection, refused: Sequence[DeadLetter]) -> None:
    """Raise ConcurrentTwinError when another replica decided on one of these after our look at the inbox.

    One that lost its partition may still commit. What it did is then there for our handler, which refuses the
    very event that did it.
    """
    if refused and await _list_decided(tx, [_event_at(letter) for letter in refused]):
        raise ConcurrentTwinError(f"{len(refused)} events refused, some decided by another replica meanwhile")


async def _list_decided(tx: AsyncConnection, places: Sequence[_Place]) -> set[Coordinates]:
    """Where those lie that were acted on before, from here or elsewhere, or refused at this very place.

    The broker's time belongs to the place: offsets begin anew when Kafka does, and PostgreSQL may outlive it.
    """
    if not places:
        return set()
    rows = await tx.execute(
        _LIST_DECIDED,
        {
            "topics": [place.topic for place, _, _, _ in places],
            "partitions": [place.partition for place, _, _, _ in places],
            "offsets": [place.offset for place, _, _, _ in places],
            "appended": [appended_at for _, appended_at, _, _ in places],
            "sources": [source for _, _, source, _ in places],
            "event_ids": [event_id for _, _, _, event_id in places],
        },
    )
    return {Coordinates(topic, partition, offset) for topic, partition, offset in rows}
