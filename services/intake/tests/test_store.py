"""Every query on a real PostgreSQL, the constraints that guard the path, and what the app role may not do."""

import asyncio
import random
from uuid import uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, IntegrityError
from truth_contracts.ids import EventId, RequestId
from truth_contracts.intakes import IntakeAnswered
from truth_intake.domain.intake import Sealed
from truth_intake.domain.tracker import Seen, seen_of
from truth_intake.store import intakes, reading, surfaces, tracking
from truth_intake.store.reading import Scope, Wanted
from truth_intake.tables import metadata
from truth_kit.database import Database
from truth_kit.testing import unmigrated

from services.intake.tests import builders
from services.intake.tests.builders import NOW, sealed, submission, surface

GRANTS = {
    "alembic_version": {"SELECT"},
    "inbox": {"SELECT", "INSERT"},
    "outbox": {"SELECT", "INSERT", "DELETE"},
    "dead_letter": {"SELECT", "INSERT"},
    "dead_letter_action": {"SELECT", "INSERT"},
    "trace": {"SELECT", "INSERT"},
    "surface": {"SELECT", "INSERT"},
    "intake": {"SELECT", "INSERT"},
    "step": {"SELECT", "INSERT"},
    "answer": {"SELECT", "INSERT"},
    "projection": {"SELECT", "INSERT", "UPDATE"},
}


async def insert(database: Database, *new: Sealed) -> set[RequestId]:
    async with database.begin() as tx:
        return await intakes.insert_intakes(tx, new)


async def test_the_tables_are_those_of_the_migration(database: Database) -> None:
    assert await unmigrated(database, metadata) == []


async def test_the_app_role_has_these_rights_and_no_others(database: Database) -> None:
    query = text("""
        SELECT table_name::text, privilege_type::text FROM information_schema.role_table_grants
        WHERE grantee = 'intake_app' AND table_schema = 'truth'
    """)
    async with database.connect() as conn:
        granted: dict[str, set[str]] = {}
        for table, right in await conn.execute(query):
            granted.setdefault(table, set()).add(right)
    assert granted == GRANTS


@pytest.mark.parametrize("table", ["intake", "step", "surface", "answer"])
@pytest.mark.parametrize("statement", ["UPDATE truth.{} SET {}", "DELETE FROM truth.{}", "TRUNCATE truth.{}"])
async def test_what_was_accepted_cannot_be_changed(database: Database, table: str, statement: str) -> None:
    column = {"intake": "actor", "step": "step", "surface": "title", "answer": "actor"}[table]
    with pytest.raises(DBAPIError, match="permission denied"):
        async with database.begin() as tx:
            await tx.execute(text(statement.format(table, f"{column} = {column}")))


async def test_an_intake_is_kept_with_its_exact_texts_and_links(database: Database) -> None:
    new = sealed()
    assert await insert(database, new) == {new.event.request_id}
    async with database.connect() as conn:
        steps = await reading.list_steps(conn, new.event.request_id)
    assert tuple(step.text for step in steps) == new.history.steps
    assert [step.link for step in steps] == list(new.history.chain)


async def test_one_intake_for_a_key_and_for_an_event(database: Database) -> None:
    one = submission(request_key="k", event_id="e")
    first, same_key, same_event, other_source = (
        sealed(one),
        sealed(submission(request_key="k", event_id="f")),
        sealed(submission(request_key="l", event_id="e")),
        sealed(submission(request_key="k", event_id="e", source="/intake-page")),
    )
    assert await insert(database, first) == {first.event.request_id}
    assert await insert(database, same_key, same_event, other_source) == {other_source.event.request_id}
    async with database.connect() as conn:
        found = await intakes.list_known(
            conn, [submission(request_key="k", event_id="z"), submission(event_id="e")]
        )
    assert found == [first.accepted.known, first.accepted.known]
    async with database.connect() as conn:
        assert await intakes.list_known(conn, [submission()]) == []


async def test_guardrail_6_the_database_takes_no_intake_on_a_planned_surface(database: Database) -> None:
    planned = builders.accepted(submission(surface="garden-care"), surface(name="garden-care"))
    with pytest.raises(IntegrityError, match="violates foreign key"):
        await insert(database, builders.seal(planned, builders.SIGNER))
    with pytest.raises(IntegrityError, match="violates check"):
        async with database.begin() as tx:
            await tx.execute(
                text("""
                INSERT INTO truth.intake VALUES (gen_random_uuid(), 's', 'k', 'e', repeat('a', 64),
                    gen_random_uuid(), 'api', 'client:acme', 'garden-care', 1, 'planned', now(), now())
            """)
            )


async def test_guardrail_6_the_database_keeps_maturity_and_registered_version_together(
    database: Database,
) -> None:
    wrong = builders.accepted(submission(), surface(maturity="partial"))
    with pytest.raises(IntegrityError, match="violates foreign key"):
        await insert(database, builders.seal(wrong, builders.SIGNER))


async def test_of_ten_twins_at_once_one_is_in(database: Database) -> None:
    one = submission()
    inserted = await asyncio.gather(*(insert(database, sealed(one)) for _ in range(10)))
    assert sorted(map(len, inserted)) == [0] * 9 + [1]


async def test_the_version_in_force_is_the_highest(database: Database) -> None:
    async with database.begin() as tx:
        assert await surfaces.lock_surface(tx, "kitchen-repairs") == surface()
        assert await surfaces.lock_surface(tx, "unknown") is None
        await surfaces.insert_surface(tx, surface(version=2, maturity="partial", stages=()))
    async with database.connect() as conn:
        found = await surfaces.find_surfaces(conn, {"kitchen-repairs", "garden-care", "unknown"})
        assert {name: one.version for name, one in found.items()} == {"kitchen-repairs": 2, "garden-care": 1}
        assert [one.version for one in await surfaces.list_versions(conn, "kitchen-repairs")] == [2, 1]
        names = [one.name for one in await surfaces.list_surfaces(conn)]
        assert names == ["garden-care", "kitchen-repairs", "roof-inspections"]


async def test_a_surfaces_version_is_registered_once(database: Database) -> None:
    with pytest.raises(IntegrityError):
        async with database.begin() as tx:
            await surfaces.insert_surface(tx, surface(title="Another"))


async def test_intakes_are_found_by_what_is_known_of_them(database: Database) -> None:
    digest = bytes(32)
    first = sealed(submission(request_key="k"), digest)
    second = sealed(submission(request_key="k", source="/intake-page"))
    third = sealed(submission())
    await insert(database, first, second, third)
    ids = [one.event.request_id for one in (first, second, third)]

    async def listed(**wanted: object) -> list[RequestId]:
        members: dict[str, object] = {"scope": Scope()}
        async with database.connect() as conn:
            found = await reading.list_intakes(conn, Wanted(**members | wanted))  # pyright: ignore[reportArgumentType] any of its members
            return [intake.request_id for intake in found]

    assert await listed() == ids[::-1]
    assert await listed(limit=1) == ids[:1:-1]
    assert await listed(before=ids[2]) == ids[1::-1]
    assert await listed(request_key="k") == ids[1::-1]
    assert await listed(request_key="k", source="/intake-page") == [ids[1]]
    assert await listed(scope=Scope(source="/intake-page")) == [ids[1]]
    assert await listed(scope=Scope(actor="client:acme")) == ids[::-1]
    assert await listed(scope=Scope(actor="person:rita")) == []
    async with database.connect() as conn:
        tracked = await reading.find_tracked(conn, digest)
        assert tracked is not None
        assert tracked.request_id == ids[0]
        assert await reading.find_tracked(conn, bytes([1]) * 32) is None
        assert await reading.find_intake(conn, ids[0], Scope(source="/intake-page")) is None
        assert await reading.find_intake(conn, ids[0], Scope()) == tracked


async def test_the_projection_keeps_the_higher_version_in_any_order(database: Database) -> None:
    request_ids = [RequestId(uuid4()) for _ in range(5)]
    told = [seen_of(builders.task_changed(one, n, f"state-{n}")) for one in request_ids for n in range(1, 8)]
    shuffled = random.Random(7)  # noqa: S311 the same order on every run
    for _ in range(3):
        shuffled.shuffle(told)
        for begin in range(0, len(told), 4):
            async with database.begin() as tx:
                await tracking.set_seen(tx, told[begin : begin + 4])
    async with database.connect() as conn:
        seen = await tracking.list_seen(conn, [*request_ids, RequestId(uuid4())])
    assert [seen[one]["task"].state for one in request_ids] == ["state-7"] * 5
    assert sum(len(steps) for steps in seen.values()) == 5


async def test_steps_are_seen_apart(database: Database) -> None:
    one = RequestId(uuid4())
    told = [
        builders.task_changed(one, 2, "info_requested", "Which tap?"),
        builders.job_changed(one, 1, "queued"),
        builders.service_event_changed(one, 3, "completed"),
        builders.record_sealed(one),
        builders.signal_emitted(one),
    ]
    async with database.begin() as tx:
        await tracking.set_seen(tx, [])
        await tracking.set_seen(tx, [seen_of(event) for event in told])
        task = await tracking.lock_task(tx, one)
        assert await tracking.lock_task(tx, RequestId(uuid4())) is None
    assert isinstance(task, Seen)
    assert (task.message, task.state, task.version) == ("Which tap?", "info_requested", 2)
    async with database.connect() as conn:
        seen = (await tracking.list_seen(conn, [one]))[one]
    assert {step: found.state for step, found in seen.items()} == {
        "task": "info_requested",
        "job": "queued",
        "service_event": "completed",
        "record": "sealed",
        "signal": "emitted",
    }


def answered(request_id: RequestId, version: int, words: str) -> IntakeAnswered:
    return IntakeAnswered(
        event_id=EventId(uuid4()),
        request_id=request_id,
        at=NOW,
        actor="anonymous",
        question_version=version,
        answer=words,
    )


async def test_a_question_has_one_answer(database: Database) -> None:
    new = sealed()
    request_id = new.event.request_id
    await insert(database, new)
    async with database.begin() as tx:
        assert await tracking.find_last_answer(tx, request_id) is None
        await tracking.insert_answer(tx, answered(request_id, 2, "Left."))
        await tracking.insert_answer(tx, answered(request_id, 10, "Right."))
    async with database.connect() as conn:
        last = await tracking.find_last_answer(conn, request_id)
    assert last is not None
    assert (last.question_version, last.answer, last.at) == (10, "Right.", NOW)
    with pytest.raises(IntegrityError):
        async with database.begin() as tx:
            await tracking.insert_answer(tx, answered(request_id, 2, "Neither."))
