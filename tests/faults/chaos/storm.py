"""One storm: a system of its own, faults over it while people act, then rest, and what was left behind."""

import asyncio
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from truth_contracts.topics import SERVICES
from truth_local import ports
from truth_local.detours import free_detours
from truth_local.starting import start_infrastructure, start_services, stop_all
from truth_local.system import System, describe
from truth_local.watch import Watch

from tests.faults.chaos.evidence import Evidence, gather, keep_ledgers, repeats_dropped, save
from tests.faults.chaos.history import History, Told, read
from tests.faults.chaos.nemesis import ADDED, REPLICAS, Nemesis, plan
from tests.faults.chaos.people import WORKERS, acting_people
from tests.faults.chaos.proxy import LinkName, Links, linked
from tests.faults.chaos.watching import Watcher, is_settled, watched

_SETTLING_SECONDS = 150.0  # what the checkers allow is less; beyond this nobody waits any more
_LOOK_SECONDS = 0.5

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Aftermath:
    """What a storm left: its history, its evidence, and how many repeats the services dropped."""

    told: Told
    evidence: Evidence
    dropped: int


def storm(seed: int, seconds: float, folder: Path, tell: Tell, workers: int = WORKERS) -> Aftermath:
    """Storm for so long, while so many act at once; `folder` then holds history.jsonl, evidence.json and the logs of all parts."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "history.jsonl"
    with stormy_system(tell) as (system, links):
        history = History(file)
        try:
            history.note("begin", seed=seed, seconds=seconds)
            _blow(system, links, history, seed, seconds, tell, workers)
            tell("gathering what is left")
            evidence = gather(system)
        finally:
            history.close()
            shutil.copytree(system.layout.logs, folder / "logs", dirs_exist_ok=True)
        dropped = repeats_dropped(system)
    save(evidence, folder / "evidence.json")
    return Aftermath(read(file), evidence, dropped)


@contextmanager
def stormy_system(tell: Tell) -> Generator[tuple[System, Links]]:
    """Two replicas of each service run, a third is described; all their connections pass through links."""
    folder = Path(tempfile.mkdtemp(prefix="truth-storm-"))
    chosen = ports.free()
    detours = free_detours(ADDED)
    system = describe(folder, chosen, ADDED, detours=detours)
    routes: dict[LinkName, tuple[int, int]] = {}
    for part, detour in detours.items():
        routes[part, "kafka"] = (detour.kafka, detour.kafka_listener)
        routes[part, "postgres"] = (detour.postgres, chosen.of["postgres"])
    tell("starting Kafka, PostgreSQL and two replicas of each service")
    try:
        with linked(routes) as links:
            start_infrastructure(system, Watch())
            start_services(describe(folder, chosen, REPLICAS, detours=detours), Watch())
            keep_ledgers(system)
            yield system, links
            tell("stopping")
            stop_all(system, lambda _part, _what: None)
    finally:
        stop_all(system, lambda _part, _what: None)
        shutil.rmtree(folder, ignore_errors=True)


def _blow(
    system: System, links: Links, history: History, seed: int, seconds: float, tell: Tell, workers: int
) -> None:
    base = [f"{service}-{number}" for number in range(1, REPLICAS + 1) for service in SERVICES]
    replicas = {
        service: [system.replica_urls[f"{service}-{n}"] for n in range(1, REPLICAS + 1)]
        for service in SERVICES
    }
    nemesis, watcher = Nemesis(system, links, history, base), Watcher(system, history, base)
    with watched(watcher, history):
        with acting_people(system, history, seed, replicas, workers) as over:
            planned = plan(seed, seconds)
            tell(f"storming for {seconds:.0f} s: {len(planned)} faults")
            nemesis.carry_out(planned, seconds)
            nemesis.heal()
            history.note("healed")
            over.set()
            tell("healed; waiting for rest")
        _rest(watcher, history)


def _rest(watcher: Watcher, history: History) -> None:
    """Wait until nothing waits any more. When that never comes, the history lacks its `settled`."""
    deadline = time.monotonic() + _SETTLING_SECONDS
    while time.monotonic() < deadline:
        if is_settled(asyncio.run(watcher.sample())):
            history.note("settled")
            return
        threading.Event().wait(_LOOK_SECONDS)
