"""Review, the queue and operators through the HTTP door, with tokens of the local issuer."""

import asyncio
from uuid import uuid4

import pytest
from truth_kit.database import Database
from truth_kit.testing import published

from services.governance.tests.doors import Answer, Door, refusal
from services.governance.tests.making import (
    answered,
    job_changed,
    service_event_changed,
)


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
