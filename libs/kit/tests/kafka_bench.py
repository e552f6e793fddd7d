"""A Kafka client of the tests: produces as another service, reads topics, moves a group to the end."""
# aiokafka has no type hints:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

import asyncio
import contextlib
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete
from aiokafka.errors import CommitFailedError
from truth_contracts.envelope import Message
from truth_local.system import System

PARTITIONS = range(4)
DEADLINE_SECONDS = 90.0  # only a failure waits so long; a loaded machine may need half of it


async def eventually(is_so: Callable[[], Any], seconds: float = DEADLINE_SECONDS) -> None:
    """Wait until `is_so()`, which may be async, is true; TimeoutError after the deadline."""
    until = time.monotonic() + seconds
    while True:
        outcome = is_so()
        if asyncio.iscoroutine(outcome):
            outcome = await outcome
        if outcome:
            return
        if time.monotonic() > until:
            raise TimeoutError(f"not within {seconds} s")
        await asyncio.sleep(0.05)


class Runs(Protocol):
    """A Subscription or a Relay."""

    async def run(self) -> None:
        """Until stopped."""

    def stop(self) -> None:
        """Make run() return."""


@asynccontextmanager
async def running(*parts: Runs) -> AsyncGenerator[None]:
    """Run them; stop them in order at the end."""
    tasks = [asyncio.create_task(part.run()) for part in parts]
    try:
        yield
    finally:
        for part, task in zip(parts, tasks, strict=True):
            part.stop()
            await asyncio.wait_for(task, 25)


@dataclass(frozen=True)
class Bench:
    """Kafka, as the principals of a System."""

    system: System
    ends: dict[TopicPartition, int] = field(default_factory=dict[TopicPartition, int])

    def options(self, principal: str) -> dict[str, Any]:
        """What an aiokafka client needs to be `principal`."""
        login = self.system.principals[principal]
        return {
            "bootstrap_servers": self.system.bootstrap,
            "security_protocol": "SASL_PLAINTEXT",
            "sasl_mechanism": "SCRAM-SHA-512",
            "sasl_plain_username": login.username,
            "sasl_plain_password": login.password,
        }

    async def produce(self, messages: Sequence[Message], principal: str = "execution") -> None:
        """Acknowledged when this returns."""
        async with AIOKafkaProducer(**self.options(principal), enable_idempotence=True) as producer:
            for message in messages:
                headers = list(message.headers)
                await producer.send(message.topic, message.value, key=message.key, headers=headers)
            await producer.flush()

    async def commit_ends(self, principal: str, topic: str) -> None:
        """Let the group of `principal` begin at the present end of `topic`, once it has no members."""
        async with AIOKafkaConsumer(
            **self.options(principal), group_id=principal, enable_auto_commit=False
        ) as consumer:
            partitions = [TopicPartition(topic, number) for number in PARTITIONS]
            consumer.assign(partitions)
            ends = await consumer.end_offsets(partitions)

            async def is_committed() -> bool:
                with contextlib.suppress(
                    CommitFailedError
                ):  # a killed member is in the group until its session ends
                    await consumer.commit(ends)
                    return True
                return False

            await eventually(is_committed)

    async def committed(self, principal: str, topic: str) -> dict[int, int]:
        """By partition, where the group of `principal` would go on."""
        async with AIOKafkaConsumer(
            **self.options(principal), group_id=principal, enable_auto_commit=False
        ) as consumer:
            partitions = [TopicPartition(topic, number) for number in PARTITIONS]
            consumer.assign(partitions)
            return {partition.partition: await consumer.committed(partition) or 0 for partition in partitions}

    async def note_ends(self, topic: str) -> None:
        """From now on `read` tells what comes after this."""
        async with AIOKafkaConsumer(**self.options("console")) as consumer:
            partitions = [TopicPartition(topic, number) for number in PARTITIONS]
            self.ends.update(await consumer.end_offsets(partitions))

    async def purge(self) -> None:
        """Delete what lies on the noted topics, so that nobody after this test has to cope with it."""
        async with AIOKafkaConsumer(**self.options("console")) as consumer:
            ends = await consumer.end_offsets(list(self.ends))
        admin = AIOKafkaAdminClient(**self.options("admin"))
        await admin.start()
        try:
            await admin.delete_records({place: RecordsToDelete(end) for place, end in ends.items() if end})
        finally:
            await admin.close()

    async def read(self, topic: str) -> list[Any]:
        """All records of `topic` since note_ends, in order within each partition."""
        async with AIOKafkaConsumer(**self.options("console"), enable_auto_commit=False) as consumer:
            partitions = [partition for partition in self.ends if partition.topic == topic]
            consumer.assign(partitions)
            ends = await consumer.end_offsets(partitions)
            for partition in partitions:
                consumer.seek(partition, self.ends[partition])
            records: list[Any] = []
            for partition in partitions:
                while await consumer.position(partition) < ends[partition]:
                    batch = await consumer.getmany(partition, timeout_ms=500)
                    records += batch.get(partition, [])
            return records


@asynccontextmanager
async def bench_on(system: System, *topics: str) -> AsyncGenerator[Bench]:
    """A Bench that noted the ends of `topics`; afterwards Kafka and PostgreSQL run, and the topics are empty."""
    bench = Bench(system)
    for topic in topics:
        await bench.note_ends(topic)
    yield bench
    for part in ("kafka", "postgres"):  # a test that failed may have left one down
        await asyncio.to_thread(system.start, part)
    await bench.purge()
