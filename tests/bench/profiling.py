"""`python -m tests.bench.profiling`: where the five services spend their time under load, seen by py-spy.

Each sample counts for the innermost frame that belongs to something named here; what is idle is not sampled.
Needs the right to look into other processes (root, or ptrace_scope 0).
"""

import argparse
import asyncio
import shutil
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from rich.console import Console
from rich.table import Table
from truth_contracts.topics import SERVICES
from truth_local.system import System

from tests.bench.meters import pid_of
from tests.bench.parts import system_up
from tests.bench.paths import load
from tests.bench.paths.truth import register, truth
from tests.bench.paths.watch import watching

AREAS: Mapping[str, str] = {
    "sqlalchemy/": "SQLAlchemy",
    "asyncpg/": "asyncpg",
    "joserfc/": "tokens",
    "truth_kit/auth": "tokens",
    "uvicorn/": "HTTP server",
    "h11/": "HTTP server",
    "fastapi/": "routing",
    "starlette/": "routing",
    "aiokafka/": "Kafka client",
    "faststream/": "Kafka client",
    "structlog/": "logging",
    "pydantic/": "contracts",
    "truth_contracts/": "contracts",
    "truth_sealing/": "steps and seals",
    "truth_kit/relay": "relay",
    "truth_kit/outbox": "outbox",
    "truth_kit/subscribe": "reading messages",
    "truth_kit/": "kit, rest",
    **{f"truth_{service}/": "the service itself" for service in SERVICES},
    "asyncio/": "event loop",
    "selectors": "event loop",
}
_WAITING = ("Condition.wait", "EpollSelector.select", "_worker (concurrent", "Event.wait")
"""Innermost frames of what rests; py-spy cannot tell in every container."""
_RATE = 50
_WARM = 100


def main() -> None:
    """Start a system, walk paths, look."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.profiling", description=__doc__)
    parser.add_argument("--clients", type=int, default=64)
    parser.add_argument("--paths", type=int, default=512)
    parser.add_argument("--keep", type=Path, help="folder for the collapsed stacks")
    arguments = parser.parse_args()
    console = Console(width=150)
    with system_up(whole=True, tell=console.print) as system:
        folder = arguments.keep or system.layout.folder
        asyncio.run(_watch(system, arguments.clients, arguments.paths, folder))
        told = {service: areas((folder / f"{service}.txt").read_text()) for service in SERVICES}
    console.print(_table(told))


async def _watch(system: System, clients: int, paths: int, folder: Path) -> None:
    await register(system)
    async with watching(system) as watch:
        side = truth(system, watch)
        await load.run(side, 8, _WARM)
        watchers = [_look_at(system, service, folder / f"{service}.txt") for service in SERVICES]
        await load.run(side, clients, paths)
        for watcher in watchers:
            watcher.send_signal(signal.SIGINT)
            watcher.wait()


def _look_at(system: System, service: str, file: Path) -> "subprocess.Popen[bytes]":
    py_spy = shutil.which("py-spy", path=str(Path(sys.executable).parent))
    assert py_spy is not None, "the group `bench` is not installed"
    command = [py_spy, "record", "--pid", str(pid_of(system, f"{service}-1")), "--format", "raw"]
    return subprocess.Popen([*command, "--rate", str(_RATE), "--output", str(file)])  # noqa: S603 a pinned tool


def areas(collapsed: str) -> Counter[str]:
    """Samples by area, from lines `frame;frame;… count`."""
    found: Counter[str] = Counter()
    for line in collapsed.splitlines():
        stack, _, count = line.rpartition(" ")
        if any(waiting in stack.rpartition(";")[2] for waiting in _WAITING):
            continue
        found[_area(stack.split(";"))] += int(count)
    return found


def _area(frames: list[str]) -> str:
    for frame in reversed(frames):
        for part, area in AREAS.items():
            if part in frame:
                return area
    return "rest"


def _table(told: Mapping[str, Counter[str]]) -> Table:
    shown = Table("share of samples", *told)
    sums = sum(told.values(), Counter[str]())
    for area, _ in sums.most_common():
        shown.add_row(area, *(f"{found[area] / max(1, found.total()):.0%}" for found in told.values()))
    shown.add_row("samples", *(str(found.total()) for found in told.values()))
    return shown


if __name__ == "__main__":
    main()
