"""jobs.created in, jobs.changed out, on a real PostgreSQL."""

import json
from typing import Any

import pytest
from truth_contracts.envelope import Message, to_kafka
from truth_contracts.jobs import JobCreated
from truth_execution.consumer import routes
from truth_execution.store.listing import list_jobs
from truth_execution.store.work import find_work
from truth_kit.database import Database
from truth_kit.dead_letters.store import list_letters
from truth_kit.subscribe import Arrival, Decided, decide
from truth_kit.testing import arrival, published
from truth_sealing.keys import FileSigner
from truth_sealing.steps import hand_off, seal_step

from services.execution.tests.making import KEYS, NOW, SIGNERS, job_created, path, queued


async def take(database: Database, *arrivals: Arrival) -> Decided:
    return await decide(database, "execution", routes(KEYS), arrivals, NOW)


async def codes(database: Database) -> list[tuple[str, str]]:
    async with database.connect() as conn:
        letters = await list_letters(conn, state="open", before=None, limit=10)
    return [(letter.code, letter.detail) for letter in letters]


async def count(database: Database) -> int:
    async with database.connect() as conn:
        return len(await list_jobs(conn, operator_id=None, request_id=None, limit=10))


def changed(event: JobCreated, **members: Any) -> Message:
    """The event with other members than were signed."""
    message = to_kafka(event)
    body = json.loads(message.value or b"") | members
    return Message(message.topic, message.key, json.dumps(body).encode(), message.headers)


async def test_a_created_job_is_queued_once_however_often_it_comes(database: Database) -> None:
    history = path()
    event = job_created(history)
    decided = await take(database, arrival(event), arrival(event, offset=1))
    assert (decided.acted_on, decided.refused, decided.repeated) == (1, 0, 1)
    assert (await take(database, arrival(event, offset=2))).repeated == 1
    async with database.connect() as conn:
        found = await find_work(conn, event.job.job_id)
    assert found == queued(history)
    (told,) = await published(database)
    body = json.loads(told.value or b"")
    assert (told.topic, body["state"], body["version"], body["id"]) == (
        "jobs.changed",
        "queued",
        1,
        str(event.job.job_id),
    )


async def test_jobs_of_one_batch_are_all_queued(database: Database) -> None:
    decided = await take(database, *(arrival(job_created(), offset=n) for n in range(5)))
    assert decided.acted_on == await count(database) == 5


async def test_a_field_of_a_newer_minor_version_does_not_break_the_path(database: Database) -> None:
    history = path()
    members = hand_off(history)
    job = members["job"]
    assert isinstance(job, dict)
    # Signed with a member that this release does not know: it is digested as received, then dropped.
    newer = {**members, "job": {**job, "priority": "high"}}
    body = {name: value for name, value in newer.items() if name not in ("steps", "chain")}
    resealed = seal_step(body, history.until("task_assigned"), SIGNERS["governance"])
    event = job_created(history)
    message = changed(event, **hand_off(resealed))
    assert (await take(database, arrival(message))).acted_on == 1


@pytest.mark.parametrize("same", ["task_id", "job_id"])
async def test_guardrail_1_a_second_job_for_a_task_is_a_dead_letter(database: Database, same: str) -> None:
    first = job_created()
    task_id = first.job.task_id
    of_task = {"task_approved": {"task_id": task_id}, "task_assigned": {"task_id": task_id}}
    steps = of_task if same == "task_id" else None
    second = job_created(path(steps, job={same: getattr(first.job, same)}))
    decided = await take(database, arrival(first), arrival(second, offset=1))
    assert (decided.acted_on, decided.refused) == (1, 1)
    assert [code for code, _ in await codes(database)] == ["job_exists"]
    third = job_created(path(steps, job={same: getattr(first.job, same)}))
    assert (await take(database, arrival(third, offset=2))).refused == 1
    assert await count(database) == 1


@pytest.mark.parametrize("step", ["request", "intake", "task_approved", "task_assigned", "job_created"])
async def test_guardrail_2_all_five_steps_must_be_signed_by_their_owners(
    database: Database, step: str
) -> None:
    event = job_created()
    chain = json.loads(event.model_dump_json())["chain"]
    link = next(link for link in chain if link["step"] == step)
    link["sig"] = "A" * 86 + "=="
    await take(database, arrival(changed(event, chain=chain)))
    ((code, detail),) = await codes(database)
    assert (code, f"signature: {step}" in detail) == ("chain_broken", True)
    assert await count(database) == 0


async def test_guardrail_2_a_key_that_nobody_published_signs_nothing(database: Database) -> None:
    own = SIGNERS["governance"]
    SIGNERS["governance"] = FileSigner.generate("governance")
    try:
        forged = job_created()
    finally:
        SIGNERS["governance"] = own
    await take(database, arrival(forged))
    assert [code for code, _ in await codes(database)] == ["chain_broken"]
    assert await count(database) == 0


async def test_guardrail_2_a_job_that_differs_from_its_path_is_a_dead_letter(database: Database) -> None:
    await take(database, arrival(job_created(path(job={"operator_id": "otto"}))))
    ((code, detail),) = await codes(database)
    assert (code, "operator_id" in detail) == ("chain_broken", True)
    (told,) = await published(database)
    assert told.topic == "execution.dead-letters"
    assert dict(told.headers)["dl_reason"] == b"chain_broken"


async def test_one_bad_job_does_not_stop_the_others(database: Database) -> None:
    planned = job_created(path({"intake": {"maturity": "planned"}}, job={"maturity": "planned"}))
    broken = Message("jobs.created", b"k", b"{", ())
    decided = await take(
        database,
        arrival(job_created()),
        arrival(planned, offset=1),
        arrival(broken, offset=2),
        arrival(job_created(), offset=3),
    )
    assert (decided.acted_on, decided.refused) == (2, 2)
    assert sorted(code for code, _ in await codes(database)) == ["envelope_invalid", "surface_planned"]
