"""What the database itself refuses about Create Job, by hand and as the role of the running service."""

import json
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import insert, update
from sqlalchemy.ext.asyncio import AsyncConnection
from truth_contracts.jobs import JobCreated
from truth_governance.domain.create_job import CreateJob, Known, Promotion, create_job
from truth_governance.domain.task import Task
from truth_governance.store import jobs, tasks
from truth_governance.tables import job_creation, preparation, task
from truth_kit import outbox
from truth_kit.database import Database
from truth_kit.fresh import new_id
from truth_kit.testing import published
from truth_sealing.steps import hand_off

from services.governance.tests.keeping import kept_assigned, refused_by
from services.governance.tests.making import (
    NOW,
    PROVING,
    UNKNOWN,
    assigned,
    carried,
    occasion,
    operator,
    prepared,
)

NOT_BY_CREATE_JOB = "jobs.created takes what Create Job wrote in the same transaction, nothing else"


def created(task: Task) -> tuple[Task, Promotion]:
    preparation = prepared(task)
    command = CreateJob(digest=preparation.digest)
    outcome = create_job(task, Known(None, preparation, operator()), command, occasion(), PROVING)
    assert isinstance(outcome, Promotion)
    return carried(outcome), outcome


async def test_a_creation_comes_back_as_it_was(database: Database) -> None:
    one, promotion = created(await kept_assigned(database))
    async with database.begin() as tx:
        found = await jobs.find_preparation(tx, one.task_id, promotion.creation.digest)
        assert found is None
        await write_creation(tx, one, promotion)
    async with database.connect() as conn:
        assert await jobs.find_creation(conn, one.task_id) == promotion.creation
        assert await jobs.find_creation(conn, UNKNOWN) is None
        kept_one = await jobs.find_preparation(conn, one.task_id, promotion.creation.digest)
        assert kept_one is not None
        assert kept_one.job == promotion.body.job
        assert await jobs.find_preparation(conn, UNKNOWN, promotion.creation.digest) is None


async def write_creation(tx: AsyncConnection, one: Task, promotion: Promotion) -> None:
    """What Create Job writes, without its message."""
    job = promotion.body.job
    row = {
        "digest": promotion.creation.digest,
        "task_id": one.task_id,
        "job_id": job.job_id,
        "job": job_text(job),
    }
    await tx.execute(insert(preparation).values(**row, prepared_by=job.prepared_by, expires_at=NOW))
    await tasks.set_moved(tx, [one])
    await jobs.insert_creation(tx, one.task_id, promotion.creation)


def job_text(job: Any) -> str:
    return json.dumps(job.model_dump(mode="json"), sort_keys=True, separators=(",", ":"))


async def test_guardrail_1_no_message_for_jobs_created_without_create_job(database: Database) -> None:
    """By hand, as the role of the running service: the outbox refuses it when the transaction commits."""
    one, promotion = created(await kept_assigned(database))
    message = JobCreated.model_validate(hand_off(one.history))
    await refused_by(NOT_BY_CREATE_JOB, database, lambda tx: outbox.add(tx, [message]))
    async with database.begin() as tx:
        await write_creation(tx, one, promotion)
    # The creation exists now, of a transaction before: too late for another message.
    await refused_by(NOT_BY_CREATE_JOB, database, lambda tx: outbox.add(tx, [message]))
    assert await published(database) == []


async def test_guardrail_1_create_jobs_own_message_is_let_through(database: Database) -> None:
    one, promotion = created(await kept_assigned(database))
    async with database.begin() as tx:
        await outbox.add(tx, [JobCreated.model_validate(hand_off(one.history))])
        await write_creation(tx, one, promotion)
    assert [message.topic for message in await published(database)] == ["jobs.created"]


@pytest.mark.parametrize("value", [None, b"", b"\xff", b"[]", b"{}", b'{"event_id": "x"}'])
async def test_guardrail_1_nothing_else_passes_as_a_message_for_jobs_created(
    database: Database, value: bytes | None
) -> None:
    one, promotion = created(await kept_assigned(database))

    async def smuggle(tx: AsyncConnection) -> None:
        await write_creation(tx, one, promotion)
        row = {"topic": "jobs.created", "key": None, "value": value, "headers": "[]"}
        await tx.execute(insert(outbox.outbox).values(row))

    await refused_by(".", database, smuggle)
    assert await published(database) == []


async def test_guardrail_1_another_creations_message_is_refused(database: Database) -> None:
    one, promotion = created(await kept_assigned(database))
    other, _ = created(assigned())

    async def smuggle(tx: AsyncConnection) -> None:
        await write_creation(tx, one, promotion)
        await outbox.add(tx, [JobCreated.model_validate(hand_off(other.history))])

    await refused_by(NOT_BY_CREATE_JOB, database, smuggle)


async def test_guardrail_1_a_savepoint_does_not_do(database: Database) -> None:
    """Redrives decide under a savepoint: so no dead letter, whatever is in it, ends in a Job."""
    one, promotion = created(await kept_assigned(database))

    async def under_a_savepoint(tx: AsyncConnection) -> None:
        async with tx.begin_nested():
            await write_creation(tx, one, promotion)
        await outbox.add(tx, [JobCreated.model_validate(hand_off(one.history))])

    await refused_by(NOT_BY_CREATE_JOB, database, under_a_savepoint)


async def test_guardrail_1_a_task_has_one_creation_and_stays_promoted(database: Database) -> None:
    task_before = await kept_assigned(database)
    one, promotion = created(task_before)
    _, again = created(task_before)
    async with database.begin() as tx:
        await write_creation(tx, one, promotion)

    async def second(tx: AsyncConnection) -> None:
        job = again.body.job
        row = {"digest": again.creation.digest, "task_id": one.task_id, "job_id": job.job_id, "job": "{}"}
        await tx.execute(insert(preparation).values(**row, prepared_by=job.prepared_by, expires_at=NOW))
        creation = replace(again.creation, event_id=promotion.creation.event_id)
        await jobs.insert_creation(tx, one.task_id, creation)

    await refused_by("job_creation_pkey", database, second)
    back = update(task).where(task.c.task_id == one.task_id).values(state="assigned")
    await refused_by("job_creation_task_id_task_state_fkey", database, lambda tx: tx.execute(back))


@pytest.mark.parametrize(
    ("changes", "constraint"),
    [
        pytest.param({"actor": "client:acme"}, "job_creation_by_a_person", id="a machine"),
        pytest.param({"actor": "service:governance"}, "job_creation_by_a_person", id="the service itself"),
        pytest.param({"actor": "person:amir"}, "fkey", id="not who prepared and decided"),
        pytest.param({"command": "assign"}, "job_creation_by_command", id="another command"),
        pytest.param({"task_state": "assigned"}, "job_creation_promotes", id="a Task that is not promoted"),
        pytest.param({"digest": "0" * 64}, "fkey", id="nothing prepared"),
        pytest.param({"job_id": new_id()}, "fkey", id="another Job than prepared"),
        pytest.param({"event_id": new_id()}, "fkey", id="no decision"),
    ],
)
async def test_guardrail_1_a_creation_is_a_persons_decision_over_what_they_prepared(
    database: Database, changes: dict[str, Any], constraint: str
) -> None:
    one, promotion = created(await kept_assigned(database))

    async def invent(tx: AsyncConnection) -> None:
        async with tx.begin_nested() as attempt:
            await write_creation(tx, one, promotion)
            row = (await tx.execute(job_creation.select())).mappings().one()
            await attempt.rollback()
        job = promotion.body.job
        kept_row = {
            "digest": promotion.creation.digest,
            "task_id": one.task_id,
            "job_id": job.job_id,
            "job": "{}",
        }
        await tx.execute(insert(preparation).values(**kept_row, prepared_by=job.prepared_by, expires_at=NOW))
        await tasks.set_moved(tx, [one])
        await tx.execute(insert(job_creation).values(**{**row, **changes}))

    await refused_by(constraint, database, invent)
