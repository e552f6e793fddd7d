"""`python -m tests.bench.soak`: many requests through the whole system; what must not grow is looked at all along.

Exit code 1 if a service's memory moved by more than 5 % between the first tenth and the end, if a table that should
be empty is not, or if a path takes longer at rest than 1.3 times what it took.
"""

import argparse
import asyncio
import json
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import asyncpg
from rich.console import Console
from rich.table import Table
from truth_contracts.topics import SERVICES
from truth_local.system import System

from tests.bench.machine import machine
from tests.bench.meters import pid_of, pss_mib
from tests.bench.parts import system_up
from tests.bench.paths import load
from tests.bench.paths.truth import Truth, register, truth
from tests.bench.paths.watch import watching
from tests.bench.rows import quantile

_CLIENTS = 64
_LOOKS = 10
_REST_SECONDS = 5
_ALONE = 40
_EMPTY: Mapping[str, Sequence[str]] = {
    **{service: ("outbox", "dead_letter") for service in SERVICES},
    "records": ("outbox", "dead_letter", "draft"),
}
_MEMORY_SHARE = 0.05
_SLOWER_MAX = 1.3
_FILE = Path(".truth/soak.json")


@dataclass(frozen=True, slots=True)
class Look:
    """The system at rest after so many requests."""

    requests: int
    per_second: float  # since the last look
    memory_mib: Mapping[str, float]
    left: Mapping[str, int]
    """Rows in tables that should be empty, by `service.table`; only what is not empty."""
    path_ms: float  # p50 with one client: five relays one after another


def findings(looks: Sequence[Look]) -> list[str]:
    """What moved that should not have; the first look is after the first tenth, when all is warm."""
    first, last = looks[0], looks[-1]
    found = [f"{table} holds {count} rows" for table, count in last.left.items()]
    for part in (f"{service}-1" for service in SERVICES):
        before, after = first.memory_mib[part], last.memory_mib[part]
        if abs(after / before - 1) > _MEMORY_SHARE:
            found.append(f"{part} went from {before:.0f} to {after:.0f} MiB")
    if last.path_ms > first.path_ms * _SLOWER_MAX:
        found.append(f"a path went from {first.path_ms:.0f} to {last.path_ms:.0f} ms")
    return found


def main() -> int:
    """Run it, tell what was seen."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.soak", description=__doc__)
    parser.add_argument("--requests", type=int, default=50_000)
    requests = parser.parse_args().requests
    console = Console(width=150)
    with system_up(whole=True, tell=console.print) as system:
        looks = asyncio.run(_soak(system, requests, console))
    console.print(_table(looks))
    found = findings(looks)
    console.print("\n".join(found) or "Nothing grew that should not.")
    _FILE.parent.mkdir(exist_ok=True)
    told = {"machine": machine(), "looks": [asdict(look) for look in looks], "findings": found}
    _FILE.write_text(json.dumps(told, indent=2) + "\n")
    return 1 if found else 0


async def _soak(system: System, requests: int, console: Console) -> list[Look]:
    await register(system)
    looks: list[Look] = []
    async with watching(system) as watch:
        side = truth(system, watch)
        for number in range(1, _LOOKS + 1):
            walked = await load.run(side, _CLIENTS, requests // _LOOKS)
            looks.append(await _look(side, number * (requests // _LOOKS), walked.per_second))
            console.print(
                f"{time.strftime('%H:%M:%S')}  {looks[-1].requests:,} requests, {walked.per_second:.0f}/s"
            )
    return looks


async def _look(side: Truth, requests: int, per_second: float) -> Look:
    await asyncio.sleep(_REST_SECONDS)
    alone = await load.run(side, 1, _ALONE)
    await asyncio.sleep(_REST_SECONDS)
    memory = {part: pss_mib(pid_of(side.system, part)) for part in side.system.parts}
    return Look(requests, per_second, memory, await _left(side.system), quantile(alone.latencies_ms, 0.5))


async def _left(system: System) -> dict[str, int]:
    found: dict[str, int] = {}
    for service, tables in _EMPTY.items():
        conn = await asyncpg.connect(system.dsns[service].superuser)
        for table in tables:
            count = await conn.fetchval(f"SELECT count(*) FROM truth.{table}")  # noqa: S608 one of ours
            if count:
                found[f"{service}.{table}"] = count
        await conn.close()
    return found


def _table(looks: Sequence[Look]) -> Table:
    parts = list(looks[0].memory_mib)
    shown = Table("requests", "paths/s", "path p50, ms", *(f"{part}, MiB" for part in parts), "not empty")
    for look in looks:
        memory = (f"{look.memory_mib[part]:.0f}" for part in parts)
        shown.add_row(
            f"{look.requests:,}",
            f"{look.per_second:.1f}",
            f"{look.path_ms:.0f}",
            *memory,
            json.dumps(look.left),
        )
    return shown


if __name__ == "__main__":
    sys.exit(main())
