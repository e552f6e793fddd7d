"""The consumer loop while a backlog lasts: the next batch is read while a large one is decided."""
# aiokafka has no type hints:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import pytest
from aiokafka import TopicPartition
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection
from structlog.testing import capture_logs
from truth_contracts.envelope import Received
from truth_contracts.jobs import JobChanged
from truth_contracts.topics import JOBS_CHANGED
from truth_kit.connections import KafkaConnection
from truth_kit.database import Database
from truth_kit.dead_letters import DeadLetter
from truth_kit.dead_letters.store import count_open
from truth_kit.metrics import Metrics
from truth_kit.subscribe import AnyRoute, Route, Subscription, consumer

from libs.kit.tests.hop_sample import (
    ROUTES,
    assert_acted_on_once_in_order,
    events_of,
    has_seen,
    list_seen,
    messages_of,
    on_job_changed,
)
from libs.kit.tests.kafka_bench import Bench, eventually, running
from libs.kit.tests.test_subscription import produce_unreadable

BATCH_MAX = 10
_END_SESSIONS = text(
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'truth-hop'"
)


@dataclass
class Held:
    """The sample's route, which notes what was checked, and holds each batch until it may go on."""

    go_on: asyncio.Event = field(default_factory=asyncio.Event)
    checked: list[int] = field(default_factory=list[int])
    begun: list[tuple[int, int]] = field(default_factory=list[tuple[int, int]])
    """First and last version of each batch that a handler was given."""

    @property
    def routes(self) -> tuple[AnyRoute]:
        """What to subscribe to."""
        return (Route(JOBS_CHANGED, self.on_jobs, check=self.check),)

    def check(self, received: Received[JobChanged]) -> None:
        """All are well."""
        self.checked.append(received.event.version)

    async def on_jobs(
        self, tx: AsyncConnection, batch: Sequence[Received[JobChanged]], now: datetime
    ) -> list[DeadLetter]:
        """Wait, then act."""
        self.begun.append((batch[0].event.version, batch[-1].event.version))
        await self.go_on.wait()
        return await on_job_changed(tx, batch, now)


async def committed_behind(bench: Bench, count: int) -> bool:
    """Whether the group's offsets lie so many messages behind where they began."""
    began = sum(end for place, end in bench.ends.items() if place.topic == "jobs.changed")
    return sum((await bench.committed("governance", "jobs.changed")).values()) == began + count


async def test_the_next_batch_is_read_while_a_large_one_is_decided(
    bench: Bench, kafka: KafkaConnection, database: Database
) -> None:
    events, held = events_of(keys=1, versions=25), Held()
    await bench.produce(messages_of(events))
    consuming = Subscription("governance", held.routes, kafka, database, batch_max=BATCH_MAX)
    async with running(consuming):
        await eventually(lambda: len(held.checked) == 20 and held.begun)
        assert (held.begun, await list_seen(database)) == ([(1, 10)], [])
        assert await committed_behind(bench, 0)
        held.go_on.set()
        await eventually(lambda: has_seen(database, 25))
        await eventually(lambda: committed_behind(bench, 25))
    assert held.begun == [(1, 10), (11, 20), (21, 25)]
    assert (len(held.checked), consuming.facts().repeated) == (25, 0)
    await assert_acted_on_once_in_order(database, events)


@pytest.mark.parametrize(("bytes_max", "checked"), [(10**6, [20, 25, 25]), (1000, [10, 20, 25])])
async def test_behind_a_large_batch_nothing_is_read_before_its_turn(
    bench: Bench,
    kafka: KafkaConnection,
    database: Database,
    monkeypatch: pytest.MonkeyPatch,
    bytes_max: int,
    checked: list[int],
) -> None:
    monkeypatch.setattr(consumer, "_AHEAD_OF_BYTES_MAX", bytes_max)
    events, held, found = events_of(keys=1, versions=25), Held(), list[int]()

    async def look(
        tx: AsyncConnection, batch: Sequence[Received[JobChanged]], now: datetime
    ) -> list[DeadLetter]:
        await asyncio.sleep(0.1)  # as slow as a large batch is; what is to be read is read by then
        found.append(len(held.checked))
        return await on_job_changed(tx, batch, now)

    await bench.produce(messages_of(events))
    route = Route(JOBS_CHANGED, look, check=held.check)
    async with running(Subscription("governance", (route,), kafka, database, batch_max=BATCH_MAX)):
        await eventually(lambda: has_seen(database, 25))
    assert found == checked


async def test_after_a_failure_what_lies_behind_it_is_read_again(
    bench: Bench, kafka: KafkaConnection, database: Database
) -> None:
    events, held = events_of(keys=1, versions=25), Held()

    async def fail_once(
        tx: AsyncConnection, batch: Sequence[Received[JobChanged]], now: datetime
    ) -> list[DeadLetter]:
        refused = await held.on_jobs(tx, batch, now)
        if len(held.begun) == 1:
            raise RuntimeError("not this time")
        return refused

    await bench.produce(messages_of(events))
    route = Route(JOBS_CHANGED, fail_once, check=held.check)
    consuming = Subscription("governance", (route,), kafka, database, batch_max=BATCH_MAX)
    async with running(consuming):
        await eventually(lambda: len(held.checked) == 20)
        held.go_on.set()
        await eventually(lambda: has_seen(database, 25))
    assert held.begun == [(1, 10), (1, 10), (11, 20), (21, 25)]
    assert consuming.facts().repeated == 0
    await assert_acted_on_once_in_order(database, events)


async def test_nothing_passes_a_block_in_a_full_batch(
    bench: Bench, kafka: KafkaConnection, database: Database
) -> None:
    events, held = events_of(keys=1, versions=25), Held()
    messages = messages_of(events)
    newer = tuple((n, b"truth.jobs.changed.v2" if n == "ce_type" else v) for n, v in messages[5].headers)
    await bench.produce([*messages[:5], replace(messages[5], headers=newer), *messages[6:]])
    consuming = Subscription("governance", held.routes, kafka, database, batch_max=BATCH_MAX)
    async with running(consuming):
        await eventually(lambda: len(held.checked) == 15)  # five, and ten behind the batch
        held.go_on.set()
        await eventually(lambda: "needs upgrade" in (consuming.facts().waiting_for or ""))
        await eventually(lambda: committed_behind(bench, 5))
        await eventually(lambda: consuming.facts().behind == 20)
    assert (held.begun, len(await list_seen(database))) == ([(1, 5)], 5)


async def test_what_was_read_ahead_does_not_hold_back_a_rebalance(
    bench: Bench, kafka: KafkaConnection, database: Database
) -> None:
    events, held, is_revoked = events_of(keys=1, versions=25), Held(), asyncio.Event()

    async def wait_from_the_second_on(
        tx: AsyncConnection, batch: Sequence[Received[JobChanged]], now: datetime
    ) -> list[DeadLetter]:
        if held.begun:
            await is_revoked.wait()
        return await held.on_jobs(tx, batch, now)

    await bench.produce(messages_of(events))
    route = Route(JOBS_CHANGED, wait_from_the_second_on, check=held.check)
    consuming = Subscription("governance", (route,), kafka, database, batch_max=BATCH_MAX)
    with capture_logs() as logs:
        async with running(consuming):
            await eventually(lambda: len(held.checked) == 20)
            revoking = asyncio.ensure_future(consuming.on_partitions_revoked([]))
            await asyncio.sleep(0)  # it has begun
            held.go_on.set()
            await revoking
            is_revoked.set()
            await eventually(lambda: has_seen(database, 25))
    assert "batch.given_up" not in [line["event"] for line in logs]
    await assert_acted_on_once_in_order(database, events)


async def test_what_the_broker_takes_its_time_for_is_not_counted_as_the_next_batchs(
    bench: Bench, kafka: KafkaConnection, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit = consumer.Consumer.commit

    async def commit_late(one: consumer.Consumer, offsets: dict[TopicPartition, int]) -> None:
        await asyncio.sleep(2)
        await commit(one, offsets)

    monkeypatch.setattr(consumer.Consumer, "commit", commit_late)
    metrics, labels = Metrics("governance"), {"messaging_consumer_group_name": "governance", "error_type": ""}
    await bench.produce(messages_of(events_of(keys=1, versions=25)))
    consuming = Subscription("governance", ROUTES, kafka, database, batch_max=BATCH_MAX, metrics=metrics)
    async with running(consuming):
        await eventually(lambda: has_seen(database, 25))
        await eventually(lambda: committed_behind(bench, 25))
    told = "messaging_process_duration_seconds"
    assert metrics.registry.get_sample_value(f"{told}_count", labels) == 3
    assert (metrics.registry.get_sample_value(f"{told}_sum", labels) or 0) < 2


async def test_a_stop_does_not_wait_for_what_was_read_ahead(
    bench: Bench, kafka: KafkaConnection, database: Database
) -> None:
    held = Held()
    await bench.produce(messages_of(events_of(keys=1, versions=25)))
    consuming = Subscription("governance", held.routes, kafka, database, batch_max=BATCH_MAX)
    async with running(consuming):
        await eventually(lambda: len(held.checked) == 20)
        consuming.stop()
        held.go_on.set()
    assert (held.begun, len(await list_seen(database))) == ([(1, 10)], 10)
    assert await committed_behind(bench, 10)


async def test_what_cannot_be_unpacked_behind_a_full_batch_disturbs_it_not(
    bench: Bench, kafka: KafkaConnection, database: Database
) -> None:
    events = events_of(keys=1, versions=24)
    messages = messages_of(events)
    await bench.produce(messages[:12])
    await produce_unreadable(bench, messages[0].key)
    await bench.produce(messages[12:])
    consuming: Any = Subscription("governance", ROUTES, kafka, database, batch_max=BATCH_MAX)
    async with running(consuming):
        await eventually(lambda: has_seen(database, 24))
        await eventually(lambda: committed_behind(bench, 25))
    await assert_acted_on_once_in_order(database, events)
    assert (consuming.facts().refused, consuming.facts().repeated) == (1, 0)
    async with database.connect() as conn:
        assert await count_open(conn) == 1


async def test_a_backlog_comes_in_once_in_order_while_partitions_move_and_sessions_end(
    bench: Bench, kafka: KafkaConnection, database: Database
) -> None:
    events, held = events_of(keys=40, versions=50), Held()
    held.go_on.set()

    async def slowly(
        tx: AsyncConnection, batch: Sequence[Received[JobChanged]], now: datetime
    ) -> list[DeadLetter]:
        await asyncio.sleep(0.03)
        return await held.on_jobs(tx, batch, now)

    ours = Database(database.connection, "hop")
    route = Route(JOBS_CHANGED, slowly, check=held.check)
    new = lambda: Subscription("governance", (route,), kafka, ours, batch_max=BATCH_MAX)  # noqa: E731
    await bench.produce(messages_of(events))
    moved = 0
    async with running(new()):
        while not await has_seen(database, len(events)):
            guest = new()
            async with running(guest):
                await eventually(lambda guest=guest: guest.facts().assigned)
                async with database.connect() as conn:
                    await conn.execute(_END_SESSIONS)
                await asyncio.sleep(0.3)  # some batches of its own
            moved += 1
    await ours.close()
    await assert_acted_on_once_in_order(database, events)
    assert moved > 1
    assert len(held.checked) > len(events)  # what was read ahead, and again in its turn
