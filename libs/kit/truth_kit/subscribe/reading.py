"""From raw records to events: parsed and checked one by one, before any transaction."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from truth_contracts.envelope import NeedsUpgradeError, Received, from_kafka
from truth_contracts.refusals import Refusal

from truth_kit.dead_letters import DeadLetter
from truth_kit.subscribe.route import AnyRoute, Arrival

_AT_ONCE = 8
"""Read before others get their turn: 1.6 ms with a signature each. A thread would fight for the same lock."""

_UNREADABLE = Refusal(
    "envelope_invalid",
    "A header's name is not UTF-8. The message cannot be unpacked; it lies at its offset until it expires.",
    "headers",
    "names in UTF-8",
    "bytes that are not",
)

Partition: TypeAlias = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Blocked:
    """Where a partition waits, and for what."""

    offset: int
    reason: str


@dataclass(frozen=True, slots=True)
class Reading:
    """What a batch of records turned out to be, in order."""

    whole: list[Received[Any]] = field(default_factory=list[Received[Any]])
    broken: list[DeadLetter] = field(default_factory=list[DeadLetter])
    blocked: dict[Partition, Blocked] = field(default_factory=dict[Partition, Blocked])


async def read(routes: Sequence[AnyRoute], arrivals: Sequence[Arrival]) -> Reading:
    """Read and check `arrivals`, which are in order of topic, partition and offset.

    A message that needs a newer release blocks its partition: neither it nor anything behind it is read.
    The loop has its turn in between, so that the batch before this one is decided while this one is read.
    """
    by_topic = {route.topic.name: route for route in routes}
    reading = Reading()
    for number, arrival in enumerate(arrivals, start=1):
        if number % _AT_ONCE == 0:
            await asyncio.sleep(0)  # no pause: the loop's other work, then on
        place = arrival.coordinates
        partition = (place.topic, place.partition)
        if partition in reading.blocked:
            continue
        try:
            _read_one(by_topic[place.topic], arrival, reading)
        except NeedsUpgradeError as error:
            reading.blocked[partition] = Blocked(place.offset, str(error))
    return reading


def _read_one(route: AnyRoute, arrival: Arrival, reading: Reading) -> None:
    message, place, appended_at = arrival.message, arrival.coordinates, arrival.appended_at
    if not arrival.is_readable:
        reading.broken.append(DeadLetter(message, place, appended_at, _UNREADABLE))
        return
    match from_kafka(route.topic, message, place, appended_at):
        case Refusal() as refusal:
            reading.broken.append(DeadLetter(message, place, appended_at, refusal))
        case received:
            refusal = route.check(received) if route.check else None
            if refusal is None:
                reading.whole.append(received)
            else:
                reading.broken.append(DeadLetter.of(received, refusal))
