"""The whole path over HTTP, ours beside the peers, in paired rounds: first everything once, unmeasured."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from truth_local.system import System

from tests.bench.paths import load
from tests.bench.paths.footprint import footprint
from tests.bench.paths.load import Side, Walked
from tests.bench.paths.peers import peers
from tests.bench.paths.truth import register, truth
from tests.bench.paths.watch import watching
from tests.bench.rows import Row, alone, paired, quantile

CLIENTS: Mapping[int, int] = {1: 40, 8: 120, 64: 256}
"""Clients at a time, and how many paths they walk in a round."""
_MONOLITH_MORE = 4  # its paths are so short that the clock of CPU, 10 ms a tick, needs more of them
_WARM = 100


def measure(
    system: System, folder: Path, rounds: int, levels: Sequence[int], tell: Callable[[str], None]
) -> list[Row]:
    """CPU and rate of each side, at each number of clients."""
    with peers(folder) as beside:
        return asyncio.run(_measure(system, beside, rounds, levels, tell))


async def _measure(
    system: System, beside: Sequence[Side], rounds: int, levels: Sequence[int], tell: Callable[[str], None]
) -> list[Row]:
    await register(system)
    async with watching(system) as watch:
        sides: list[Side] = [truth(system, watch), *beside]
        for side in sides:
            tell(f"Paths: warming {side.name} …")
            await load.run(side, 8, _WARM)
        tell("Paths: counting rows and bytes …")
        rows = await footprint(system, sides[0])
        for clients in levels:
            found: dict[str, list[Walked]] = {side.name: [] for side in sides}
            for number in range(rounds):
                for side in sides:
                    tell(f"Paths with {clients} clients, round {number + 1} of {rounds}: {side.name} …")
                    more = _MONOLITH_MORE if side.name == "monolith" else 1
                    found[side.name].append(await load.run(side, clients, CLIENTS[clients] * more))
            rows += _rows(clients, found)
    return rows


def _rows(clients: int, found: Mapping[str, Sequence[Walked]]) -> list[Row]:
    told = f"path, {clients} client{'s' if clients > 1 else ''}"
    ours = found["ours"]
    rows: list[Row] = []
    for name, peer in found.items():
        if name != "ours":
            rows += [
                paired(f"{told}: CPU beside {name}", _pairs(ours, peer, lambda one: one.total_ms), "ms/path"),
                paired(
                    f"{told}: rate beside {name}", _pairs(ours, peer, lambda one: one.per_second), "paths/s"
                ),
            ]
    rows += [
        alone(f"{told}: CPU of {part}", [one.cpu_ms[part] for one in ours], "ms/path")
        for part in ours[0].cpu_ms
    ]
    rows += [
        alone(f"{told}: {name}", [quantile(one.latencies_ms, share) for one in ours], "ms")
        for name, share in (("p50", 0.5), ("p99", 0.99))
    ]
    rows.append(alone(f"{told}: calls asked again after a 503", [float(one.again) for one in ours], "calls"))
    return [*rows, alone(f"{told}: the load client's CPU", [one.client_ms for one in ours], "ms/path")]


def _pairs(
    ours: Sequence[Walked], peer: Sequence[Walked], figure: Callable[[Walked], float]
) -> list[tuple[float, float]]:
    return [(figure(a), figure(b)) for a, b in zip(ours, peer, strict=True)]
