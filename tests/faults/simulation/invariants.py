"""What path.md says may never be seen, asked of the stores and the log of a run."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from truth_contracts.envelope import Coordinates, Message
from truth_contracts.topics import SERVICES
from truth_execution.domain.work import Work
from truth_governance.domain.task import Task, TaskState

from tests.faults.simulation import people
from tests.faults.simulation.scheduler import ViolationError
from tests.faults.simulation.store import DEAD_LETTER, INBOX, Store

if TYPE_CHECKING:
    from tests.faults.simulation.world import World


_UNORDERED = (".dead-letters", ".refused")
"""No row is locked before these are told: two replicas that refuse at once may commit in either order."""


def check_told(world: "World", store: Store, message: Message) -> None:
    """Nothing is told that was not committed, and first appearances of a key are in order."""
    number = store.told.get(id(message))
    if number is None:
        raise ViolationError(f"{store.service} told on {message.topic} what it never committed")
    if id(message) in world.log.seen or message.topic.endswith(_UNORDERED):
        return
    key = (message.topic, message.key)
    before = world.first_told.get(key, 0)
    if number < before and _of_same_service(store, before):
        raise ViolationError(f"{message.topic}: {message.key!r} was told out of order")
    world.first_told[key] = number


def _of_same_service(store: Store, number: int) -> bool:
    return number in store.ever


def check_offsets(world: "World", service: str) -> None:
    """No committed offset passes a message that was neither acted on nor refused (C8)."""
    group, store = world.groups[service], world.stores[service]
    acted_on, dead = store.table(INBOX), store.table(DEAD_LETTER)
    for (topic, number), offset in group.committed.items():
        messages = world.log.partitions.get((topic, number), [])[:offset]
        for position, message in enumerate(messages):
            if _identity(message) not in acted_on and (topic, number, position) not in dead:
                raise ViolationError(f"{service}: the offset of {topic}/{number} passed {position} undecided")


def _identity(message: Message) -> tuple[str, str]:
    headers = dict(message.headers)
    return headers.get("ce_source", b"").decode(), headers.get("ce_id", b"").decode()


def check_log(records: Store, before: int) -> int:
    """The log only grows, and its head is signed for exactly its entries. Returns its size."""
    entries, head = records.table("record"), records.table("head").get("newest")
    size = len(entries)
    if size < before or sorted(entries) != list(range(size)):
        raise ViolationError(f"the log has entries {sorted(entries)} after {before}")
    if head is not None and head.checkpoint.size != size:
        raise ViolationError(f"the log's head is signed for {head.checkpoint.size} of {size}")
    return size


def check_states(world: "World") -> None:
    """At any moment: no step without the step before it, and never two of one."""
    for wrong in _wrong_states(world):
        raise ViolationError(wrong)


def _wrong_states(world: "World") -> Iterator[str]:
    stores = world.stores
    intakes, tasks = stores["intake"].table("intake"), stores["governance"].table("task")
    creations, works = stores["governance"].table("creation"), stores["execution"].table("work")
    yield from _twice("Intake", [sealed.accepted.submission.key for sealed in intakes.values()])
    yield from _twice("Task", [task.request_id for task in tasks.values()])
    yield from _twice("Job", [one.job.request_id for one in works.values()])
    for task in tasks.values():
        yield from _wrong_task(task, task.request_id in intakes, creations.get(task.task_id))
    for one in works.values():
        creation = creations.get(one.job.frozen.task_id)
        if creation is None or creation.job_id != one.job.job_id:
            yield f"Job {one.job.job_id} was created by no command"
    done = {
        one.job.request_id for one in works.values() if one.service_event and one.service_event.completed_at
    }
    sealed = [record.draft for record in stores["records"].table("record").values()]
    yield from _twice("Record", [draft.request_id for draft in sealed])
    yield from (
        f"a Record of {draft.request_id}, which is not completed"
        for draft in sealed
        if draft.request_id not in done
    )
    signals = stores["signals"].table("signal")
    known = {draft.record_id for draft in sealed}
    yield from (
        f"a Signal over {record_id}, which is not sealed" for record_id in signals if record_id not in known
    )


def _wrong_task(task: Task, has_intake: bool, creation: object) -> Iterator[str]:
    if not has_intake:
        yield f"Task {task.task_id} has no Intake"
    if (task.state is TaskState.PROMOTED) != (creation is not None):
        yield f"Task {task.task_id} is {task.state} with creation {creation}"
    if [decision.version for decision in task.decisions] != list(range(1, len(task.decisions) + 1)):
        yield f"Task {task.task_id} has a gap in its log"
    if task.approved_by is not None and task.approved_by in (task.requested_by, task.requested_for):
        yield f"Task {task.task_id} was approved by its requester"


def _twice(what: str, keys: list[Any]) -> Iterator[str]:
    if len(keys) != len(set(keys)):
        yield f"two of one {what}"


def check_end(world: "World") -> None:
    """At rest: everything went the whole way once, every poison is one dead letter, nothing waits."""
    for wrong in _wrong_end(world):
        raise ViolationError(wrong)


def _wrong_end(world: "World") -> Iterator[str]:
    from tests.faults.simulation.world import REQUESTS  # noqa: PLC0415 the world knows its invariants

    stores = world.stores
    sealed = {record.draft.request_id for record in stores["records"].table("record").values()}
    signals = {event.request_id for event in stores["signals"].table("signal").values()}
    for number in range(REQUESTS):
        known = stores["intake"].table("of_key").get((people.SOURCE, f"key-{number}"))
        job_id = world.job_of(number)
        if known is None or job_id is None:
            yield f"request {number} was lost before its Job"
            continue
        one: Work = stores["execution"].table("work")[job_id]
        if one.job.state != "closed" or known.request_id not in sealed or known.request_id not in signals:
            yield f"request {number} was lost after its Job, which is {one.job.state}"
        seen = {
            step: seen.state
            for (of, step), seen in stores["intake"].table("seen").items()
            if of == known.request_id
        }
        wanted = {
            "task": "promoted",
            "job": "closed",
            "service_event": "completed",
            "record": "sealed",
            "signal": "emitted",
        }
        if seen != wanted:
            yield f"the tracker of request {number} shows {seen}"
    if len(sealed) != REQUESTS:
        yield f"{len(sealed)} requests have Records"
    yield from _wrong_letters(world)
    for service in SERVICES:
        if stores[service].outbox:
            yield f"{service}: {len(stores[service].outbox)} messages were never told"


def _wrong_letters(world: "World") -> Iterator[str]:
    for service in SERVICES:
        letters = set(world.stores[service].table(DEAD_LETTER))
        topics = set(world.groups[service].topics)
        wanted = {_place(place) for place in world.poisons if place.topic in topics}
        if letters != wanted:
            yield f"{service}: dead letters {sorted(letters ^ wanted)} are too many or missing"


def _place(place: Coordinates) -> tuple[str, int, int]:
    return place.topic, place.partition, place.offset
