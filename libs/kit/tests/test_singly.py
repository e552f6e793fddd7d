"""A batch that broke on a value which PostgreSQL does not take, on a real Kafka and a real PostgreSQL."""

from collections.abc import AsyncGenerator, Sequence
from datetime import datetime
from uuid import uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection
from truth_contracts.envelope import Received, to_kafka
from truth_contracts.jobs import JobChanged
from truth_contracts.topics import JOBS_CHANGED
from truth_kit.connections import KafkaConnection
from truth_kit.database import Database
from truth_kit.dead_letters import DeadLetter
from truth_kit.dead_letters.store import list_letters
from truth_kit.subscribe import Route, Subscription
from truth_local.system import System

from libs.kit.tests.hop_sample import job_changed, list_seen, on_job_changed
from libs.kit.tests.kafka_bench import Bench, bench_on, eventually, running

_CAST = text("SELECT CAST(CAST(:given AS text) AS integer)")


@pytest.fixture
async def bench(infrastructure: System) -> AsyncGenerator[Bench]:
    """The sample's group begins at the end of its topic."""
    async with bench_on(infrastructure, "jobs.changed", "governance.dead-letters") as bench:
        await bench.commit_ends("governance", "jobs.changed")
        yield bench


async def test_a_value_that_the_database_does_not_take_holds_up_nothing(
    bench: Bench, kafka: KafkaConnection, database: Database
) -> None:
    async def on_numbers(
        tx: AsyncConnection, batch: Sequence[Received[JobChanged]], now: datetime
    ) -> list[DeadLetter]:
        for received in batch:  # whatever PostgreSQL takes for a number
            await tx.execute(_CAST, {"given": received.event.state})
        return await on_job_changed(tx, batch, now)

    async def three_seen() -> bool:
        return len(await list_seen(database)) == 3

    key = uuid4()  # all of them in one partition
    events = [
        job_changed(request_id=key, version=version, state=state)
        for version, state in enumerate(("1", "2", "many", "4"), start=1)
    ]
    subscription = Subscription("governance", (Route(JOBS_CHANGED, on_numbers),), kafka, database)
    async with running(subscription):
        await eventually(lambda: subscription.facts().assigned)
        await bench.produce([to_kafka(event) for event in events])
        await eventually(three_seen)
        await eventually(lambda: subscription.facts().behind == 0)
        assert subscription.facts().waiting_for is None
    assert [version for _, version in await list_seen(database)] == [1, 2, 4]
    async with database.connect() as conn:
        (letter,) = await list_letters(conn, state="open", before=None, limit=9)
    assert (letter.code, letter.event_id) == ("body_invalid", str(events[2].event_id))
