"""The load client, the same for all sides: so many clients walk so many paths, one after another each."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol
from uuid import uuid4

from tests.bench.meters import cpu_seconds

_DESCRIPTION = "The tap in the kitchen drips all night long, and the cupboard below is wet. " * 8


class Walker(Protocol):
    """One client of a side, with connections of its own."""

    async def walk(self) -> None:
        """A request, eight human calls, each durable when it answers; returns when Record and Signal exist."""

    @property
    def again(self) -> int:
        """Calls that a server was too busy for, and that were asked again."""
        ...

    def close(self) -> None:
        """Close the connections."""


class Side(Protocol):
    """One of those that are compared."""

    @property
    def name(self) -> str:
        """As rows name it."""
        ...

    @property
    def pids(self) -> Mapping[str, int]:
        """Everything it runs on, by name; a figure of CPU is of all their process trees."""
        ...

    def client(self) -> Walker:
        """A client more."""
        ...


@dataclass(frozen=True, slots=True)
class Walked:
    """One run."""

    paths: int
    seconds: float
    cpu_ms: Mapping[str, float]
    """A path, by what used it."""
    client_ms: float
    """CPU of this process a path, which is not counted to any side."""
    latencies_ms: Sequence[float]
    again: int
    """Calls that were answered 503 and asked again."""

    @property
    def per_second(self) -> float:
        """Whole paths."""
        return self.paths / self.seconds

    @property
    def total_ms(self) -> float:
        """CPU of the whole side a path."""
        return sum(self.cpu_ms.values())


async def run(side: Side, clients: int, paths: int) -> Walked:
    """Walk `paths` paths with `clients` clients at a time."""
    left, latencies = [paths], list[float]()

    async def work(walker: Walker) -> None:
        while left[0] > 0:
            left[0] -= 1
            started = time.perf_counter()
            await walker.walk()
            latencies.append((time.perf_counter() - started) * 1e3)

    walkers = [side.client() for _ in range(clients)]
    before = {name: cpu_seconds(pid) for name, pid in side.pids.items()}
    own, started = time.process_time(), time.perf_counter()
    try:
        await asyncio.gather(*(work(walker) for walker in walkers))
    finally:
        for walker in walkers:
            walker.close()
    seconds, own = time.perf_counter() - started, time.process_time() - own
    used = {name: cpu_seconds(pid) - before[name] for name, pid in side.pids.items()}
    return Walked(
        paths,
        seconds,
        {name: value / paths * 1e3 for name, value in used.items()},
        own / paths * 1e3,
        latencies,
        sum(walker.again for walker in walkers),
    )


def request(surface: str) -> dict[str, object]:
    """What every side is asked for: about 1.2 kB."""
    return {
        "request_key": f"bench-{uuid4().hex}",
        "surface": surface,
        "summary": "The tap drips",
        "description": _DESCRIPTION,
        "requester": {"name": "Rita Roth", "contact": "rita@example.org"},
        "place": "12 Mill Lane, second floor",
        "details": [{"name": "tenant-reference", "value": "ML-12-2"}],
    }
