"""The consumer loop on a real Kafka and a real PostgreSQL: what comes in, and partitions that move or wait."""

import asyncio
import gc
import json
import sys
import weakref
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection
from truth_contracts.envelope import Message, Received, to_kafka
from truth_contracts.jobs import JobChanged
from truth_contracts.topics import JOBS_CHANGED
from truth_kit.connections import KafkaConnection
from truth_kit.database import Database
from truth_kit.dead_letters import DeadLetter
from truth_kit.dead_letters.store import count_open
from truth_kit.relay import Relay
from truth_kit.subscribe import Route, Subscription
from truth_kit.testing import published

from libs.kit.tests.hop_sample import (
    ROUTES,
    assert_acted_on_once_in_order,
    events_of,
    has_seen,
    job_changed,
    list_seen,
    messages_of,
    on_job_changed,
)
from libs.kit.tests.kafka_bench import Bench, eventually, running

POISON = Message("jobs.changed", b"poison", b"{", (("ce_id", b"\xff"), ("content-type", b"\xfe")))


async def test_events_come_in_and_go_out_once_in_order(
    bench: Bench, kafka: KafkaConnection, database: Database
) -> None:
    events = events_of(keys=20, versions=50)
    messages = messages_of(events)
    subscription, relay = (
        Subscription("governance", ROUTES, kafka, database),
        Relay("governance", kafka, database),
    )
    assert subscription.facts().waiting_for == "broker: not connected yet"
    async with running(subscription, relay):
        await bench.produce([*messages[:500], POISON, *messages[300:]])
        await eventually(lambda: has_seen(database, 1000))
        await eventually(lambda: subscription.facts().behind == 0 and relay.facts().rows == 0)
        facts = subscription.facts()
    assert (facts.waiting_for, len(facts.assigned)) == (None, 4)
    assert (facts.acted_on, facts.refused, facts.repeated) == (1000, 1, 200)
    assert (relay.facts().waiting_for, relay.facts().sent) == (None, 1001)
    await assert_acted_on_once_in_order(database, events)
    answers = await bench.read("tasks.changed")
    keys = [record.key for record in answers]
    assert Counter(keys) == Counter(message.key for message in messages)
    assert len({header[1] for record in answers for header in record.headers if header[0] == "ce_id"}) == 1000
    (letter,) = await bench.read("governance.dead-letters")
    assert (letter.key, letter.value, letter.headers[:2]) == (POISON.key, POISON.value, POISON.headers)
    assert await published(database) == []
    ends = {r.partition: 0 for r in await bench.read("jobs.changed")} | {
        r.partition: r.offset + 1 for r in await bench.read("jobs.changed")
    }
    committed = await bench.committed("governance", "jobs.changed")
    assert {number: committed[number] for number in ends} == ends


async def test_at_rest_nothing_of_the_last_batch_is_kept(
    bench: Bench, kafka: KafkaConnection, database: Database
) -> None:
    """What was read takes some twenty times its room: a batch kept until the next one could be 40 MB."""
    alive: weakref.WeakSet[JobChanged] = weakref.WeakSet()

    async def noted(
        tx: AsyncConnection, batch: Sequence[Received[JobChanged]], now: datetime
    ) -> Sequence[DeadLetter]:
        alive.update(received.event for received in batch)
        return await on_job_changed(tx, batch, now)

    subscription = Subscription("governance", [Route(JOBS_CHANGED, noted)], kafka, database)
    async with running(subscription):
        await bench.produce(messages_of(events_of(keys=5, versions=4)))
        await eventually(lambda: has_seen(database, 20))
        await eventually(lambda: subscription.facts().behind == 0)
        await eventually(lambda: (gc.collect(), not alive)[1], 10)


UNREADABLE = """
import asyncio, json, sys
from aiokafka import AIOKafkaProducer

class NoUtf8(str):
    def encode(self, *_):
        return b"\\xff\\xfe"

async def main(options, key):
    async with AIOKafkaProducer(**options) as producer:
        await producer.send_and_wait("jobs.changed", b"{}", key=key.encode(), headers=[(NoUtf8("name"), b"value")])

asyncio.run(main(json.loads(sys.argv[1]), sys.argv[2]))
"""


async def produce_unreadable(bench: Bench, key: bytes | None) -> None:
    """Write a header's name that is not UTF-8, as another client may: aiokafka's compiled half would not."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", UNREADABLE, json.dumps(bench.options("execution")), (key or b"").decode(),
        env={"AIOKAFKA_NO_EXTENSIONS": "1"},
    )  # fmt: skip
    assert await process.wait() == 0


async def test_a_header_name_that_cannot_be_unpacked_holds_up_nothing(
    bench: Bench, kafka: KafkaConnection, database: Database
) -> None:
    events = events_of(keys=1, versions=40)
    messages = messages_of(events)
    subscription, relay = (
        Subscription("governance", ROUTES, kafka, database),
        Relay("governance", kafka, database),
    )
    async with running(subscription, relay):
        await bench.produce(messages[:20])
        await produce_unreadable(bench, messages[0].key)
        await produce_unreadable(bench, messages[0].key)
        await bench.produce(messages[20:])
        await eventually(lambda: has_seen(database, 40), 60)
        await eventually(lambda: subscription.facts().behind == 0 and relay.facts().rows == 0)
    await assert_acted_on_once_in_order(database, events)
    letters = await bench.read("governance.dead-letters")
    assert [dict(letter.headers)["dl_reason"] for letter in letters] == [b"envelope_invalid"] * 2
    async with database.connect() as conn:
        assert await count_open(conn) == 2


async def test_a_partition_that_moves_waits_for_the_running_batch(
    bench: Bench, kafka: KafkaConnection, database: Database
) -> None:
    events, started = events_of(keys=30, versions=4), asyncio.Event()

    async def slow(
        tx: AsyncConnection, batch: Sequence[Received[JobChanged]], now: datetime
    ) -> list[DeadLetter]:
        started.set()
        await asyncio.sleep(2)  # shorter than a drain may take
        return await on_job_changed(tx, batch, now)

    first = Subscription("governance", (Route(JOBS_CHANGED, slow),), kafka, database)
    second = Subscription("governance", ROUTES, kafka, database)
    async with running(first):
        await bench.produce(messages_of(events))
        await asyncio.wait_for(started.wait(), 30)
        async with running(second):
            await eventually(lambda: second.facts().assigned)
            await eventually(lambda: has_seen(database, len(events)))
    await assert_acted_on_once_in_order(database, events)
    assert first.facts().repeated + second.facts().repeated == 0


async def test_a_batch_that_hangs_is_rolled_back_when_its_partition_moves(
    bench: Bench, kafka: KafkaConnection, database: Database
) -> None:
    events, started = events_of(keys=30, versions=2), asyncio.Event()

    async def hang(
        tx: AsyncConnection, batch: Sequence[Received[JobChanged]], now: datetime
    ) -> list[DeadLetter]:
        await on_job_changed(tx, batch, now)
        if not started.is_set():
            started.set()
            await asyncio.Event().wait()
        return []

    first = Subscription("governance", (Route(JOBS_CHANGED, hang),), kafka, database)
    second = Subscription("governance", ROUTES, kafka, database)
    async with running(first):
        await bench.produce(messages_of(events))
        await asyncio.wait_for(started.wait(), 30)
        async with running(second):
            await eventually(lambda: has_seen(database, len(events)))
    await assert_acted_on_once_in_order(database, events)


async def test_a_newer_major_holds_up_one_partition(
    bench: Bench, kafka: KafkaConnection, database: Database
) -> None:
    newer = to_kafka(job_changed())
    headers = tuple((n, b"truth.jobs.changed.v2" if n == "ce_type" else v) for n, v in newer.headers)
    events = events_of(keys=40, versions=1)
    subscription = Subscription("governance", ROUTES, kafka, database)
    async with running(subscription):
        await bench.produce([replace(newer, headers=headers), *messages_of(events)])
        await eventually(
            lambda: "needs upgrade to truth.jobs.changed.v2" in (subscription.facts().waiting_for or "")
        )
        (blocked,) = [r for r in await bench.read("jobs.changed") if r.key == newer.key]
        elsewhere = [r for r in await bench.read("jobs.changed") if r.partition != blocked.partition]
        await eventually(lambda: has_seen(database, len(elsewhere)))
        await eventually(lambda: subscription.facts().behind == 41 - len(elsewhere))
    assert len(await list_seen(database)) == len(elsewhere)
    assert (await bench.committed("governance", "jobs.changed"))[blocked.partition] == blocked.offset
