"""How much the consumer hands over at once, and what it says of itself, from a real Kafka."""

import asyncio
from collections.abc import AsyncGenerator, Collection, Sequence
from datetime import datetime

import pytest
from aiokafka import ConsumerRebalanceListener, TopicPartition
from sqlalchemy.ext.asyncio import AsyncConnection
from truth_contracts.envelope import Message, Received, to_kafka
from truth_contracts.jobs import JobChanged
from truth_contracts.topics import JOBS_CHANGED
from truth_kit.connections import KafkaConnection
from truth_kit.database import Database
from truth_kit.dead_letters import DeadLetter
from truth_kit.subscribe import Route, Subscription, consumer
from truth_kit.subscribe.consumer import Feed, Record
from truth_local.system import System

from libs.kit.tests.hop_sample import job_changed, on_job_changed
from libs.kit.tests.kafka_bench import Bench, bench_on, eventually, running


class Everywhere(ConsumerRebalanceListener):
    """Whatever it is given is right."""

    def on_partitions_revoked(self, revoked: Collection[TopicPartition]) -> None:
        """Nothing is to be done."""

    def on_partitions_assigned(self, assigned: Collection[TopicPartition]) -> None:
        """Nothing is to be done."""


@pytest.fixture
async def bench(infrastructure: System) -> AsyncGenerator[Bench]:
    """The group begins at the end of the topic."""
    async with bench_on(infrastructure, "jobs.changed") as bench:
        await bench.commit_ends("governance", "jobs.changed")
        yield bench


async def test_large_messages_come_in_batches_that_fit_into_memory(
    bench: Bench, kafka: KafkaConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A batch takes some twenty times its bytes; whoever may write to a topic must not choose how much."""
    monkeypatch.setattr(consumer, "BATCH_BYTES_MAX", 250_000)
    sent = [Message("jobs.changed", f"{n % 4}".encode(), bytes([n]) * 100_000, ()) for n in range(60)]
    await bench.produce(sent)
    batches: list[list[bytes]] = []

    async def on_batch(records: Sequence[Record]) -> None:
        batches.append([record.value or b"" for record in records])

    feed = Feed(kafka, ["jobs.changed"], Everywhere(), group="governance", replica=None)
    await feed.start(on_batch)
    try:
        await eventually(lambda: sum(map(len, batches)) >= len(sent))
    finally:
        await feed.stop()
    got = [value for batch in batches for value in batch]
    assert sorted(got) == [message.value for message in sent]
    for key in range(4):
        assert [v[0] for v in got if v[0] % 4 == key] == list(range(key, 60, 4))
    assert max(sum(map(len, batch)) for batch in batches) == 200_000


async def test_a_failure_is_forgotten_with_the_partitions_that_it_was_on(
    bench: Bench, kafka: KafkaConnection, database: Database
) -> None:
    """Another replica has decided by then what failed here; at rest no batch of ours would ever say so."""
    calls, go_on = 0, asyncio.Event()

    async def fail_once(
        tx: AsyncConnection, batch: Sequence[Received[JobChanged]], now: datetime
    ) -> list[DeadLetter]:
        nonlocal calls
        calls += 1
        if calls == 1:
            raise RuntimeError("a twin was faster")
        await go_on.wait()
        return await on_job_changed(tx, batch, now)

    subscription = Subscription("governance", (Route(JOBS_CHANGED, fail_once),), kafka, database)
    async with running(subscription):
        await bench.produce([to_kafka(job_changed())])
        await eventually(lambda: calls > 1)
        assert subscription.facts().waiting_for == "batch: RuntimeError: a twin was faster"
        await subscription.on_partitions_assigned([])
        assert subscription.facts().waiting_for is None
        go_on.set()
