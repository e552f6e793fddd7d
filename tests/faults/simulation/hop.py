"""The consumer loop and the relay as steps; and what can be planted in them to see it found."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from truth_contracts.envelope import Coordinates
from truth_kit.inbox import ConcurrentTwinError
from truth_kit.subscribe import Arrival, decide

from tests.faults.simulation.fixed import NOW
from tests.faults.simulation.log import Partition
from tests.faults.simulation.scheduler import AwayError, step, until
from tests.faults.simulation.store import Store

if TYPE_CHECKING:
    from tests.faults.simulation.world import World

POLL_MAX = 3
_READS_ON = 0.4
_TELLS_BEFORE = 0.5
RELAY, SEALER = "relay", "sealer"


@dataclass(slots=True, eq=False)
class Process:
    """One replica of a service: what it holds in memory dies with it."""

    service: str
    number: int
    generation: int = -1
    positions: dict[Partition, int] = field(default_factory=dict[Partition, int])
    idle_at: int = -1
    """How long the log was when there was nothing to read."""

    @property
    def name(self) -> str:
        """As the trace tells it."""
        return f"{self.service}-{self.number}"


@dataclass(frozen=True, slots=True)
class Taken:
    """A batch, with where each partition was read before it and behind it."""

    batch: list[Arrival]
    firsts: dict[Partition, int]
    ends: dict[Partition, int]


async def consume(world: "World", process: Process) -> None:
    """Poll, decide in one transaction, commit the offsets; after a failure the same batch again.

    The next batch may be taken before, and be decided before the offsets of this one are committed.
    """
    store = world.stores[process.service]
    taken: Taken | None = None
    while True:
        if taken is None:
            await until(lambda: _has_news(world, process))
            _join(world, process)
            taken = _take(world, process)
        generation, ends = process.generation, taken.ends
        if "offsets at hand-over" in world.planted:
            _commit_offsets(world, process, generation, ends)
        await step()
        following = _read_on(world, process)
        try:
            await _decide(world, store, process, taken.batch, ends)
        except (AwayError, ConcurrentTwinError):
            if "no rewind after a failure" not in world.planted:
                _put_back(process, generation, taken)
            taken = None
            await step()
            continue
        taken = following if world.groups[process.service].generation == generation else None
        if taken is None or world.die.random() < _TELLS_BEFORE:
            await step()
            _commit_offsets(world, process, generation, ends)
            await step()


def _join(world: "World", process: Process) -> None:
    """Begin where the group's present generation was told to."""
    group = world.groups[process.service]
    if process.generation != group.generation:
        process.generation = group.generation
        process.positions = {tp: group.committed.get(tp, 0) for tp in group.owned(process)}
        process.idle_at = -1


def _take(world: "World", process: Process) -> Taken:
    firsts = dict(process.positions)
    return Taken(_poll(world, process), firsts, dict(process.positions))


def _read_on(world: "World", process: Process) -> Taken | None:
    """While partitions move nothing is taken."""
    if world.groups[process.service].generation != process.generation or world.die.random() > _READS_ON:
        return None
    return _take(world, process)


def _put_back(process: Process, generation: int, taken: Taken) -> None:
    if process.generation == generation:
        process.positions = dict(taken.firsts)
    process.idle_at = -1


def _has_news(world: "World", process: Process) -> bool:
    group = world.groups[process.service]
    if process.generation != group.generation:
        return True
    if process.idle_at == world.log.count:
        return False
    if any(position < world.log.end(tp) for tp, position in process.positions.items()):
        return True
    process.idle_at = world.log.count
    return False


def _poll(world: "World", process: Process) -> list[Arrival]:
    """Some of what is there, in order of topic, partition and offset."""
    batch: list[Arrival] = []
    for (topic, number), position in sorted(process.positions.items()):
        count = min(world.die.randint(0, POLL_MAX), world.log.end((topic, number)) - position)
        messages = world.log.partitions.get((topic, number), [])[position : position + count]
        batch += [
            Arrival(message, Coordinates(topic, number, position + n), NOW)
            for n, message in enumerate(messages)
        ]
        process.positions[topic, number] = position + count
    return batch


async def _decide(
    world: "World", store: Store, process: Process, batch: list[Arrival], ends: dict[Partition, int]
) -> None:
    if not batch:
        return
    routes = world.routes[process.service]
    if "offsets before the dead letter" in world.planted:
        _commit_offsets(world, process, process.generation, ends)
    await decide(store.as_database(), process.service, routes, batch, NOW)


def _commit_offsets(world: "World", process: Process, generation: int, ends: dict[Partition, int]) -> None:
    """The broker takes offsets only from who owns the partitions in this generation."""
    group = world.groups[process.service]
    if generation != group.generation:
        return
    group.committed |= {tp: end for tp, end in ends.items() if end > group.committed.get(tp, 0)}
    world.check_offsets(process.service)


async def relay(world: "World", process: Process) -> None:
    """Publish the outbox in order, then delete what was acknowledged, as long as the session lock is ours."""
    store = world.stores[process.service]
    me, cursor = object(), 0
    has_lock = "two relays on row locks" not in world.planted
    while True:
        if has_lock:
            await until(lambda: RELAY not in store.sessions)
            store.sessions[RELAY] = world.sessions[id(process), RELAY] = me
        try:
            while True:
                await until(lambda after=cursor: _is_due(world, store, after, me if has_lock else None))
                _must_own(store, RELAY, me, has_lock=has_lock)
                ids = _unsent(world, store, cursor)[: world.die.randint(1, 4)]
                cursor = max([cursor, *ids])
                store.taken |= dict.fromkeys(ids, process)
                if "marked before sent" in world.planted:
                    _delete(store, ids)
                await _publish(world, store, ids)
                _must_own(store, RELAY, me, has_lock=has_lock)
                _delete(store, ids)
                await step()
        except AwayError:
            cursor = 0
            store.let_go(process)
            if store.sessions.get(RELAY) is me:
                del store.sessions[RELAY]
            await step()


def _is_due(world: "World", store: Store, cursor: int, me: object | None) -> bool:
    """Something is to be sent, or the lock was lost."""
    return bool(_unsent(world, store, cursor)) or (me is not None and store.sessions.get(RELAY) is not me)


def _unsent(world: "World", store: Store, cursor: int) -> list[int]:
    """What is to be published, in order; a planted bug leaves some of it out."""
    unsent = sorted(store.outbox)
    if "a cursor" in world.planted:
        return [number for number in unsent if number > cursor]
    if "two relays on row locks" in world.planted:
        return [number for number in unsent if number not in store.taken]
    return unsent


async def _publish(world: "World", store: Store, ids: list[int]) -> None:
    """Messages are on their way once handed over: a zombie's arrive too."""
    for number in ids:
        await step()
        world.publish(store, store.ever[number])
    await step()


def _delete(store: Store, ids: list[int]) -> None:
    for number in ids:
        store.outbox.pop(number, None)


def _must_own(store: Store, name: str, me: Any, *, has_lock: bool) -> None:
    if has_lock and store.sessions.get(name) is not me:
        raise AwayError(f"another session has {name}")
