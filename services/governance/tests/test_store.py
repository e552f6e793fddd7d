"""Every query and every constraint, on a real PostgreSQL."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import delete, text, update
from truth_governance.domain.assignment import Operator
from truth_governance.domain.task import TaskState
from truth_governance.store import operators, queue, tasks, watched
from truth_governance.tables import decision, job_creation, metadata, task
from truth_kit.database import Database
from truth_kit.testing import unmigrated
from truth_sealing.steps import History

from services.governance.tests.keeping import kept, kept_assigned, refused_by
from services.governance.tests.making import (
    NOW,
    UNKNOWN,
    assigned,
    job_changed,
    occasion,
    opened,
    operator,
    service_event_changed,
)


async def test_the_tables_are_those_of_the_migration(database: Database) -> None:
    assert await unmigrated(database, metadata) == []


async def test_every_constraint_of_the_tables_is_in_the_database(database: Database) -> None:
    named = {str(constraint.name) for table in metadata.tables.values() for constraint in table.constraints}
    async with database.connect() as conn:
        found = await conn.execute(text("SELECT conname FROM pg_constraint"))
        assert named - {"None"} <= set(found.scalars())


async def test_the_app_role_may_change_what_moves_and_nothing_else(database: Database) -> None:
    query = text("""
        SELECT table_name, privilege_type, string_agg(column_name, ',' ORDER BY column_name)
          FROM information_schema.column_privileges
         WHERE grantee = 'governance_app' AND table_schema = 'truth' AND privilege_type = 'UPDATE'
         GROUP BY 1, 2 ORDER BY 1
    """)
    async with database.connect() as conn:
        assert {name: columns for name, _, columns in await conn.execute(query)} == {
            "operator": "changed_at,changed_by,is_active,name",
            "passkey": "revoked_at,sign_count,used_at",
            "task": "approved_by,changed_at,history,operator_id,state,version",
            "job_seen": "actor,at,job_id,job_state,job_version,request_id",
            "service_event_seen": (
                "actor,at,request_id,service_event_id,service_event_state,service_event_version"
            ),
        }
        deletable = text("""
            SELECT table_name FROM information_schema.table_privileges
             WHERE grantee = 'governance_app' AND privilege_type IN ('DELETE', 'TRUNCATE')
        """)
        assert list((await conn.execute(deletable)).scalars()) == ["outbox"]


async def test_a_task_comes_back_as_it_was(database: Database) -> None:
    one = assigned(None)
    async with database.begin() as tx:
        await kept(tx, one)
    async with database.begin() as tx:
        assert await tasks.lock_task(tx, one.task_id) == one
        assert await tasks.lock_task(tx, UNKNOWN) is None
        assert await tasks.lock_tasks_of(tx, {one.request_id}) == {one.request_id: one}
        assert await tasks.find_task(tx, one.task_id) == one
        assert await tasks.list_task_ids(tx, [one.request_id]) == {one.request_id: one.task_id}


@given(st.lists(st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=20), max_size=7))
def test_the_texts_of_a_path_survive_to_the_byte(steps: list[str]) -> None:
    history = History(tuple(steps), ())
    assert tasks.unpack(tasks.pack(history)) == history


async def test_the_queue_is_counted_and_narrowed(database: Database) -> None:
    first, second, mine = opened(), opened(), assigned()
    async with database.begin() as tx:
        for one in (first, second, mine):
            await kept(tx, one)
    everything = queue.Wanted()
    async with database.connect() as conn:
        found = await queue.list_queued(conn, everything, state=None, after=None, limit=10)
        assert [one.task_id for one in found] == sorted(one.task_id for one in (first, second, mine))
        waiting = TaskState.PENDING_REVIEW
        page = await queue.list_queued(conn, everything, state=waiting, after=None, limit=1)
        after = await queue.list_queued(conn, everything, state=waiting, after=page[0].task_id, limit=10)
        assert {page[0].task_id, *(one.task_id for one in after)} == {first.task_id, second.task_id}
        assert (await queue.count_queued(conn, everything))[TaskState.PENDING_REVIEW] == 2
        of_olga = queue.Wanted(operator_id="olga")
        (only,) = await queue.list_queued(conn, of_olga, state=None, after=None, limit=10)
        assert (only.task_id, only.operator_id, only.state) == (mine.task_id, "olga", "assigned")
        assert sum((await queue.count_queued(conn, of_olga)).values()) == 1
        one = queue.Wanted(request_id=first.request_id)
        assert len(await queue.list_queued(conn, one, state=None, after=None, limit=10)) == 1


async def test_operators_are_registered_and_changed(database: Database) -> None:
    gone = Operator("olga", "Olga O.", is_active=False, changed_by="person:amir", changed_at=NOW)
    async with database.begin() as tx:
        await operators.set_operator(tx, operator())
        await operators.set_operator(tx, gone)
    async with database.connect() as conn:
        assert await operators.find_operator(conn, "olga") == gone
        assert await operators.find_operator(conn, "nobody") is None
        assert await operators.find_operator(conn, None) is None
        assert await operators.list_operators(conn) == [gone]


async def test_what_execution_tells_is_kept_if_it_is_newer(database: Database) -> None:
    one = opened()
    async with database.begin() as tx:
        await watched.set_jobs(tx, [job_changed(one.request_id, 2, "claimed")])
        await watched.set_jobs(tx, [job_changed(one.request_id, 1, "queued")])
        await watched.set_service_events(tx, [service_event_changed(one.request_id, 1, "started")])
        await watched.set_service_events(tx, [service_event_changed(one.request_id, 3, "completed")])
        await watched.set_jobs(tx, [])
        await watched.set_service_events(tx, [])
    async with database.connect() as conn:
        job = await watched.find_job(conn, one.request_id)
        service_event = await watched.find_service_event(conn, one.request_id)
        assert job is not None
        assert (job.version, job.state) == (2, "claimed")
        assert service_event is not None
        assert (service_event.version, service_event.state) == (3, "completed")
        assert await watched.find_job(conn, opened().request_id) is None
        assert await watched.find_service_event(conn, opened().request_id) is None


async def test_guardrail_7_nobody_approves_their_own_request(database: Database) -> None:
    own = opened(actor="person:ada")
    asked_for = opened(requester={"name": "Ada", "subject": "ada"})
    async with database.begin() as tx:
        await kept(tx, own)
        await kept(tx, asked_for)
    for one in (own, asked_for):
        c = task.c
        change = (
            update(task).where(c.task_id == one.task_id).values(state="approved", approved_by="person:ada")
        )
        await refused_by(
            "task_not_approved_by_its_requester", database, lambda tx, change=change: tx.execute(change)
        )


@pytest.mark.parametrize(
    ("values", "constraint"),
    [
        ({"state": "approved"}, "task_approved_before"),
        ({"state": "promoted", "approved_by": "person:ada"}, "task_assigned_before"),
        ({"state": "done"}, "task_state_known"),
        ({"approved_by": "service:governance"}, "task_approved_by_a_person"),
    ],
)
async def test_a_task_cannot_skip_a_state(
    database: Database, values: dict[str, str], constraint: str
) -> None:
    one = opened()
    async with database.begin() as tx:
        await kept(tx, one)
    change = update(task).where(task.c.task_id == one.task_id).values(values)
    await refused_by(constraint, database, lambda tx: tx.execute(change))


async def test_a_request_has_one_task(database: Database) -> None:
    one = opened()
    async with database.begin() as tx:
        await kept(tx, one)
    twin = replace(opened(), request_id=one.request_id)
    await refused_by("task_request_id_key", database, lambda tx: tasks.insert_tasks(tx, [twin]))


async def test_the_decision_log_is_only_added_to(database: Database) -> None:
    one = await kept_assigned(database)
    again = replace(one, decisions=(*one.decisions[:2], replace(one.last, decision_id=occasion().event_id)))
    await refused_by("decision_once_a_version", database, lambda tx: tasks.set_moved(tx, [again]))
    for statement in (delete(decision), update(decision).values(actor="person:eve"), delete(job_creation)):
        await refused_by("permission denied", database, lambda tx, statement=statement: tx.execute(statement))
