"""The relay on a real Kafka and a real PostgreSQL: order, takeover, and what it waits for."""

import asyncio
import time
from collections.abc import AsyncGenerator, Sequence
from uuid import uuid4

import asyncpg
import pytest
from sqlalchemy import text
from truth_contracts.envelope import Message, to_kafka
from truth_contracts.steps import Event
from truth_contracts.tasks import TaskChanged
from truth_kit import outbox, traces
from truth_kit import relay as relay_module
from truth_kit.connections import KafkaConnection
from truth_kit.database import Database
from truth_kit.relay import Passed, Relay
from truth_kit.testing import published
from truth_local.system import System

from libs.kit.tests.hop_sample import task_changed
from libs.kit.tests.kafka_bench import Bench, bench_on, eventually, running


@pytest.fixture
async def bench(infrastructure: System) -> AsyncGenerator[Bench]:
    async with bench_on(infrastructure, "tasks.changed") as bench:
        yield bench


def events_of(keys: int, versions: int) -> list[TaskChanged]:
    ids = [uuid4() for _ in range(keys)]
    return [
        task_changed(request_id=key, version=version) for version in range(1, versions + 1) for key in ids
    ]


async def add(database: Database, events: Sequence[Event]) -> None:
    async with database.begin() as tx:
        await outbox.add(tx, events)


async def is_empty(database: Database) -> bool:
    return not await published(database)


async def assert_published_in_order(bench: Bench, events: Sequence[TaskChanged]) -> int:
    """First appearances by key are in the order of the outbox. Returns how many repeats there were."""
    records = await bench.read("tasks.changed")
    told = [(record.key, dict(record.headers)["ce_id"]) for record in records]
    first = list(dict.fromkeys(told))
    asked = [(str(event.request_id).encode(), str(event.event_id).encode()) for event in events]
    for key in {key for key, _ in asked}:
        assert [one for one in first if one[0] == key] == [one for one in asked if one[0] == key]
    assert len(first) == len(asked)
    return len(told) - len(first)


async def test_a_commit_is_published_at_once_and_in_order(
    bench: Bench, kafka: KafkaConnection, database: Database
) -> None:
    events, relay = events_of(keys=10, versions=200), Relay("governance", kafka, database)
    async with running(relay):
        await eventually(lambda: relay.facts().is_owner)
        for start in range(0, 2000, 50):
            await add(database, events[start : start + 50])
        await eventually(lambda: relay.facts().sent == 2000)
    assert await is_empty(database)
    assert await assert_published_in_order(bench, events) == 0


async def test_large_messages_go_out_in_batches_that_fit_into_memory(
    bench: Bench, kafka: KafkaConnection, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two mebibytes, and one message more."""
    told = [Message("tasks.changed", f"{n}".encode(), bytes(250_000), ()) for n in range(20)]
    batches: list[int] = []
    send = vars(relay_module)["_send"]

    async def noted(producer: object, rows: Sequence[asyncpg.Record]) -> None:
        batches.append(sum(len(row["value"]) for row in rows))
        await send(producer, rows)

    monkeypatch.setattr("truth_kit.relay._send", noted)
    async with database.begin() as tx:
        await outbox.add(tx, told)
    relay = Relay("governance", kafka, database)
    async with running(relay):
        await eventually(lambda: relay.facts().sent == len(told))
        await eventually(lambda: relay.facts().rows == 0)
    keys = {record.key for record in await bench.read("tasks.changed")}
    assert keys == {message.key for message in told}
    assert batches == [2_250_000, 2_250_000, 500_000]


async def test_another_takes_over_whatever_became_of_the_owner(
    bench: Bench, kafka: KafkaConnection, database: Database
) -> None:
    events = events_of(keys=10, versions=150)
    relays = [Relay("governance", kafka, database) for _ in range(3)]
    first = asyncio.create_task(relays[0].run())
    await eventually(lambda: relays[0].facts().is_owner)
    async with running(*relays[1:]):
        await eventually(lambda: all(relay.facts().waiting_for is None for relay in relays))
        await add(database, events[:500])
        await eventually(lambda: relays[0].facts().sent > 0)
        first.cancel()  # as abrupt as can be within one process
        await asyncio.wait({first})
        await add(database, events[500:1000])
        await eventually(lambda: any(relay.facts().is_owner for relay in relays[1:]), seconds=5)
        owner = next(relay for relay in relays[1:] if relay.facts().is_owner)
        await eventually(lambda: is_empty(database))
        owner.stop()
        await add(database, events[1000:])
        await eventually(lambda: is_empty(database))
    assert sum(relay.facts().sent for relay in relays) >= 1500
    await assert_published_in_order(bench, events)


async def test_the_trace_that_a_request_came_with_is_on_all_its_later_events(
    bench: Bench, kafka: KafkaConnection, database: Database
) -> None:
    parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    traced, other = events_of(keys=2, versions=1)
    async with database.begin() as tx:
        await traces.keep(tx, {traced.request_id: parent, other.request_id: None})
        await traces.keep(tx, {traced.request_id: parent.replace("0af7", "ffff")})  # the first stays
    relay = Relay("governance", kafka, database)
    async with running(relay):
        await add(database, [traced, other, task_changed(request_id=traced.request_id, version=2)])
        await eventually(lambda: relay.facts().sent == 3)
    told = [dict(record.headers).get("traceparent") for record in await bench.read("tasks.changed")]
    assert sorted(told, key=str) == [None, parent.encode(), parent.encode()]


async def test_of_several_relays_one_publishes_and_the_others_stand_by(
    bench: Bench, kafka: KafkaConnection, database: Database
) -> None:
    events = events_of(keys=10, versions=150)
    relays = [Relay("governance", kafka, database) for _ in range(3)]
    async with running(*relays):
        await eventually(lambda: all(relay.facts().waiting_for is None for relay in relays))
        await eventually(lambda: any(relay.facts().is_owner for relay in relays))
        for start in range(0, 1500, 100):
            await add(database, events[start : start + 100])
            assert sum(relay.facts().is_owner for relay in relays) == 1
        await eventually(lambda: is_empty(database))
    assert sorted(relay.facts().sent for relay in relays) == [0, 0, 1500]
    assert await assert_published_in_order(bench, events) == 0


@pytest.mark.parametrize("seconds", [0, 3])
async def test_a_row_whose_commit_comes_late_is_published_although_later_rows_were(
    bench: Bench, kafka: KafkaConnection, database: Database, seconds: float
) -> None:
    """Numbers are drawn at the insert: a relay that remembers the highest would never see the late row."""
    (late,), (early,) = events_of(keys=1, versions=1), events_of(keys=1, versions=1)
    relay = Relay("governance", kafka, database)
    async with running(relay):
        await eventually(lambda: relay.facts().is_owner)
        async with database.begin() as tx:
            await outbox.add(tx, [late])
            await add(database, [early])
            await eventually(lambda: relay.facts().sent == 1)
            await asyncio.sleep(seconds)  # three looks: what was sent is no longer read past
        await eventually(lambda: relay.facts().sent == 2)
    told = [dict(record.headers)["ce_id"].decode() for record in await bench.read("tasks.changed")]
    assert sorted(told) == sorted(str(event.event_id) for event in (late, early))


async def test_a_row_costs_the_same_whatever_passed_before_and_vacuum_cannot_take(
    kafka: KafkaConnection, database: Database
) -> None:
    """An open transaction keeps every deleted row: read from the beginning, each new one walks them all."""
    passed, later = 3000, 40
    relay = Relay("governance", kafka, database)
    reader = await asyncpg.connect(database.connection.dsn)
    try:
        await reader.execute("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM truth.outbox")
        async with running(relay):
            await eventually(lambda: relay.facts().is_owner)
            await add(database, events_of(keys=1, versions=passed))
            await eventually(lambda: relay.facts().sent == passed)
            await asyncio.sleep(2.5)  # two looks at the whole outbox: what passed is known to have passed
            before = await entries_read(database)
            began = time.monotonic()
            for number, event in enumerate(events_of(keys=1, versions=later), 1):
                await add(database, [event])
                await eventually(lambda sent=passed + number: relay.facts().sent == sent)
            looks = time.monotonic() - began + 4  # at all of it, one a second; and where we began and ended
            walked = await entries_read(database) - before
    finally:
        await reader.close()
    assert walked < looks * (passed + later)


def test_what_was_sent_is_passed_after_two_looks_and_all_is_looked_at_each_second() -> None:
    passed = Passed()
    assert passed.begin_at(10.0) == 0
    passed.sent = 7
    assert passed.begin_at(10.5) == 0, "a row below 7 may be on its way"
    assert passed.begin_at(11.0) == 0
    passed.sent = 9
    assert passed.begin_at(11.9) == 0, "it was sent less than a look before the last one"
    assert passed.begin_at(12.0) == 0
    assert [passed.begin_at(now) for now in (12.1, 12.9, 13.0, 13.1)] == [7, 7, 0, 9]


async def entries_read(database: Database) -> int:
    """Entries of the outbox's index that were read so far, those of deleted rows too."""
    async with database.begin() as tx:
        await tx.execute(text("SELECT pg_stat_force_next_flush()"))
    async with database.begin() as tx:
        found = await tx.execute(
            text("SELECT idx_tup_read FROM pg_stat_user_indexes WHERE indexrelname = 'outbox_pkey'")
        )
        return int(found.scalar_one())


async def test_what_is_committed_before_the_stop_is_published(
    bench: Bench, kafka: KafkaConnection, database: Database
) -> None:
    events, relay = events_of(keys=10, versions=60), Relay("governance", kafka, database)
    async with running(relay):
        await eventually(lambda: relay.facts().is_owner)
        await add(database, events)
    assert await is_empty(database)
    await assert_published_in_order(bench, events)


async def test_a_frozen_broker_delays_and_loses_nothing(
    bench: Bench, infrastructure: System, kafka: KafkaConnection, database: Database
) -> None:
    events, relay = events_of(keys=10, versions=30), Relay("governance", kafka, database)
    async with running(relay):
        await eventually(lambda: relay.facts().is_owner)
        infrastructure.freeze("kafka")
        await add(database, events)
        await eventually(lambda: (relay.facts().oldest_seconds or 0) > 3)
        assert relay.facts().rows == len(events)
        assert (relay.facts().looked_seconds or 99) < 3
        infrastructure.thaw("kafka")
        await eventually(lambda: is_empty(database))
    await assert_published_in_order(bench, events)


async def test_it_stops_in_time_while_the_broker_is_frozen(
    infrastructure: System, kafka: KafkaConnection, database: Database
) -> None:
    relay = Relay("governance", kafka, database)
    task = asyncio.create_task(relay.run())
    await eventually(lambda: relay.facts().is_owner)
    infrastructure.freeze("kafka")
    try:
        await add(database, events_of(keys=1, versions=1))
        relay.stop()
        since = time.monotonic()
        await asyncio.wait_for(task, 25)
        assert time.monotonic() - since < 10
    finally:
        infrastructure.thaw("kafka")
    assert not await is_empty(database)


async def test_what_it_may_not_write_is_kept_and_told(kafka: KafkaConnection, database: Database) -> None:
    relay = Relay("governance", kafka, database)
    async with running(relay):
        forbidden = to_kafka(task_changed())
        async with database.begin() as tx:
            await outbox.add(tx, [type(forbidden)("signals.emitted", b"k", b"{}", forbidden.headers)])
        await eventually(lambda: "not authorised" in (relay.facts().waiting_for or ""))
        assert not relay.facts().is_owner
    assert len(await published(database)) == 1
