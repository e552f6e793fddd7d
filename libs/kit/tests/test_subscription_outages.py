"""The consumer loop when its process is killed, or Kafka, PostgreSQL or its own group task goes away."""

import asyncio
import os
import signal
import sys
import time
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection
from truth_contracts.envelope import Received
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

from libs.kit.tests.hop_sample import (
    ROUTES,
    assert_acted_on_once_in_order,
    events_of,
    has_seen,
    messages_of,
    on_job_changed,
)
from libs.kit.tests.kafka_bench import Bench, eventually, running


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
