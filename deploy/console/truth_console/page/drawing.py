"""The flow as a line of five services: a hop's width is its rate, its word and colour tell what waits."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from truth_contracts.topics import SERVICES

from truth_console.flow.rows import LATE_SECONDS, Row, Snapshot
from truth_console.flow.show import UNKNOWN, seconds

Kind: TypeAlias = Literal["steady", "late", "unknown"]

_HOPS = (
    "requests.submitted",
    "intakes.accepted",
    "jobs.created",
    "service-events.completed",
    "records.sealed",
)
_STEP = 190
_BOX = 100
_WIDTH_MAX = 16.0


@dataclass(frozen=True, slots=True)
class Hop:
    """The arrow into a service."""

    topic: str
    x: int
    width: float
    kind: Kind
    rate: str
    words: str


@dataclass(frozen=True, slots=True)
class Box:
    """A service."""

    name: str
    x: int
    kind: Kind


def hops(snapshot: Snapshot) -> Sequence[Hop]:
    """From the door to the Signal."""
    rows = {(row.topic, row.reader): row for row in snapshot.rows}
    pairs = zip(_HOPS, SERVICES, strict=True)
    return [_hop(rows[topic, reader], n * _STEP) for n, (topic, reader) in enumerate(pairs)]


def boxes(snapshot: Snapshot) -> Sequence[Box]:
    """The five services, each after its arrow."""
    kinds: dict[str, Kind] = {
        stand.service: "unknown" if stand.silent else "late" if stand.failing else "steady"
        for stand in snapshot.stands
    }
    return [
        Box(name, n * _STEP + _STEP - _BOX, kinds.get(name, "unknown")) for n, name in enumerate(SERVICES)
    ]


def _hop(row: Row, x: int) -> Hop:
    rate = UNKNOWN if row.per_second is None else f"{row.per_second:.1f} /s"
    width = 2.0 if row.per_second is None else min(_WIDTH_MAX, 2 + 4 * math.log10(1 + 10 * row.per_second))
    if row.oldest_seconds is None or row.waiting is None:
        return Hop(row.topic, x, width, "unknown", rate, UNKNOWN)
    kind: Kind = "late" if row.oldest_seconds > LATE_SECONDS else "steady"
    words = f"{row.waiting} wait, {seconds(row.oldest_seconds)}" if row.waiting else "nothing waits"
    return Hop(row.topic, x, round(width, 1), kind, rate, words)
