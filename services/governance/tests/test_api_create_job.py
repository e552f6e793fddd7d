"""Create Job through its HTTP door: once, by people, over what they prepared."""

import asyncio
import json
from datetime import timedelta
from uuid import uuid4

import httpx
from truth_contracts.envelope import Coordinates, Received, from_kafka
from truth_contracts.jobs import FrozenJob, JobCreated
from truth_contracts.steps import arrived
from truth_contracts.topics import JOBS_CREATED
from truth_governance.domain.preparation import Preparation, digest_of
from truth_governance.store import jobs
from truth_kit.auth import Verifier
from truth_kit.database import Database
from truth_kit.fresh import utc_now
from truth_kit.lifecycle import application
from truth_kit.testing import published
from truth_local.system import System

from services.governance.tests.doors import Door, refusal, service
from services.governance.tests.making import (
    KEYS,
)


async def test_job_created_arrives_whole(door: Door, database: Database) -> None:
    task = await door.assigned()
    digest = (await door.prepare("ada", task))["digest"]
    created = (await door.create("ada", task, digest)).json()
    message = (await published(database))[-1]
    received = from_kafka(JOBS_CREATED, message, Coordinates("jobs.created", 0, 0), utc_now())
    assert isinstance(received, Received)
    assert arrived(received.body, "job_created", KEYS, every_signature=True) is None
    event = received.event
    assert isinstance(event, JobCreated)
    assert (str(event.job.job_id), str(event.event_id)) == (created["job_id"], created["event_id"])
    facts = {link.step: link.facts for link in event.chain}
    assert facts["task_assigned"] == {"operator_id": "olga"}
    assert facts["job_created"] == {"operator_id": "olga", "maturity": "live"}
    approval = json.loads(event.steps[2])
    assert (approval["actor"], approval["task_id"]) == ("person:amir", task["task_id"])


async def test_guardrail_1_ten_at_once_make_one_job(
    door: Door, database: Database, infrastructure: System
) -> None:
    """Two replicas, each with its own pool, five calls each."""
    task = await door.assigned()
    digest = (await door.prepare("ada", task))["digest"]
    other = Database(database.connection, "governance")
    async with httpx.AsyncClient(trust_env=False) as issuer:
        verifier = Verifier(infrastructure.issuer, issuer)
        replica = Door(application(service(other, infrastructure), other, verifier), infrastructure, other)
        calls = [one.create("ada", task, digest) for one in (door, replica) for _ in range(5)]
        answers = await asyncio.gather(*calls)
        await replica.close()
    await other.close()
    assert sorted(answer.status_code for answer in answers) == [200] * 9 + [201]
    assert len({answer.json()["job_id"] for answer in answers}) == 1
    assert [message.topic for message in await published(database)].count("jobs.created") == 1


async def test_guardrail_1_ten_at_once_with_ten_digests_make_one_job(door: Door, database: Database) -> None:
    task = await door.assigned()
    who = ["ada", "amir", "olga"] * 3 + ["ada"]
    digests = [(await door.prepare(name, task))["digest"] for name in who]
    calls = [door.create(name, task, digest) for name, digest in zip(who, digests, strict=True)]
    answers = await asyncio.gather(*calls)
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 9
    (job_id,) = [answer.json()["job_id"] for answer in answers if answer.status_code == 201]
    for answer in answers:
        if answer.status_code == 409:
            assert answer.json()["code"] == "job_exists"
            assert job_id in answer.text
    assert [message.topic for message in await published(database)].count("jobs.created") == 1


async def test_guardrail_1_the_same_digest_gives_the_same_job_later(door: Door) -> None:
    task = await door.assigned()
    digest = (await door.prepare("ada", task))["digest"]
    first, second = await door.create("ada", task, digest), await door.create("ada", task, digest)
    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json() == second.json()


async def test_guardrail_1_only_an_admin_or_the_assigned_operator_creates(door: Door) -> None:
    task = await door.assigned()
    digest = (await door.prepare("ada", task))["digest"]
    refusals = {
        "acme": "people_only",
        "console": "people_only",
        "rita": "role_missing",
        "vera": "role_missing",
        "paul": "role_missing",
        "otto": "not_assigned",
    }
    for who, code in refusals.items():
        assert refusal(await door.command(who, task, "job/prepare")) == (403, code)
        assert refusal(await door.create(who, task, digest)) == (403, code)


async def test_guardrail_1_only_who_prepared_creates(door: Door) -> None:
    task = await door.assigned()
    digest = (await door.prepare("ada", task))["digest"]
    assert refusal(await door.create("amir", task, digest)) == (409, "digest_unknown")
    assert refusal(await door.create("olga", task, digest)) == (409, "digest_unknown")
    other = await door.assigned()
    assert refusal(await door.create("ada", other, digest)) == (409, "digest_unknown")


async def test_guardrail_1_an_old_digest_is_refused(door: Door) -> None:
    task = await door.assigned()
    digest = (await door.prepare("ada", task))["digest"]
    await door.done("ada", "PUT", "/api/operators/otto", {"name": "Otto", "active": True})
    await door.command("ada", task, "assign", operator_id="otto")
    assert refusal(await door.create("ada", task, digest)) == (409, "version_stale")


async def test_guardrail_1_no_job_is_made_for_an_operator_who_left_since_it_was_prepared(door: Door) -> None:
    task = await door.assigned()
    digest = (await door.prepare("ada", task))["digest"]
    await door.done("ada", "PUT", "/api/operators/olga", {"name": "Olga", "active": False})
    assert refusal(await door.create("ada", task, digest)) == (422, "operator_unknown")


async def test_guardrail_1_a_prepared_job_does_not_wait_for_ever(door: Door, database: Database) -> None:
    task = await door.assigned()
    job = FrozenJob.model_validate((await door.prepare("ada", task))["job"] | {"job_id": str(uuid4())})
    long_ago = Preparation(digest_of(job), job, utc_now() - timedelta(seconds=1))
    async with database.begin() as tx:
        await jobs.insert_preparation(tx, long_ago)
    assert refusal(await door.create("ada", task, long_ago.digest)) == (409, "preparation_expired")


async def test_guardrail_1_no_command_is_a_get(door: Door) -> None:
    task = await door.open()
    for path in ("job", "job/prepare", "approve", "decline", "ask", "assign"):
        for method in ("GET", "HEAD", "PUT", "PATCH", "DELETE"):
            answer = await door.ask("ada", method, f"/api/tasks/{task['task_id']}/{path}")
            assert answer.status_code == 405, (method, path)


async def test_guardrail_1_a_task_that_is_not_assigned_cannot_become_a_job(door: Door) -> None:
    task = await door.open()
    assert refusal(await door.command("ada", task, "job/prepare")) == (409, "move_forbidden")
    assert refusal(await door.create("ada", task, "0" * 64)) == (409, "move_forbidden")
    assert refusal(await door.create("ada", {"task_id": uuid4()}, "0" * 64)) == (404, "task_unknown")
