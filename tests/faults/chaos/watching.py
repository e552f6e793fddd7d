"""Looking at a system while it storms: who is ready, what waits, how much memory, what the log holds."""

import asyncio
import threading
from collections.abc import Awaitable, Generator, Sequence
from contextlib import contextmanager
from typing import Any

import asyncpg
import httpx
import psutil
from confluent_kafka import ConsumerGroupTopicPartitions, KafkaException, TopicPartition
from confluent_kafka.admin import OffsetSpec  # pyright: ignore[reportPrivateImportUsage] its __all__ forgets it
from truth_contracts.topics import SERVICES, TOPICS
from truth_local import processes
from truth_local.system import System
from truth_topology.connection import client
from truth_topology.topology import LOCAL

from tests.faults.chaos.history import History
from tests.faults.chaos.people import login

_EVERY_SECONDS = 2.0
_LOOK_SECONDS = 2.0
_SEALED_EVERY = 3  # looks
_AWAY = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError)


class Offsets:
    """Committed offsets and ends of everything that the services read, asked of the broker itself."""

    def __init__(self, system: System) -> None:
        self._login = login(system, "admin")
        self._admin: Any = client(self._login)  # its own types are partial
        self._read = {
            service: [
                TopicPartition(topic.name, number)
                for topic in TOPICS
                if service in topic.readers and topic.cleanup == "delete"
                for number in range(LOCAL.partitions)
            ]
            for service in SERVICES
        }

    def committed(self, service: str) -> dict[tuple[str, int], int]:
        """By topic and partition; 0 where nothing was committed yet. Raises KafkaException."""
        asked = [ConsumerGroupTopicPartitions(service, self._read[service])]
        (future,) = self._admin.list_consumer_group_offsets(asked, request_timeout=_LOOK_SECONDS).values()
        found: list[TopicPartition] = future.result().topic_partitions
        return {(place.topic, place.partition): max(0, place.offset) for place in found}

    def ends(self) -> dict[tuple[str, int], int]:
        """By topic and partition. Raises KafkaException."""
        asked = {place: OffsetSpec.latest() for places in self._read.values() for place in places}
        futures = self._admin.list_offsets(asked, request_timeout=_LOOK_SECONDS)
        return {(place.topic, place.partition): future.result().offset for place, future in futures.items()}

    def moved_and_lag(self) -> dict[str, tuple[int, int] | None]:
        """By service: the sum of its committed offsets, and how many messages lie beyond them."""
        try:
            ends = self.ends()
            committed = {service: self.committed(service) for service in SERVICES}
        except KafkaException:
            self._admin = client(self._login)  # one that met a frozen broker may never answer again
            return dict.fromkeys(SERVICES)
        return {
            service: (
                sum(offsets.values()),
                sum(ends[place] - offset for place, offset in offsets.items()),
            )
            for service, offsets in committed.items()
        }


class Watcher:
    """Samples of one system."""

    def __init__(self, system: System, history: History, base: Sequence[str]) -> None:
        self._system, self._history, self._base = system, history, base
        self._offsets = Offsets(system)

    async def sample(self) -> dict[str, Any]:
        """One look at everything; what does not answer within two seconds is away."""
        began = self._history.now()
        offsets = asyncio.to_thread(self._offsets.moved_and_lag)
        async with httpx.AsyncClient(timeout=_LOOK_SECONDS, trust_env=False) as http:
            ready, waiting, moved = await asyncio.gather(self._ready(http), self._waiting(), offsets)
        found = {name: processes.find(self._system.parts[name]) for name in self._base}
        return {
            "began": began,
            "ready": ready,
            "dead": [name for name, process in found.items() if process is None],
            "outbox": waiting,
            "committed": {service: now and now[0] for service, now in moved.items()},
            "lag": {service: now and now[1] for service, now in moved.items()},
            "rss": {name: told for name in self._base if (told := _memory(self._system, name))},
        }

    async def sealed(self) -> dict[str, Any] | None:
        """Digests of all that is sealed now; None while PostgreSQL is away."""
        try:
            conn = await asyncpg.connect(self._system.dsns["records"].superuser, timeout=_LOOK_SECONDS)
        except _AWAY:
            return None
        try:
            bodies = await conn.fetch("SELECT idx, encode(sha256(body), 'hex') FROM truth.record")
            roots = await conn.fetch("SELECT size, encode(root, 'hex') FROM truth.checkpoint")
        except _AWAY:
            return None
        finally:
            conn.terminate()
        return {"bodies": dict(map(tuple, bodies)), "roots": dict(map(tuple, roots))}

    async def _ready(self, http: httpx.AsyncClient) -> dict[str, bool]:
        async def ask(name: str) -> bool:
            try:
                return (await http.get(f"{self._system.replica_urls[name]}/health/ready")).is_success
            except httpx.HTTPError:
                return False

        answers = await asyncio.gather(*(ask(name) for name in self._base))
        return dict(zip(self._base, answers, strict=True))

    async def _waiting(self) -> dict[str, int | None]:
        """Rows in each outbox; for records also its drafts."""

        async def count(service: str) -> int | None:
            drafts = " + (SELECT count(*) FROM truth.draft)" if service == "records" else ""
            try:
                conn = await asyncpg.connect(self._system.dsns[service].superuser, timeout=_LOOK_SECONDS)
            except _AWAY:
                return None
            try:
                return await conn.fetchval(f"SELECT (SELECT count(*) FROM truth.outbox){drafts}")  # noqa: S608 our own words
            except _AWAY:
                return None
            finally:
                conn.terminate()

        counts = await asyncio.gather(*(count(service) for service in SERVICES))
        return dict(zip(SERVICES, counts, strict=True))


def is_settled(sample: dict[str, Any]) -> bool:
    """Nothing waits anywhere, and everybody is ready."""
    return (
        all(sample["ready"].values())
        and set(sample["outbox"].values()) == {0}
        and set(sample["lag"].values()) == {0}
    )


@contextmanager
def watched(watcher: Watcher, history: History) -> Generator[None]:
    """A sample every two seconds while the block runs."""
    over = threading.Event()

    def look() -> None:
        looks = 0
        while not over.wait(_EVERY_SECONDS):
            history.note("sample", **_run(watcher.sample()))
            looks += 1
            if looks % _SEALED_EVERY == 0 and (sealed := _run(watcher.sealed())):
                history.note("sealed", **sealed)

    thread = threading.Thread(target=look, name="watcher")
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _run(work: Awaitable[Any]) -> Any:
    async def whole() -> Any:
        return await work

    return asyncio.run(whole())


def _memory(system: System, name: str) -> tuple[int, float] | None:
    process = processes.find(system.parts[name])
    try:
        return (process.pid, round(process.memory_info().rss / 2**20, 1)) if process else None
    except psutil.NoSuchProcess:
        return None
