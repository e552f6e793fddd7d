"""One run: the whole system in memory, its faults, and what may never be seen of it."""

from collections import defaultdict
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from functools import partial
from inspect import CORO_SUSPENDED, getcoroutinestate
from random import Random
from typing import Any, TypeAlias

from truth_contracts.envelope import Coordinates, Message
from truth_contracts.topics import SERVICES

from tests.faults.simulation import invariants, people
from tests.faults.simulation.fixed import ADA, AMIR, once
from tests.faults.simulation.hop import RELAY, SEALER, Process, consume, relay
from tests.faults.simulation.log import Group, Log
from tests.faults.simulation.scheduler import AwayError, Scheduler, ViolationError, until
from tests.faults.simulation.sealing import copy_evidence, seal_log
from tests.faults.simulation.services import Fresher, Services
from tests.faults.simulation.store import Store

Part: TypeAlias = Callable[["World", Process], Coroutine[Any, Any, None]]

PLANTABLE = (
    "no inbox",
    "inbox outside the transaction",
    "published before the commit",
    "offsets at hand-over",
    "offsets before the dead letter",
    "no rewind after a failure",
    "refused without a second look",
    "two relays on row locks",
    "a cursor",
    "marked before sent",
    "sealer without its lock",
)
"""Bugs that a run can be given, to see them found."""

REQUESTS = 2
REPLICAS = 2
STEPS_MAX = 20_000
_FAULT_CHANCE = 0.04
_FAULTS_MAX = 14
_POISON = b"poison"


@dataclass(slots=True)
class World:
    """Everything of one seed."""

    seed: int
    planted: frozenset[str]
    die: Random
    scheduler: Scheduler
    log: Log = field(default_factory=Log)
    stores: dict[str, Store] = field(default_factory=dict[str, Store])
    groups: dict[str, Group] = field(default_factory=dict[str, Group])
    processes: dict[str, list[Process]] = field(default_factory=dict[str, list[Process]])
    sessions: dict[tuple[int, str], object] = field(default_factory=dict[tuple[int, str], object])
    fresher: Fresher = field(default_factory=Fresher)
    routes: dict[str, Any] = field(default_factory=dict[str, Any])
    poisons: list[Coordinates] = field(default_factory=list[Coordinates])
    faults: defaultdict[str, int] = field(default_factory=lambda: defaultdict(int))
    loss: float = 0.1
    """How often an answer does not come back."""
    first_told: dict[tuple[str, bytes | None], int] = field(
        default_factory=dict[tuple[str, bytes | None], int]
    )
    size: int = 0

    def task_of(self, number: int) -> Any:
        """The Task of request `number`, once there is one."""
        known = self.stores["intake"].table("of_key").get((people.SOURCE, f"key-{number}"))
        return known and self.stores["governance"].table("task_of").get(known.request_id)

    def job_of(self, number: int) -> Any:
        """The Job of request `number`, once execution has it."""
        task_id = self.task_of(number)
        return task_id and self.stores["execution"].table("job_of").get(task_id)

    def publish(self, store: Store, message: Message) -> None:
        """A message arrives at the broker."""
        invariants.check_told(self, store, message)
        self.log.append(message)

    def check_offsets(self, service: str) -> None:
        """After offsets were committed."""
        invariants.check_offsets(self, service)

    def check_log(self) -> None:
        """After Records were sealed."""
        self.size = invariants.check_log(self.stores["records"], self.size)


def run(seed: int, planted: frozenset[str] = frozenset()) -> World:
    """One interleaving to its end; raises ViolationError, told with the seed."""
    world = _new_world(seed, planted)
    try:
        _run(world)
        invariants.check_states(world)
        invariants.check_end(world)
    except ViolationError as violation:
        raise ViolationError(f"seed {seed}: {violation}") from violation
    finally:
        for actor in world.scheduler.actors:
            actor.steps.close()
    return world


def _new_world(seed: int, planted: frozenset[str]) -> World:
    die = Random(seed)  # noqa: S311 a die that falls the same way again
    world = World(seed, planted, die, Scheduler(die))
    world.routes = Services(world.fresher).routes()
    world.stores = {name: Store(name, planted) for name in SERVICES}
    for store in world.stores.values():
        store.publish = partial(world.publish, store)
    for service in SERVICES:
        topics = [route.topic.name for route in world.routes[service]]
        world.groups[service] = Group(topics, world.log)
        world.processes[service] = [Process(service, number) for number in range(1, REPLICAS + 1)]
        world.groups[service].assign(world.processes[service], die)
        for process in world.processes[service]:
            _start(world, process)
    spawn = world.scheduler.spawn
    for number in range(REQUESTS):
        spawn("acme", people.publish(world, number))
        if number % 2:
            spawn("acme", people.post(world, number))
        for person in (ADA, AMIR):
            spawn(person.subject, people.review(world, number, person))
        for device in ("phone", "tablet"):
            spawn(f"olga's {device}", people.work(world, number, device))
    return world


def _start(world: World, process: Process) -> None:
    spawn, name = world.scheduler.spawn, process.name
    parts = {"consumer": consume, "relay": relay}
    if process.service == "records":
        parts |= {"copier": copy_evidence, "sealer": seal_log}
    for part, work in parts.items():
        spawn(f"{name} {part}", _keep_running(world, process, work), process)


async def _keep_running(world: World, process: Process, work: Part) -> None:
    """What ends is started anew, a consumer at the offsets that were committed."""
    while True:
        try:
            await work(world, process)
        except AwayError:
            if work is consume:
                process.generation, process.positions = -1, {}
            await until(lambda: True)


def _run(world: World) -> None:
    """Steps until nobody can take one; faults on the way, none at the end."""
    left = world.die.randint(0, _FAULTS_MAX)
    for number in range(STEPS_MAX):
        if left and world.die.random() < _FAULT_CHANCE:
            left -= 1
            _strike(world)
        actor = world.scheduler.choose()
        if actor is None:
            if not world.scheduler.actors or not _break_deadlock(world):
                return
            continue
        world.scheduler.advance(actor)
        if number % 16 == 0:
            invariants.check_states(world)
    raise ViolationError(f"no rest after {STEPS_MAX} steps")


def _break_deadlock(world: World) -> bool:
    """PostgreSQL ends one of those who wait for each other."""
    holders = [tx for store in world.stores.values() for tx in store.holders.values()]
    if not holders:
        return False
    world.die.choice(holders).end()
    return True


def _strike(world: World) -> None:
    fault = world.die.choice(list(_FAULTS))
    world.faults[fault] += 1
    world.scheduler.trace.append(f"! {fault}")
    _FAULTS[fault](world)


def _any_process(world: World) -> Process:
    return world.die.choice([process for processes in world.processes.values() for process in processes])


def _kill(world: World) -> None:
    """SIGKILL, and a new process in its place."""
    process = _any_process(world)
    world.scheduler.kill(process)
    _lose_sessions(world, process)
    process.generation, process.positions = -1, {}
    _start(world, process)


def _freeze(world: World) -> None:
    """The sessions of a process end; what it had in hand goes on as a zombie."""
    process = _any_process(world)
    _lose_sessions(world, process)
    world.groups[process.service].assign(world.processes[process.service], world.die)


def _lose_sessions(world: World, process: Process) -> None:
    world.stores[process.service].let_go(process)
    for name in (RELAY, SEALER):
        held = world.sessions.pop((id(process), name), None)
        sessions = world.stores[process.service].sessions
        if held is not None and sessions.get(name) is held:
            del sessions[name]


def _rebalance(world: World) -> None:
    service = world.die.choice(SERVICES)
    world.groups[service].assign(world.processes[service], world.die)


def _replay(world: World) -> None:
    """Somebody sets a group back to the beginning."""
    world.groups[world.die.choice(SERVICES)].rewind()


def _away(world: World) -> None:
    """A connection breaks under whoever stands somewhere in the middle: before a commit, or after it."""
    within = [actor for actor in world.scheduler.actors if actor.home is not None and actor.waiting is None]
    started = [actor for actor in within if getcoroutinestate(actor.steps) == CORO_SUSPENDED]
    if started:
        world.scheduler.advance(world.die.choice(started), AwayError("connection lost"))


def _repeat(world: World) -> None:
    """A relay repeats what it is not sure of; an upstream publishes again."""
    messages = [message for messages in world.log.partitions.values() for message in messages]
    if messages:
        message = world.die.choice(messages)
        place = world.log.append(message)
        if message.key == _POISON:
            world.poisons.append(place)


def _poison(world: World) -> None:
    """What cannot be read, from somebody who may write there."""
    topic = world.die.choice([topic for group in world.groups.values() for topic in group.topics])
    message = once(("poison", topic, world.die.randint(1, 5)), lambda: Message(topic, _POISON, b"{", ()))
    world.poisons.append(world.log.append(message))


_FAULTS: dict[str, Callable[[World], None]] = {
    "kill": _kill,
    "freeze": _freeze,
    "rebalance": _rebalance,
    "replay": _replay,
    "away": _away,
    "repeat": _repeat,
    "poison": _poison,
}
