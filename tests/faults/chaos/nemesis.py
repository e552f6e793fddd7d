"""What goes wrong in a storm: a plan that follows from a seed, and the hand that carries it out."""

import asyncio
import random
import signal
import threading
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from typing import TypeAlias

import asyncpg
from truth_contracts.topics import SERVICES
from truth_kit.connections import DATABASE_ERRORS
from truth_local import processes
from truth_local.system import System

from tests.faults.chaos.history import History
from tests.faults.chaos.proxy import LinkName, Links

REPLICAS = 2
ADDED = REPLICAS + 1
NEIGHBOURS = ("kafka", "postgres")
_GAP_SECONDS = (5.0, 15.0)
_AT_ONCE = (0, 1, 1, 2, 2, 3)
_REST_SECONDS = {"kafka": 15.0, "postgres": 8.0}  # until the next fault of the same target
_REST_SECONDS_ELSE = 6.0

Span: TypeAlias = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of fault: what it strikes, for how many seconds, and how likely it is."""

    strikes: str  # replica, service, link, added, kafka or postgres
    lasts: Span
    weight: int


KINDS: Mapping[str, Kind] = {
    "replica killed": Kind("replica", (0, 8), 4),
    "replica frozen": Kind("replica", (15, 15), 2),
    "replica stopped": Kind("replica", (0, 5), 2),
    "replica added": Kind("added", (10, 20), 2),
    "Kafka killed": Kind("kafka", (1, 8), 1),
    "Kafka frozen": Kind("kafka", (5, 15), 1),
    "PostgreSQL stopped at once": Kind("postgres", (0, 5), 2),
    "backends terminated": Kind("service", (0, 0), 2),
    "connections reset": Kind("link", (0, 0), 2),
    "link silent": Kind("link", (5, 15), 2),
    "requests held back": Kind("link", (5, 15), 1),
    "answers held back": Kind("link", (5, 15), 1),
    "answers lost": Kind("link", (0, 0), 3),
    "link slow": Kind("link", (5, 15), 2),
}
"""Kill is SIGKILL, frozen SIGSTOP, stopped SIGTERM; PostgreSQL is stopped `immediate` (SIGQUIT)."""


@dataclass(frozen=True, slots=True)
class Planned:
    """A fault to come: when, where and for how long, in seconds."""

    at: float
    kind: str
    target: str
    lasts: float
    neighbours: tuple[str, ...] = NEIGHBOURS  # of a link


def plan(seed: int, seconds: float) -> list[Planned]:
    """All faults of a storm. Every 5 to 15 s some of them, sometimes none; the same for the same seed."""
    chance = random.Random(f"{seed}/nemesis")  # noqa: S311 must repeat, no secret
    planned: list[Planned] = []
    busy: dict[str, float] = {}
    at = chance.uniform(*_GAP_SECONDS) / 2
    while at < seconds:
        for _ in range(chance.choice(_AT_ONCE)):
            fault = _draw(chance, at)
            if busy.get(fault.target, 0.0) <= at:
                planned.append(fault)
                rest = _REST_SECONDS.get(fault.target, _REST_SECONDS_ELSE)
                busy[fault.target] = at + fault.lasts + rest
        at += chance.uniform(*_GAP_SECONDS)
    return planned


def _draw(chance: random.Random, at: float) -> Planned:
    name = chance.choices(list(KINDS), [kind.weight for kind in KINDS.values()])[0]
    kind = KINDS[name]
    service = chance.choice(SERVICES)
    replica = f"{service}-{chance.randint(1, REPLICAS)}"
    targets = {"service": service, "replica": replica, "link": replica, "added": f"{service}-{ADDED}"}
    neighbours = chance.choice([NEIGHBOURS, ("kafka",), ("postgres",)])
    lasts = round(chance.uniform(*kind.lasts), 1)
    return Planned(round(at, 1), name, targets.get(kind.strikes, kind.strikes), lasts, neighbours)


class Nemesis:
    """Carries a plan out over a running system. `base` are the replicas that are meant to run all along."""

    def __init__(self, system: System, links: Links, history: History, base: Sequence[str]) -> None:
        self._system, self._links, self._history, self._base = system, links, history, base
        self._over = threading.Event()

    def carry_out(self, planned: Sequence[Planned], seconds: float) -> None:
        """Inject every fault at its time, for so many seconds from now; what lasts then is undone early."""
        began = self._history.now()
        running: list[threading.Thread] = []
        try:
            for fault in sorted(planned, key=lambda fault: fault.at):
                self._over.wait(max(0.0, began + fault.at - self._history.now()))
                thread = threading.Thread(target=self._inject, args=(fault,), name=fault.kind)
                thread.start()
                running.append(thread)
            self._over.wait(max(0.0, began + seconds - self._history.now()))
        finally:
            self._over.set()
            for thread in running:
                thread.join()

    def heal(self) -> None:
        """Whatever happened: every link whole, every part awake, what should run started, nothing else."""
        self._links.mend()
        for name in self._system.parts:
            self._system.thaw(name)
        for name in ("postgres", "kafka", *self._base):
            processes.start(self._system.parts[name])
        for name in set(self._system.replica_urls) - set(self._base):
            self._system.stop(name)

    def _inject(self, fault: Planned) -> None:
        began = self._history.now()
        told = {"kind": fault.kind, "target": fault.target}
        self._history.note("fault", **told, lasts=fault.lasts, neighbours=fault.neighbours)
        with self._struck(fault):
            self._over.wait(fault.lasts)
        self._history.note("undone", **told, began=began, touched=sorted(self._touched(fault)))

    def _touched(self, fault: Planned) -> set[str]:
        match KINDS[fault.kind].strikes:
            case "replica" | "link":
                return {fault.target}
            case "service":
                return {f"{fault.target}-{number}" for number in range(1, REPLICAS + 1)}
            case "added":
                return set()
            case _:
                return set(self._base)

    @contextmanager
    def _struck(self, fault: Planned) -> Generator[None]:
        do, undo = self._hands(fault)
        do()
        try:
            yield
        finally:
            undo()

    def _hands(self, fault: Planned) -> tuple[Callable[[], None], Callable[[], None]]:
        """What brings a fault about, and what undoes it; neither waits for anybody to be ready."""
        system, target = self._system, fault.target
        start = lambda: processes.start(system.parts[target])  # noqa: E731
        nothing = lambda: None  # noqa: E731
        if KINDS[fault.kind].strikes == "link":
            names = [(target, neighbour) for neighbour in fault.neighbours]
            return self._on_links(fault.kind, names), lambda: self._links.mend(names)
        match fault.kind:
            case "replica killed" | "Kafka killed":
                return lambda: system.kill(target), start
            case "replica frozen" | "Kafka frozen":
                return lambda: system.freeze(target), lambda: system.thaw(target)
            case "replica stopped":
                return lambda: system.stop(target), start
            case "replica added":
                return start, lambda: system.stop(target)
            case "PostgreSQL stopped at once":
                at_once = replace(system.parts[target], stop_signal=signal.SIGQUIT)
                return lambda: processes.stop(at_once), start
            case _:
                return lambda: asyncio.run(_terminate(system.dsns[target].superuser, target)), nothing

    def _on_links(self, kind: str, names: Sequence[LinkName]) -> Callable[[], None]:
        links = self._links
        match kind:
            case "connections reset":
                return lambda: links.reset(names)
            case "answers lost":
                return lambda: links.lose_answers(names)
            case "link slow":
                return lambda: links.slow(names, 0.15)
            case _:
                requests, answers = kind != "answers held back", kind != "requests held back"
                return lambda: links.hold(names, requests=requests, answers=answers)


async def _terminate(dsn: str, service: str) -> None:
    """End every session of the service's own role, as an administrator would."""
    query = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = $1"
    with suppress(*DATABASE_ERRORS):  # PostgreSQL is away, or goes: its sessions are ended all the same
        conn = await asyncpg.connect(dsn, timeout=5)
        try:
            await conn.execute(query, f"{service}_app")
        finally:
            conn.terminate()
