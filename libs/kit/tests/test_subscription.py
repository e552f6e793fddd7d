"""The consumer loop on a real Kafka and a real PostgreSQL, with what goes wrong in between."""

import asyncio
import gc
import json
import os
import signal
import sys
import time
import weakref
from collections import Counter, defaultdict
from collections.abc import AsyncGenerator, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
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
from truth_local.system import System

from libs.kit.tests.hop_sample import ROUTES, job_changed, list_seen, on_job_changed
from libs.kit.tests.kafka_bench import Bench, bench_on, eventually, running

POISON = Message("jobs.changed", b"poison", b"{", (("ce_id", b"\xff"), ("content-type", b"\xfe")))


@pytest.fixture
async def bench(infrastructure: System) -> AsyncGenerator[Bench]:
    """The sample's group begins at the end of its topic."""
    async with bench_on(infrastructure, "jobs.changed", "tasks.changed", "governance.dead-letters") as bench:
        await bench.commit_ends("governance", "jobs.changed")
        yield bench


def events_of(keys: int, versions: int) -> list[JobChanged]:
    ids = [uuid4() for _ in range(keys)]
    return [job_changed(request_id=key, version=version) for version in range(1, versions + 1) for key in ids]


def messages_of(events: Sequence[JobChanged]) -> list[Message]:
    return [to_kafka(event) for event in events]


async def assert_acted_on_once_in_order(database: Database, events: Sequence[JobChanged]) -> None:
    done: dict[UUID, list[int]] = defaultdict(list)
    for request_id, version in await list_seen(database):
        done[request_id].append(version)
    asked: dict[UUID, list[int]] = defaultdict(list)
    for event in events:
        asked[event.request_id].append(event.version)
    assert done == asked


async def has_seen(database: Database, count: int) -> bool:
    return len(await list_seen(database)) >= count


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
        await asyncio.sleep(0.1)
        gc.collect()
        assert len(alive) == 0


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


@pytest.mark.parametrize("die_at", ["in_handler", "after_commit"])
async def test_a_killed_process_loses_and_doubles_nothing(
    bench: Bench, kafka: KafkaConnection, database: Database, die_at: str
) -> None:
    events = events_of(keys=10, versions=300)
    environment = os.environ | {
        "HOP_KAFKA_BOOTSTRAP": kafka.bootstrap,
        "HOP_KAFKA_USERNAME": kafka.username,
        "HOP_KAFKA_PASSWORD_FILE": str(kafka.password_file),
        "HOP_DATABASE_DSN": database.connection.dsn,
        "HOP_REPLICA": f"hop-{die_at}",
        "HOP_DIE_AT": die_at,
    }
    await bench.produce(messages_of(events))
    program = [sys.executable, str(Path(__file__).with_name("hop_sample.py"))]
    for die_after in ("0", "1", "2", "99999"):
        process = await asyncio.create_subprocess_exec(
            *program, env=environment | {"HOP_DIE_AFTER": die_after}, stdout=asyncio.subprocess.DEVNULL
        )
        if die_after != "99999":
            assert await asyncio.wait_for(process.wait(), 30) == -signal.SIGKILL
            continue
        await eventually(lambda: has_seen(database, len(events)))
        await eventually(lambda: is_empty(database))
        process.terminate()
        assert await asyncio.wait_for(process.wait(), 25) == 0
    await assert_acted_on_once_in_order(database, events)
    answers = await bench.read("tasks.changed")
    assert {record.key for record in answers} == {message.key for message in messages_of(events)}
    assert len({dict(record.headers)["ce_id"] for record in answers}) == len(events)


async def is_empty(database: Database) -> bool:
    return not await published(database)


async def test_a_broker_that_is_away_is_waited_for(
    bench: Bench, infrastructure: System, kafka: KafkaConnection, database: Database
) -> None:
    events = events_of(keys=10, versions=20)
    await bench.produce(messages_of(events[:100]))
    infrastructure.kill("kafka")
    subscription, relay = (
        Subscription("governance", ROUTES, kafka, database),
        Relay("governance", kafka, database),
    )
    async with running(subscription, relay):
        await eventually(lambda: "broker" in (subscription.facts().waiting_for or ""))
        await eventually(lambda: "broker" in (relay.facts().waiting_for or ""))
        assert subscription.facts().behind is None
        await asyncio.to_thread(infrastructure.start, "kafka")
        await eventually(lambda: has_seen(database, 100))
        await eventually(lambda: relay.facts().waiting_for is None and relay.facts().rows == 0)
        infrastructure.kill("kafka")
        await asyncio.to_thread(infrastructure.start, "kafka")
        await bench.produce(messages_of(events[100:]))
        await eventually(lambda: has_seen(database, 200))
        await eventually(lambda: relay.facts().rows == 0 and subscription.facts().waiting_for is None)
    await assert_acted_on_once_in_order(database, events)
    answers = await bench.read("tasks.changed")
    assert len({dict(record.headers)["ce_id"] for record in answers}) == len(events)


async def test_offsets_not_committed_before_the_broker_went_are_committed_once_it_is_back(
    bench: Bench, infrastructure: System, kafka: KafkaConnection, database: Database
) -> None:
    events, struck_at = events_of(keys=1, versions=3), [0.0]

    async def strike(
        tx: AsyncConnection, batch: Sequence[Received[JobChanged]], now: datetime
    ) -> list[DeadLetter]:
        refused = await on_job_changed(tx, batch, now)
        if not struck_at[0]:
            await asyncio.to_thread(infrastructure.kill, "kafka")
            struck_at[0] = time.monotonic()
        return refused

    async def is_committed() -> bool:
        committed = sum((await bench.committed("governance", "jobs.changed")).values())
        return committed == len(events) + sum(
            end for place, end in bench.ends.items() if place.topic == "jobs.changed"
        )

    await bench.produce(messages_of(events))
    subscription = Subscription("governance", (Route(JOBS_CHANGED, strike),), kafka, database)
    async with running(subscription):
        await eventually(lambda: struck_at[0])
        polled = lambda: time.monotonic() - (subscription.facts().polled_seconds or 0.0)  # noqa: E731
        await eventually(lambda: polled() > struck_at[0])  # the commit was given up, and it read on
        await asyncio.to_thread(infrastructure.start, "kafka")
        await eventually(is_committed)  # though nothing else comes
    await assert_acted_on_once_in_order(database, events)


async def test_a_database_that_is_away_makes_no_dead_letters(
    bench: Bench, infrastructure: System, kafka: KafkaConnection, database: Database
) -> None:
    events = events_of(keys=10, versions=10)
    subscription, relay = (
        Subscription("governance", ROUTES, kafka, database),
        Relay("governance", kafka, database),
    )
    async with running(subscription, relay):
        await eventually(lambda: relay.facts().is_owner and subscription.facts().assigned)
        infrastructure.kill("postgres")
        await bench.produce(messages_of(events))
        await eventually(lambda: "batch" in (subscription.facts().waiting_for or ""))
        await eventually(lambda: "database" in (relay.facts().waiting_for or ""))
        await asyncio.to_thread(infrastructure.start, "postgres")
        await eventually(lambda: has_seen(database, len(events)))
        await eventually(lambda: subscription.facts().waiting_for is relay.facts().waiting_for is None)
    await assert_acted_on_once_in_order(database, events)
    async with database.connect() as conn:
        assert await count_open(conn) == 0


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


async def test_a_consumer_whose_group_task_died_is_built_anew(
    bench: Bench, kafka: KafkaConnection, database: Database
) -> None:
    async def die() -> None:
        raise RuntimeError("died")

    events = events_of(keys=10, versions=1)
    subscription = Subscription("governance", ROUTES, kafka, database)
    async with running(subscription):
        await eventually(lambda: subscription.facts().assigned)
        feed: Any = subscription._feed  # pyright: ignore[reportPrivateUsage] the accident cannot be had otherwise
        coordinator = feed.consumer._coordinator
        coordinator._coordination_task.cancel()
        coordinator._coordination_task = asyncio.create_task(die())
        await eventually(lambda: "died" in (subscription.facts().waiting_for or ""))
        await bench.produce(messages_of(events))
        await eventually(lambda: has_seen(database, len(events)))
    await assert_acted_on_once_in_order(database, events)
