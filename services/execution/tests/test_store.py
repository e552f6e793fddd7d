"""Every query and every constraint, on a real PostgreSQL."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import delete, text, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection
from truth_contracts.ids import JobId
from truth_execution.domain.service_event import WriteNote, write_note
from truth_execution.domain.work import JobState, Work
from truth_execution.store import blobs, commands, jobs, listing
from truth_execution.store.commands import CarriedOut
from truth_execution.store.paths import pack, pack_last, unpack
from truth_execution.store.work import find_work, lock_work, set_moved
from truth_execution.tables import command, evidence, job, metadata, note, service_event
from truth_kit.database import Database
from truth_kit.fresh import new_id
from truth_kit.testing import unmigrated
from truth_sealing.steps import History

from services.execution.tests.making import (
    NOW,
    blob,
    claimed,
    command_id,
    completed,
    handed_back,
    occasion,
    path,
    queued,
    sealed,
    started,
    with_note,
    with_photo,
    with_stage,
)


async def kept(database: Database, *stations: Work) -> Work:
    """Write work as the consumer and the commands do, one station after another; returns it as read again."""
    async with database.begin() as tx:
        await jobs.insert_jobs(tx, [stations[0].job])
        for before, after in pairwise(stations):
            if after.service_event and after.service_event.evidence:
                for piece in after.service_event.evidence:
                    await blobs.insert_blob(tx, blob(piece.sha256))
            await set_moved(tx, before, after)
    async with database.begin() as tx:
        found = await lock_work(tx, stations[0].job.job_id)
        assert found == await find_work(tx, stations[0].job.job_id)
    assert found is not None
    return found


def done() -> tuple[Work, ...]:
    """A Job with all that can happen to it."""
    first = queued()
    second = claimed(first)
    third = handed_back(second)
    fourth = claimed(third)
    fifth = started(fourth)
    sixth = with_stage(with_note(with_photo(fifth), stage="repair"), "hand-over")
    seventh = with_photo(sixth, "repair", "b" * 64)
    return first, second, third, fourth, fifth, sixth, seventh, completed(seventh)


async def test_the_tables_are_those_of_the_migration(database: Database) -> None:
    assert await unmigrated(database, metadata) == []


async def test_every_constraint_of_the_tables_is_in_the_database(database: Database) -> None:
    named = {str(constraint.name) for table in metadata.tables.values() for constraint in table.constraints}
    async with database.connect() as conn:
        found = await conn.execute(text("SELECT conname FROM pg_constraint"))
        assert named - {"None"} <= set(found.scalars())


async def test_the_app_role_may_change_what_moves_and_nothing_else(database: Database) -> None:
    updatable = text("""
        SELECT table_name, string_agg(column_name, ',' ORDER BY column_name)
          FROM information_schema.column_privileges
         WHERE grantee = 'execution_app' AND table_schema = 'truth' AND privilege_type = 'UPDATE'
         GROUP BY 1
    """)
    deletable = text("""
        SELECT table_name FROM information_schema.table_privileges
         WHERE grantee = 'execution_app' AND privilege_type IN ('DELETE', 'TRUNCATE')
    """)
    async with database.connect() as conn:
        assert {name: columns for name, columns in await conn.execute(updatable)} == {
            "job": "changed_at,changed_by,claim,claimed_by,state,version",
            "service_event": (
                "changed_at,completed_at,completion,evidence_missing,outcome,reason,state,version"
            ),
        }
        assert list((await conn.execute(deletable)).scalars()) == ["outbox"]


async def test_work_comes_back_as_it_was_at_every_station(database: Database) -> None:
    stations = done()
    for count in range(1, len(stations)):
        other = done()[:count]
        assert await kept(database, *other) == other[-1]
    read = await kept(database, *stations)
    assert replace(read, job=replace(read.job, history=stations[-1].job.history)) == stations[-1]
    async with database.connect() as conn:
        packed = (await conn.execute(service_event.select())).mappings().all()
        completion = next(row["completion"] for row in packed if row["job_id"] == read.job.job_id)
        assert unpack(pack(read.job.history), completion) == stations[-1].job.history


async def test_device_times_of_any_year_survive(database: Database) -> None:
    work = started()
    for at in (datetime(1970, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, 23, 59, 59, 999000, tzinfo=UTC)):
        said = WriteNote(command_id=command_id(), text="\ud7ff\U0010ffff", device_at=at)
        work = sealed(write_note(work, said, occasion()))
    first, second = Work(queued(work.job.history.until("job_created")).job), Work(work.job)
    assert (await kept(database, first, second, work)).service_event == work.service_event


@given(st.lists(st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=20), max_size=7))
def test_the_texts_of_a_path_survive_to_the_byte(steps: list[str]) -> None:
    history = History(tuple(steps), ())
    assert unpack(pack(history), None) == history
    assert unpack(pack_last(history)).steps == tuple(steps[-1:])


async def test_jobs_are_known_by_id_task_and_request(database: Database) -> None:
    one, other = await kept(database, queued()), queued()
    async with database.connect() as conn:
        known = await jobs.list_known(conn, [one.job.frozen, other.job.frozen])
        ids = {one.job.job_id, one.job.frozen.task_id, one.job.request_id}
        assert known == dict.fromkeys(ids, one.job.job_id)


async def test_lists_show_jobs_with_both_states(database: Database) -> None:
    waiting = await kept(database, queued())
    working = await kept(database, *done()[:6])
    other = await kept(database, queued(path(operator_id="otto")))
    async with database.connect() as conn:
        everything = await listing.list_jobs(conn, operator_id=None, request_id=None, limit=10)
        assert {one.job_id for one in everything} == {w.job.job_id for w in (waiting, working, other)}
        (found,) = await listing.list_jobs(
            conn, operator_id="olga", request_id=working.job.request_id, limit=10
        )
        assert (found.state, found.summary, found.place) == ("claimed", "The tap drips", "12 Mill Lane")
        assert working.service_event is not None
        assert found.service_event is not None
        assert found.service_event.service_event_id == working.service_event.service_event_id
        assert found.service_event.state == "in_progress"
        assert not await listing.list_jobs(
            conn, operator_id="olga", request_id=other.job.request_id, limit=10
        )
        (on_desk,) = await listing.list_desk(conn, "olga", JobState.QUEUED, 10)
        assert (on_desk.job_id, on_desk.service_event) == (waiting.job.job_id, None)
        assert await listing.list_desk(conn, "olga", JobState.CLOSED, 10) == []
        assert len(await listing.list_jobs(conn, operator_id=None, request_id=None, limit=1)) == 1


async def test_blobs_are_known_once_and_belong_to_who_works_with_them(database: Database) -> None:
    async with database.begin() as tx:
        assert await blobs.insert_blob(tx, blob())
        assert not await blobs.insert_blob(tx, replace(blob(), received_from="person:otto"))
        assert await blobs.find_blob(tx, "a" * 64) == blob()
        assert await blobs.find_blob(tx, "b" * 64) is None
        assert not await blobs.is_on_own_job(tx, "a" * 64, "olga")
    await kept(database, *done())
    async with database.connect() as conn:
        assert await blobs.is_on_own_job(conn, "a" * 64, "olga")
        assert not await blobs.is_on_own_job(conn, "a" * 64, "otto")


async def test_a_command_is_kept_once(database: Database) -> None:
    work = await kept(database, queued())
    said = CarriedOut(command_id(), work.job.job_id, "claim", "person:olga", NOW, "{}", "{}")
    async with database.begin() as tx:
        assert await commands.find_command(tx, said.command_id) is None
        assert await commands.insert_command(tx, said)
        assert not await commands.insert_command(tx, said)
        assert await commands.find_command(tx, said.command_id) == said


async def test_unknown_work_is_none(database: Database) -> None:
    async with database.begin() as tx:
        assert await lock_work(tx, JobId(new_id())) is None
        await jobs.insert_jobs(tx, [])


async def refused_by(
    constraint: str, database: Database, act: Callable[[AsyncConnection], Awaitable[Any]]
) -> None:
    with pytest.raises(DBAPIError, match=constraint):
        async with database.begin() as tx:
            await act(tx)


@pytest.mark.parametrize("same", ["job_id", "task_id", "request_id"])
async def test_guardrail_1_a_task_has_one_job_and_a_request_too(database: Database, same: str) -> None:
    one, other = await kept(database, queued()), queued().job
    row = {c.name: None for c in job.columns}
    async with database.connect() as conn:
        row = dict((await conn.execute(job.select())).mappings().one())
    fresh = {
        "job_id": other.job_id,
        "task_id": other.frozen.task_id,
        "request_id": other.request_id,
    }
    constraint = "job_pkey" if same == "job_id" else f"job_{same}_key"
    twin = {**row, **{name: value for name, value in fresh.items() if name != same}}
    assert one.job.job_id == row["job_id"]
    await refused_by(constraint, database, lambda tx: tx.execute(job.insert().values(twin)))


@pytest.mark.parametrize(
    ("values", "constraint"),
    [
        ({"state": "done", "claimed_by": "person:olga", "claim": "x"}, "job_state_known"),
        ({"state": "claimed"}, "job_claimed_unless_queued"),
        ({"state": "closed"}, "job_claimed_unless_queued"),
        ({"claimed_by": "person:olga", "claim": "x"}, "job_claimed_unless_queued"),
        ({"state": "claimed", "claimed_by": "person:olga"}, "job_claim_is_sealed"),
        ({"state": "claimed", "claimed_by": "person:otto", "claim": "x"}, "job_claimed_by_its_operator"),
        ({"state": "claimed", "claimed_by": "client:olga", "claim": "x"}, "job_claimed_by_its_operator"),
        ({"operator_id": "otto"}, "permission denied"),
        ({"history": "{}"}, "permission denied"),
        ({"maturity": "live"}, "permission denied"),
    ],
)
async def test_guardrail_7_a_job_is_claimed_by_its_operator_or_not_at_all(
    database: Database, values: dict[str, str], constraint: str
) -> None:
    await kept(database, queued())
    await refused_by(constraint, database, lambda tx: tx.execute(update(job).values(values)))


async def test_guardrail_6_a_planned_surface_has_no_job(database: Database) -> None:
    planned = queued(path({"intake": {"maturity": "planned"}}, job={"maturity": "planned"}))
    await refused_by("job_maturity_accepts_work", database, lambda tx: jobs.insert_jobs(tx, [planned.job]))


async def test_work_begins_on_a_claimed_job_only_and_then_it_is_not_handed_back(database: Database) -> None:
    not_claimed, begun = await kept(database, queued()), done()[:5]
    row = {
        "service_event_id": new_id(), "job_id": not_claimed.job.job_id, "claimed_by": "person:olga",
        "state": "started", "version": 1, "started_at": NOW, "changed_at": NOW, "evidence_missing": "[]",
    }  # fmt: skip
    insertion = service_event.insert().values(row)
    await refused_by("service_event_on_claimed_job", database, lambda tx: tx.execute(insertion))
    work = await kept(database, *begun)
    given_back = update(job).where(job.c.job_id == work.job.job_id).values(
        state="queued", claimed_by=None, claim=None
    )  # fmt: skip
    await refused_by("service_event_on_claimed_job", database, lambda tx: tx.execute(given_back))
    again = service_event.insert().values({**row, "job_id": work.job.job_id})
    await refused_by("service_event_job_id_key", database, lambda tx: tx.execute(again))


@pytest.mark.parametrize(
    ("values", "constraint"),
    [
        ({"state": "completed"}, "service_event_has_its_outcome"),
        ({"outcome": "fulfilled"}, "service_event_has_its_outcome"),
        ({"completed_at": NOW}, "service_event_has_its_outcome"),
        ({"state": "done"}, "service_event_state_known"),
        (
            {"state": "completed", "outcome": "paid", "completed_at": NOW, "completion": "x"},
            "service_event_outcome_known",
        ),
        (
            {
                "state": "completed", "outcome": "fulfilled", "completed_at": NOW, "completion": "x",
                "evidence_missing": '["repair"]',
            },
            "service_event_fulfilled_with_evidence",
        ),
        (
            {
                "state": "completed", "outcome": "fulfilled", "completed_at": NOW, "completion": "x",
                "reason": "nobody_home",
            },
            "service_event_fulfilled_with_evidence",
        ),
        ({"started_at": NOW}, "permission denied"),
    ],
)  # fmt: skip
async def test_a_service_event_tells_its_outcome_when_completed_and_only_then(
    database: Database, values: dict[str, Any], constraint: str
) -> None:
    await kept(database, *done()[:6])
    await refused_by(constraint, database, lambda tx: tx.execute(update(service_event).values(values)))


async def test_evidence_is_attached_once_and_only_known_bytes(database: Database) -> None:
    work = await kept(database, *done()[:6])
    assert work.service_event is not None
    row = {
        "service_event_id": work.service_event.service_event_id, "n": 9, "sha256": "a" * 64,
        "origin": "captured",
    }  # fmt: skip
    twice, unknown = evidence.insert().values(row), evidence.insert().values({**row, "sha256": "f" * 64})
    await refused_by("evidence_once", database, lambda tx: tx.execute(twice))
    await refused_by("evidence_sha256_fkey", database, lambda tx: tx.execute(unknown))
    odd = evidence.insert().values({**row, "origin": "drawn"})
    await refused_by("evidence_origin_known", database, lambda tx: tx.execute(odd))


async def test_what_was_told_is_only_added_to(database: Database) -> None:
    await kept(database, *done())
    for statement in (
        delete(note), update(note).values(text="x"), delete(evidence), update(evidence).values(stage=None),
        delete(command), update(command).values(answer="{}"), delete(service_event), delete(job),
    ):  # fmt: skip
        await refused_by("permission denied", database, lambda tx, statement=statement: tx.execute(statement))
