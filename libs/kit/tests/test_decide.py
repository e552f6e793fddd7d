"""One transaction for a batch, on a real PostgreSQL."""

import asyncio
import contextlib
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from uuid import uuid4

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection
from truth_contracts.envelope import Message, Received, to_kafka
from truth_contracts.jobs import JobChanged
from truth_contracts.refusals import Refusal
from truth_contracts.topics import JOBS_CHANGED
from truth_kit import outbox
from truth_kit.database import Database
from truth_kit.dead_letters import DeadLetter
from truth_kit.dead_letters.store import list_letters
from truth_kit.inbox import ConcurrentTwinError
from truth_kit.subscribe import Arrival, Decided, Route, decide
from truth_kit.testing import arrival, published
from truth_kit.traces import trace

from libs.kit.tests.hop_sample import NOW, ROUTES, forbidden, job_changed, list_seen, on_job_changed

BROKEN = Message("jobs.changed", b"k", b"\xff{", (("ce_specversion", b"1.0"), ("x\0y", b"\0\xff")))


async def decided(database: Database, *arrivals: Arrival) -> Decided:
    return await decide(database, "governance", ROUTES, arrivals, NOW)


async def forbid(database: Database, state: str) -> None:
    async with database.begin() as tx:
        await tx.execute(forbidden.insert().values(state=state))


async def test_a_batch_changes_state_and_fills_the_outbox_in_order(database: Database) -> None:
    events = [job_changed(version=version) for version in range(1, 101)]
    outcome = await decided(database, *(arrival(event, offset=n) for n, event in enumerate(events)))
    assert outcome == Decided(acted_on=100, refused=0, repeated=0, blocked={})
    assert await list_seen(database) == [(event.request_id, event.version) for event in events]
    assert [m.key for m in await published(database)] == [str(e.request_id).encode() for e in events]


async def test_an_event_sent_again_is_dropped(database: Database) -> None:
    event = job_changed()
    await decided(database, arrival(event, offset=0))
    outcome = await decided(database, arrival(event, offset=0), arrival(event, offset=7, partition=2))
    assert outcome == Decided(acted_on=0, refused=0, repeated=2, blocked={})
    assert len(await list_seen(database)) == 1


async def test_a_repeat_within_the_batch_is_dropped(database: Database) -> None:
    event = job_changed()
    outcome = await decided(database, arrival(event, offset=0), arrival(event, offset=1))
    assert outcome == Decided(acted_on=1, refused=0, repeated=1, blocked={})


async def test_the_trace_that_a_request_came_with_is_kept_and_the_first_one_stays(database: Database) -> None:
    parents = [f"00-{uuid4().hex}-b7ad6b7169203331-01" for _ in range(2)]
    traced, other = job_changed(version=1), job_changed()
    again = job_changed(request_id=traced.request_id, version=2)
    messages = [to_kafka(event) for event in (traced, again, other)]
    told = [replace(m, headers=(*m.headers, ("traceparent", p.encode()))) for m, p in zip(messages, parents)]  # noqa: B905 the third came with none
    batch = [arrival(message, offset=n) for n, message in enumerate([*told, messages[2]])]
    await decided(database, *batch)
    await decided(database, *batch)
    async with database.connect() as conn:
        kept = (await conn.execute(select(trace.c.key, trace.c.parent))).all()
    assert kept == [(str(traced.request_id).encode(), parents[0])]


async def test_what_cannot_be_read_stands_beside_what_can(database: Database) -> None:
    good = [job_changed(), job_changed()]
    batch = [arrival(good[0], offset=0), arrival(BROKEN, offset=1), arrival(good[1], offset=2)]
    assert await decided(database, *batch) == Decided(acted_on=2, refused=1, repeated=0, blocked={})
    assert await decided(database, *batch) == Decided(acted_on=0, refused=0, repeated=3, blocked={})
    (told,) = [m for m in await published(database) if m.topic == "governance.dead-letters"]
    assert (told.key, told.value) == (BROKEN.key, BROKEN.value)
    assert told.headers[: len(BROKEN.headers)] == BROKEN.headers
    headers = dict(told.headers)
    assert headers["dl_topic"] == b"jobs.changed"
    assert headers["dl_offset"] == b"1"
    assert headers["dl_reason"] == b"envelope_invalid"
    async with database.connect() as conn:
        (letter,) = await list_letters(conn, state="open", before=None, limit=9)
    assert (letter.code, letter.offset, letter.event_id) == ("envelope_invalid", 1, None)


async def test_at_the_place_of_an_old_dead_letter_a_new_kafka_brings_another_message(
    database: Database,
) -> None:
    await decided(database, arrival(BROKEN, offset=1))
    anew = datetime(2027, 1, 1, tzinfo=UTC)
    good = [arrival(job_changed(), offset=1, at=anew)]
    assert await decided(database, *good) == Decided(acted_on=1, refused=0, repeated=0, blocked={})
    bad = [arrival(BROKEN, offset=1, at=anew)]
    assert await decided(database, *bad) == Decided(acted_on=0, refused=1, repeated=0, blocked={})
    assert await decided(database, *bad) == Decided(acted_on=0, refused=0, repeated=1, blocked={})


async def test_a_later_copy_of_a_refused_event_is_decided_afresh(database: Database) -> None:
    await forbid(database, "odd")
    event_id = uuid4()
    bad, good = job_changed(event_id=event_id, state="odd"), job_changed(event_id=event_id)
    batch = [arrival(bad, offset=0), arrival(good, offset=1), arrival(good, offset=2)]
    assert await decided(database, *batch) == Decided(acted_on=1, refused=1, repeated=1, blocked={})
    assert await list_seen(database) == [(good.request_id, good.version)]


async def test_a_newer_major_blocks_its_partition_and_nothing_else(database: Database) -> None:
    newer = to_kafka(job_changed())
    headers = tuple((n, b"truth.jobs.changed.v2" if n == "ce_type" else v) for n, v in newer.headers)
    before, behind, elsewhere = job_changed(), job_changed(), job_changed()
    outcome = await decided(
        database,
        arrival(before, offset=4),
        arrival(replace(newer, headers=headers), offset=5),
        arrival(behind, offset=6),
        arrival(elsewhere, partition=1),
    )
    assert (outcome.acted_on, outcome.refused) == (2, 0)
    assert {key: blocked.offset for key, blocked in outcome.blocked.items()} == {("jobs.changed", 0): 5}
    assert outcome.blocked["jobs.changed", 0].reason == "needs upgrade to truth.jobs.changed.v2"
    assert behind.request_id not in {request_id for request_id, _ in await list_seen(database)}


@pytest.mark.parametrize("count", [1, 200], ids=["on the loop", "in a thread"])
async def test_what_fails_its_check_is_never_handed_on(database: Database, count: int) -> None:
    def check(received: Received[JobChanged]) -> Refusal | None:
        return Refusal("chain_broken", "Odd.") if received.event.version % 2 else None

    batch = [arrival(job_changed(version=2 * n + 1), offset=n) for n in range(count)]
    routes = (Route(JOBS_CHANGED, on_job_changed, check=check),)
    outcome = await decide(database, "governance", routes, batch, NOW)
    assert outcome == Decided(acted_on=0, refused=count, repeated=0, blocked={})


async def test_a_service_may_tell_of_refusals_in_its_own_way(database: Database) -> None:
    told: list[DeadLetter] = []

    async def refused(_tx: AsyncConnection, letters: Sequence[DeadLetter], _now: datetime) -> None:
        told.extend(letters)

    routes = (Route(JOBS_CHANGED, on_job_changed, refused=refused),)
    outcome = await decide(database, "governance", routes, [arrival(BROKEN)], NOW)
    assert outcome.refused == len(told) == 1
    assert await published(database) == []
    async with database.connect() as conn:
        assert len(await list_letters(conn, state="open", before=None, limit=9)) == 1


async def test_a_failing_handler_leaves_nothing(database: Database) -> None:
    async def on_job(
        tx: AsyncConnection, batch: Sequence[Received[JobChanged]], now: datetime
    ) -> list[DeadLetter]:
        await on_job_changed(tx, batch, now)
        raise ConnectionError("away")

    batch = [arrival(job_changed(), offset=0), arrival(BROKEN, offset=1)]
    with pytest.raises(ConnectionError):
        await decide(database, "governance", (Route(JOBS_CHANGED, on_job),), batch, NOW)
    assert await list_seen(database) == []
    assert await published(database) == []
    assert await decided(database, *batch) == Decided(acted_on=1, refused=1, repeated=0, blocked={})


@pytest.mark.parametrize("is_good", [True, False], ids=["event", "dead letter"])
async def test_of_two_replicas_with_the_same_batch_one_gives_way(database: Database, is_good: bool) -> None:
    both_in = asyncio.Barrier(2)

    async def on_job(
        tx: AsyncConnection, batch: Sequence[Received[JobChanged]], now: datetime
    ) -> list[DeadLetter]:
        await both_in.wait()  # each has seen that nothing is decided yet
        if is_good:
            return await on_job_changed(tx, batch, now)
        return [DeadLetter.of(received, Refusal("move_forbidden", "Bad.")) for received in batch]

    async def one() -> Decided:
        return await decide(database, "governance", (Route(JOBS_CHANGED, on_job),), batch, NOW)

    batch = [arrival(job_changed(), offset=n) for n in range(20)]
    outcomes = await asyncio.gather(one(), one(), return_exceptions=True)
    (error,) = [outcome for outcome in outcomes if isinstance(outcome, BaseException)]
    assert isinstance(error, ConcurrentTwinError)
    assert len(await list_seen(database)) == (20 if is_good else 0)
    outcome = await decided(database, *batch)
    assert (outcome.acted_on, outcome.refused, outcome.repeated) == (0, 0, 20)


async def test_what_a_twin_acted_on_meanwhile_is_not_refused_for_being_there_already(
    database: Database,
) -> None:
    """A replica that lost its partition may still commit: its state is there, and was not a moment before."""
    batch = [arrival(job_changed())]

    async def on_job(
        _tx: AsyncConnection, events: Sequence[Received[JobChanged]], _now: datetime
    ) -> list[DeadLetter]:
        assert (await decided(database, *batch)).acted_on == 1  # the twin, after our look into the inbox
        return [DeadLetter.of(received, Refusal("move_forbidden", "It is there.")) for received in events]

    with pytest.raises(ConcurrentTwinError):
        await decide(database, "governance", (Route(JOBS_CHANGED, on_job),), batch, NOW)
    assert await decided(database, *batch) == Decided(acted_on=0, refused=0, repeated=1, blocked={})
    async with database.connect() as conn:
        assert await list_letters(conn, state="open", before=None, limit=9) == []


async def test_the_bell_rings_after_a_commit_that_filled_the_outbox(database: Database) -> None:
    async with database.begin() as tx:
        await tx.execute(forbidden.insert().values(state="x"))
    assert not database.wake.is_set()
    with contextlib.suppress(ValueError):
        async with database.begin() as tx:
            await outbox.add(tx, [job_changed()])
            raise ValueError("undone")
    assert not database.wake.is_set()
    async with database.begin() as tx:
        await outbox.add(tx, [job_changed()])
        assert not database.wake.is_set()
    assert database.wake.is_set()
