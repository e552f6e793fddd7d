"""How much the consumer hands over at once, from a real Kafka."""

from collections.abc import AsyncGenerator, Collection, Sequence

import pytest
from aiokafka import ConsumerRebalanceListener, TopicPartition
from truth_contracts.envelope import Message
from truth_kit.connections import KafkaConnection
from truth_kit.subscribe import consumer
from truth_kit.subscribe.consumer import Feed, Record
from truth_local.system import System

from libs.kit.tests.kafka_bench import Bench, bench_on, eventually


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
