"""The HTTP door on a real PostgreSQL, with tokens of the local issuer."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from fastapi import FastAPI
from truth_contracts.envelope import Coordinates, Received, from_kafka
from truth_contracts.jobs import FrozenJob, JobCreated
from truth_contracts.steps import arrived
from truth_contracts.topics import JOBS_CREATED
from truth_governance import api
from truth_governance.consumer import routes
from truth_governance.domain.preparation import Preparation, digest_of
from truth_governance.store import jobs
from truth_kit.auth import Verifier
from truth_kit.connections import HttpServer, KafkaConnection
from truth_kit.database import Database
from truth_kit.fresh import utc_now
from truth_kit.lifecycle import Service, application
from truth_kit.migrations import folder
from truth_kit.subscribe import decide
from truth_kit.testing import FreshDatabase, arrival, published
from truth_local.system import System

from services.governance.tests.making import (
    GOVERNANCE,
    KEYS,
    answered,
    intake_accepted,
    job_changed,
    request_body,
    service_event_changed,
)

Answer = dict[str, Any]


@pytest.fixture
async def database(fresh_database: FreshDatabase) -> Database:
    return await fresh_database("governance", folder("truth_governance"))


def service(database: Database, issuer: str) -> Service:
    return Service(
        name="governance",
        version="0",
        http=HttpServer(port=0, public_url="http://localhost"),
        database=database.connection,
        kafka=KafkaConnection(bootstrap="nowhere:1", username="governance", password_file=Path("none")),
        issuer=issuer,
        routes=routes(KEYS),
        routers=(api.router,),
        state={"signer": GOVERNANCE},
    )


class Door:
    """Governance's HTTP side, and everybody who may knock."""

    def __init__(self, app: FastAPI, system: System, database: Database) -> None:
        self._http = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://truth")
        self._system, self._database, self._offset = system, database, 0

    async def ask(
        self, who: str, method: str, path: str, body: object = None, *, content: bytes | None = None
    ) -> httpx.Response:
        """The answer to somebody's request, its body as JSON or as it is."""
        headers = {"authorization": f"Bearer {self._system.token(who)}"} if who else {}
        headers |= {"content-type": "application/json"} if content else {}
        return await self._http.request(method, path, json=body, content=content, headers=headers)

    async def done(self, who: str, method: str, path: str, body: object = None) -> Answer:
        """The answer, which must be a success."""
        answer = await self.ask(who, method, path, body)
        assert answer.is_success, answer.text
        return answer.json()

    async def consume(self, event: Any) -> None:
        """An event from Kafka."""
        self._offset += 1
        arrived_now = [arrival(event, offset=self._offset)]
        await decide(self._database, "governance", routes(KEYS), arrived_now, utc_now())

    async def open(self, **changes: Any) -> Answer:
        """A new Task, by an Intake of just now."""
        accepted = intake_accepted(request_body(at=utc_now(), **changes))
        await self.consume(accepted)
        found = await self.done("vera", "GET", f"/api/tasks?request_id={accepted.request_id}")
        (task,) = found["tasks"]
        return task

    async def command(self, who: str, task: Answer, name: str, **members: Any) -> httpx.Response:
        """A command about the Task as `task` shows it."""
        body = {"version": task["version"], **members}
        return await self.ask(who, "POST", f"/api/tasks/{task['task_id']}/{name}", body)

    async def assigned(self, operator: str = "olga", **changes: Any) -> Answer:
        """A Task approved by Amir and assigned to an operator."""
        await self.done(
            "ada", "PUT", f"/api/operators/{operator}", {"name": operator.title(), "active": True}
        )
        task = await self.open(**changes)
        task = (await self.command("amir", task, "approve")).json()
        return (await self.command("ada", task, "assign", operator_id=operator)).json()

    async def prepare(self, who: str, task: Answer) -> Answer:
        """The frozen Job."""
        answer = await self.command(who, task, "job/prepare")
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def create(self, who: str, task: Answer, digest: str) -> httpx.Response:
        """Create Job."""
        return await self.ask(who, "POST", f"/api/tasks/{task['task_id']}/job", {"digest": digest})

    async def close(self) -> None:
        """Hang up."""
        await self._http.aclose()


@pytest.fixture
async def door(database: Database, infrastructure: System) -> AsyncIterator[Door]:
    async with httpx.AsyncClient(trust_env=False) as issuer:
        app = application(
            service(database, infrastructure.issuer), database, Verifier(infrastructure.issuer, issuer)
        )
        door = Door(app, infrastructure, database)
        yield door
        await door.close()


def refusal(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


async def test_a_task_goes_from_review_to_a_job(door: Door, database: Database) -> None:
    task = await door.open()
    approved = (await door.command("amir", task, "approve", note="Fine.")).json()
    assert (approved["state"], approved["version"], approved["actor"]) == ("approved", 2, "person:amir")
    await door.done("ada", "PUT", "/api/operators/olga", {"name": "Olga Orlova", "active": True})
    assigned_task = (await door.command("ada", approved, "assign", operator_id="olga")).json()
    prepared_job = await door.prepare("olga", assigned_task)
    assert prepared_job["job"]["operator_id"] == "olga"
    created = await door.create("olga", task, prepared_job["digest"])
    assert created.status_code == 201
    told = created.json()
    assert told["job_id"] == prepared_job["job"]["job_id"]
    assert (told["state"], told["version"], told["request_id"]) == ("promoted", 4, task["request_id"])
    topics = [message.topic for message in await published(database)]
    assert topics == ["tasks.changed"] * 4 + ["jobs.created"]


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
        replica = Door(
            application(service(other, infrastructure.issuer), other, verifier), infrastructure, other
        )
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


@pytest.mark.parametrize(
    "changes", [{"actor": "person:ada"}, {"requester": {"name": "Ada", "subject": "ada"}}]
)
async def test_guardrail_7_nobody_approves_their_own_request(door: Door, changes: Answer) -> None:
    task = await door.open(**changes)
    assert refusal(await door.command("ada", task, "approve")) == (403, "own_request")
    assert (await door.command("amir", task, "approve")).json()["state"] == "approved"


async def test_only_admins_review(door: Door) -> None:
    task = await door.open()
    commands: dict[str, Answer] = {
        "approve": {},
        "decline": {"code": "other", "reason": "No."},
        "ask": {"question": "Which?"},
        "assign": {"operator_id": "olga"},
    }
    refusals = {
        "": (401, "token_missing"),
        "acme": (403, "people_only"),
        "olga": (403, "role_missing"),
        "vera": (403, "role_missing"),
        "paul": (403, "role_missing"),
    }
    for who, expected in refusals.items():
        for name, members in commands.items():
            assert refusal(await door.command(who, task, name, **members)) == expected, (who, name)


async def test_a_stale_version_is_told_who_changed_what(door: Door) -> None:
    task = await door.open()
    await door.command("amir", task, "approve")
    late = await door.command("ada", task, "decline", code="other", reason="Too late.")
    assert refusal(late) == (409, "version_stale")
    current = late.json()["current"]
    assert (current["state"], current["version"], current["command"]) == ("approved", 2, "approve")
    assert (current["changed_by"], current["changed_by_name"]) == ("person:amir", "Amir Azadi")
    assert current["changed_at"]


async def test_the_same_command_again_gets_the_first_answer(door: Door, database: Database) -> None:
    task = await door.open()
    first = await door.command("amir", task, "approve", note="Fine.")
    again = await door.command("amir", task, "approve", note="Fine.")
    assert (again.status_code, again.json()) == (200, first.json())
    assert refusal(await door.command("amir", task, "approve", note="Other")) == (409, "version_stale")
    assert refusal(await door.command("ada", task, "approve", note="Fine.")) == (409, "version_stale")
    assert len(await published(database)) == 2


async def test_of_two_admins_at_once_one_wins(door: Door) -> None:
    task = await door.open()
    answers = await asyncio.gather(
        door.command("ada", task, "approve"),
        door.command("amir", task, "decline", code="unsafe", reason="Asbestos."),
    )
    assert sorted(answer.status_code for answer in answers) == [200, 409]


async def test_a_question_and_its_answer_are_shown(door: Door) -> None:
    task = await door.open()
    asked = (await door.command("ada", task, "ask", question="Which tap?")).json()
    assert (asked["state"], asked["version"]) == ("info_requested", 2)
    await door.consume(answered(asked["request_id"], 2))
    seen = await door.done("ada", "GET", f"/api/tasks/{task['task_id']}")
    assert (seen["state"], seen["version"]) == ("pending_review", 3)
    assert seen["questions"][0]["answer"] == "The left one."
    assert [entry["command"] for entry in seen["decisions"]] == ["open", "ask", "answer"]
    assert seen["decisions"][1]["content"] == {"question": "Which tap?"}


async def test_a_decline_needs_a_reason_and_a_duplicate_its_twin(door: Door) -> None:
    task, twin = await door.open(), await door.open()
    for body in ({}, {"code": "other"}, {"code": "other", "reason": ""}, {"code": "mood", "reason": "No."}):
        assert refusal(await door.command("ada", task, "decline", **body)) == (422, "body_malformed")
    no_twin = await door.command("ada", task, "decline", code="duplicate", reason="Twice.")
    assert refusal(no_twin) == (422, "body_malformed")
    assert no_twin.json()["fields"][0]["field"] == "body.duplicate_of"
    unknown = await door.command(
        "ada", task, "decline", code="duplicate", reason="Twice.", duplicate_of=str(uuid4())
    )
    assert refusal(unknown) == (404, "request_unknown")
    declined = await door.command(
        "ada", task, "decline", code="duplicate", reason="Twice.", duplicate_of=twin["request_id"]
    )
    assert declined.json()["state"] == "declined"
    assert refusal(await door.command("ada", declined.json(), "approve")) == (409, "move_forbidden")


async def test_a_malformed_command_is_refused(door: Door) -> None:
    task = await door.open()
    path = f"/api/tasks/{task['task_id']}/approve"
    wrong: list[Answer] = [{}, {"version": "x"}, {"version": 1, "unknown": 1}]
    wrong += [{"version": 1, "note": note} for note in ("x" * 1001, "a\0b", 1)]
    for body in wrong:
        assert refusal(await door.ask("ada", "POST", path, body)) == (422, "body_malformed"), body
    surrogate = await door.ask("ada", "POST", path, content=b'{"version": 1, "note": "\\ud800"}')
    assert refusal(surrogate) == (422, "body_malformed")
    assert refusal(await door.ask("ada", "POST", "/api/tasks/1/approve", {"version": 1}))[0] == 422


async def test_only_a_registered_active_operator_is_assigned(door: Door) -> None:
    task = await door.open()
    task = (await door.command("amir", task, "approve")).json()
    assert refusal(await door.command("ada", task, "assign", operator_id="olga")) == (422, "operator_unknown")
    await door.done("ada", "PUT", "/api/operators/olga", {"name": "Olga", "active": False})
    assert refusal(await door.command("ada", task, "assign", operator_id="olga")) == (422, "operator_unknown")
    await door.done("ada", "PUT", "/api/operators/olga", {"name": "Olga", "active": True})
    assert (await door.command("ada", task, "assign", operator_id="olga")).json()["state"] == "assigned"


async def test_operators_are_registered_by_admins_and_seen_by_staff(door: Door) -> None:
    body = {"name": "Olga Orlova", "active": True}
    for who, code in (("acme", "people_only"), ("olga", "role_missing"), ("vera", "role_missing")):
        assert refusal(await door.ask(who, "PUT", "/api/operators/olga", body)) == (403, code)
    put = await door.done("ada", "PUT", "/api/operators/olga", body)
    assert (put["subject"], put["changed_by"]) == ("olga", "person:ada")
    assert (await door.done("console", "GET", "/api/operators")) == {"operators": [put]}
    assert (await door.ask("rita", "GET", "/api/operators")).status_code == 403


async def test_the_queue_shows_an_operator_their_own_and_everybody_else_all(door: Door) -> None:
    mine, others = await door.assigned("olga"), await door.assigned("otto")
    await door.open()
    for who in ("ada", "vera", "paul", "console"):
        seen = await door.done(who, "GET", "/api/tasks")
        assert len(seen["tasks"]) == 3
        assert (seen["counts"]["assigned"], seen["counts"]["pending_review"], seen["counts"]["promoted"]) == (
            2,
            1,
            0,
        )
    seen = await door.done("olga", "GET", "/api/tasks")
    assert [task["task_id"] for task in seen["tasks"]] == [mine["task_id"]]
    assert sum(seen["counts"].values()) == 1
    assert len((await door.done("ada", "GET", "/api/tasks?state=pending_review"))["tasks"]) == 1
    assert (await door.ask("ada", "GET", "/api/tasks?state=done")).status_code == 422
    assert len((await door.done("ada", "GET", "/api/tasks?limit=1"))["tasks"]) == 1
    assert (await door.ask("rita", "GET", "/api/tasks")).status_code == 403
    assert (await door.done("olga", "GET", f"/api/tasks/{mine['task_id']}"))["operator_name"] == "Olga"
    assert refusal(await door.ask("olga", "GET", f"/api/tasks/{others['task_id']}")) == (403, "not_assigned")
    assert refusal(await door.ask("ada", "GET", f"/api/tasks/{uuid4()}")) == (404, "task_unknown")


async def test_a_task_shows_its_request_and_what_execution_tells(door: Door) -> None:
    task = await door.assigned()
    digest = (await door.prepare("ada", task))["digest"]
    before = await door.done("ada", "GET", f"/api/tasks/{task['task_id']}")
    assert (before["created"], before["job"], before["service_event"]) == (None, None, None)
    assert before["request"]["summary"] == "The tap drips"
    assert "salt" not in before["request"]
    created = (await door.create("ada", task, digest)).json()
    await door.consume(job_changed(task["request_id"], 1, "queued", id=created["job_id"]))
    await door.consume(service_event_changed(task["request_id"], 1, "started"))
    seen = await door.done("vera", "GET", f"/api/tasks/{task['task_id']}")
    assert (seen["state"], seen["job"]["state"], seen["service_event"]["state"]) == (
        "promoted",
        "queued",
        "started",
    )
    assert seen["created"]["job_id"] == seen["job"]["job_id"] == created["job_id"]
    assert seen["created"]["actor"] == "person:ada"
    assert [entry["command"] for entry in seen["decisions"]] == ["open", "approve", "assign", "create_job"]
