"""How a hop's rate grows with processes: the real governance, one, two and four of it, over the same backlog."""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import asyncpg
from truth_local.services import migrate
from truth_local.system import System, describe

from tests.bench import intakes
from tests.bench.hop import empty
from tests.bench.meters import cpu_seconds, pid_of
from tests.bench.rows import Row, alone, paired

_WARM = 500
_LOOK_SECONDS = 0.05
_PATIENCE_SECONDS = 120


@dataclass(frozen=True, slots=True)
class Drained:
    """One backlog."""

    per_second: float
    cpu_us: Mapping[str, float]
    """A message, by part; all processes of the service together."""


def measure(
    system: System, counts: Sequence[int], messages: int, rounds: int, tell: Callable[[str], None]
) -> list[Row]:
    """Rate with each count of processes beside the first, and what a message costs whom."""
    if not counts:
        return []
    many = describe(system.layout.folder, system.ports, max(counts))
    migrate(many.layout, many.ports, "governance")
    found: dict[int, list[Drained]] = {}
    try:
        for count in counts:
            tell(f"Governance with {count} process{'es' if count > 1 else ''} …")
            names = [f"governance-{number}" for number in range(1, count + 1)]
            for name in names:
                many.start(name)
            _drain(many, names, _WARM)
            found[count] = [_drain(many, names, messages) for _ in range(rounds)]
    finally:
        for number in range(1, max(counts) + 1):
            many.stop(f"governance-{number}")
    return [row for count, drained in found.items() for row in _rows(count, drained, found[counts[0]])]


def _rows(count: int, drained: Sequence[Drained], one: Sequence[Drained]) -> list[Row]:
    told = f"governance, {count} process{'es' if count > 1 else ''}"
    return [
        paired(
            f"{told}: rate beside one",
            [(a.per_second, b.per_second) for a, b in zip(drained, one, strict=True)],
            "messages/s",
        ),
        *(
            alone(f"{told}: CPU of {part}", [each.cpu_us[part] for each in drained], "µs/message")
            for part in drained[0].cpu_us
        ),
    ]


def _drain(system: System, names: Sequence[str], messages: int) -> Drained:
    """Put a backlog before frozen processes, thaw them, and wait until all of it is acted on and published."""
    prepared = intakes.intake_messages(system, messages)
    asyncio.run(empty(system))
    for name in names:
        system.freeze(name)
    intakes.produce(system, prepared)
    pids = {name: pid_of(system, name) for name in (*names, "postgres", "kafka")}
    before = {name: cpu_seconds(pid) for name, pid in pids.items()}
    started = time.perf_counter()
    for name in names:
        system.thaw(name)
    asyncio.run(_wait(system, messages))
    seconds = time.perf_counter() - started
    used = {name: (cpu_seconds(pid) - before[name]) / messages * 1e6 for name, pid in pids.items()}
    service = sum(used.pop(name) for name in names)
    return Drained(messages / seconds, {"governance": service, **used})


async def _wait(system: System, messages: int) -> None:
    conn = await asyncpg.connect(system.dsns["governance"].superuser)
    try:
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while time.monotonic() < deadline:
            acted_on = await conn.fetchval("SELECT count(*) FROM truth.task")
            if acted_on == messages and not await conn.fetchval("SELECT count(*) FROM truth.outbox"):
                return
            await asyncio.sleep(_LOOK_SECONDS)
        raise TimeoutError(f"not all of {messages} messages were acted on")
    finally:
        await conn.close()
