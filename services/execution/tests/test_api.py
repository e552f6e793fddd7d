"""The Desk over HTTP: real application, real database, tokens of the local issuer."""

import asyncio
import json
from typing import Any
from uuid import uuid4

import httpx
import pytest
from truth_contracts.envelope import Coordinates, from_kafka
from truth_contracts.refusals import Refusal
from truth_contracts.steps import arrived
from truth_contracts.topics import SERVICE_EVENTS_COMPLETED
from truth_kit.database import Database
from truth_kit.testing import published

from services.execution.tests.calling import Answer, As, done, queue, refused, told, uploaded, worked
from services.execution.tests.making import KEYS, NOW, photo


async def test_a_job_is_worked_from_the_desk_to_its_completion(
    who: As, job_id: str, database: Database
) -> None:
    olga = who("olga")
    (listed,) = (await olga.get("/api/desk")).json()["assigned"]
    assert (listed["job_id"], listed["state"], listed["service_event"]) == (job_id, "queued", None)
    assert (await done(olga, job_id, "claim"))["service_event"] is None
    answer = await done(olga, job_id, "start")
    assert (answer["job_state"], answer["job_version"]) == ("claimed", 2)
    assert (answer["service_event"]["state"], answer["notice"]) == ("started", None)
    for color, stage in (("red", "inspect"), ("blue", "repair")):
        sha256 = await uploaded(olga, photo(color))
        answer = await done(olga, job_id, "evidence", sha256=sha256, stage=stage, origin="captured")
        assert answer["service_event"]["state"] == "in_progress"
    desk = (await olga.get("/api/desk")).json()
    assert [len(desk[name]) for name in ("assigned", "in_progress", "done")] == [0, 1, 0]
    answer = await done(olga, job_id, "complete", outcome="fulfilled")
    assert (answer["job_state"], answer["service_event"]["state"]) == ("closed", "completed")
    desk = (await olga.get("/api/desk")).json()
    assert [len(desk[name]) for name in ("assigned", "in_progress", "done")] == [0, 0, 1]

    messages = await published(database)
    assert [message.topic for message in messages] == [
        "jobs.changed", "jobs.changed", "service-events.changed", "service-events.changed",
        "service-events.completed", "service-events.changed", "jobs.changed",
    ]  # fmt: skip
    (completed,) = [message for message in messages if message.topic == "service-events.completed"]
    place = Coordinates("service-events.completed", 0, 0)
    received = from_kafka(SERVICE_EVENTS_COMPLETED, completed, place, NOW)
    assert not isinstance(received, Refusal)
    assert arrived(received.body, "service_event_completed", KEYS, every_signature=True) is None
    states = [
        (json.loads(message.value or b"")["state"], json.loads(message.value or b"")["version"])
        for message in messages
        if message.topic == "service-events.changed"
    ]
    assert states == [("started", 1), ("in_progress", 2), ("completed", 3)]
    for message in messages:
        if message.topic.endswith("changed"):  # watchers are told no more than states
            members = set(json.loads(message.value or b""))
            assert members == {"type", "event_id", "at", "actor", "request_id", "id", "version", "state"}


async def test_a_job_shows_its_frozen_context_and_both_states(who: As, job_id: str) -> None:
    olga = who("olga")
    shown = (await olga.get(f"/api/jobs/{job_id}")).json()
    assert (shown["state"], shown["service_event"], shown["maturity"]) == ("queued", None, "live")
    assert shown["request"]["requester"]["contact"] == "rita@example.org"
    assert shown["request"]["details"] == [{"name": "Floor", "value": "3"}]
    assert [stage["name"] for stage in shown["stages"]] == ["inspect", "repair", "hand-over"]
    await worked(olga, job_id)
    shown = (await who("vera").get(f"/api/jobs/{job_id}")).json()
    one = shown["service_event"]
    assert (shown["state"], one["state"], one["evidence_missing"]) == ("claimed", "in_progress", [])
    assert [note["text"] for note in one["notes"]] == ["Washer replaced."]
    assert [piece["stage"] for piece in one["evidence"]] == ["inspect", "repair"]
    assert [stage["name"] for stage in one["stages"]] == ["hand-over"]
    assert one["evidence"][0]["media_type"] == "image/jpeg"


async def test_guardrail_5_completion_is_not_settlement(who: As, job_id: str) -> None:
    olga = who("olga")
    await worked(olga, job_id)
    answer = await done(olga, job_id, "complete", outcome="fulfilled")
    shown = (await olga.get(f"/api/jobs/{job_id}")).json()
    assert "not settled" in answer["notice"] == shown["notice"]
    document = json.dumps((await olga.get("/openapi.json")).json()["paths"]).lower()
    for word in ("paid", "billed", "invoice", "settled"):
        assert word not in document
        assert word == "settled" or word not in json.dumps(answer)


@pytest.mark.parametrize("what", ["claim", "hand-back", "start", "stage", "note", "evidence", "complete"])
async def test_only_the_assigned_person_gives_commands(who: As, job_id: str, what: str) -> None:
    facts = {"reason": "No.", "name": "inspect", "text": "Done.", "outcome": "not_fulfilled"}
    own = {"hand-back": ["reason"], "stage": ["name"], "note": ["text"], "complete": ["outcome"]}
    body: Answer = {name: facts[name] for name in own.get(what, [])}
    if what == "evidence":
        body = {"sha256": "a" * 64, "origin": "captured"}
    for name, code in {
        "otto": "not_assigned", "acme": "people_only", "ada": "role_missing", "rita": "role_missing",
        "vera": "role_missing", "paul": "role_missing",
    }.items():  # fmt: skip
        assert refused(await told(who(name), job_id, what, **body)) == (403, code)
    missing = await told(who("olga"), str(uuid4()), what, **body)
    assert refused(missing) == (404, "job_unknown")


async def test_who_may_read(who: As, job_id: str, door: httpx.ASGITransport) -> None:
    expected = {"olga": (200, 1), "otto": (403, 0), "vera": (200, 1), "ada": (403, 1), "paul": (403, 1)}
    for name, (status, count) in expected.items():
        assert (await who(name).get(f"/api/jobs/{job_id}")).status_code == status
        assert len((await who(name).get("/api/jobs")).json()["jobs"]) == count
    assert refused(await who("rita").get("/api/jobs")) == (403, "role_missing")
    assert refused(await who("vera").get("/api/desk")) == (403, "role_missing")
    assert refused(await who("vera").get(f"/api/jobs/{uuid4()}")) == (404, "job_unknown")
    async with httpx.AsyncClient(transport=door, base_url="http://truth") as stranger:
        assert refused(await stranger.get(f"/api/jobs/{job_id}")) == (401, "token_missing")


async def test_of_two_devices_one_claims_and_the_other_is_told_who_and_when(who: As, job_id: str) -> None:
    answers = await asyncio.gather(*(told(who("olga"), job_id, "claim") for _ in range(5)))
    won = [answer for answer in answers if answer.status_code == 200]
    lost = [answer for answer in answers if answer.status_code != 200]
    assert (len(won), len(lost)) == (1, 4)
    for answer in lost:
        assert refused(answer) == (409, "move_forbidden")
        body = answer.json()
        assert body["current"]["changed_by"] == "person:olga"
        assert won[0].json()["at"] in body["detail"]
        assert body["current"]["job_state"] == "claimed"


async def test_the_same_command_again_gets_the_first_answer_whatever_happened_since(
    who: As, job_id: str, database: Database
) -> None:
    olga = who("olga")
    command = {"command_id": str(uuid4())}
    answers = await asyncio.gather(*(olga.post(f"/api/jobs/{job_id}/claim", json=command) for _ in range(5)))
    await done(olga, job_id, "hand-back", reason="Wrong tools.")
    answers.append(await olga.post(f"/api/jobs/{job_id}/claim", json=command))
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.text for answer in answers}) == 1
    assert (await olga.get(f"/api/jobs/{job_id}")).json()["state"] == "queued"
    assert len([m for m in await published(database) if m.topic == "jobs.changed"]) == 3


async def test_a_command_id_is_for_one_command(who: As, job_id: str, database: Database) -> None:
    olga, otto = who("olga"), who("otto")
    other = await queue(database, 1)
    of_otto = await queue(database, 2, operator_id="otto")
    command = {"command_id": str(uuid4())}
    await done(olga, job_id, "claim", **command)
    reused = [
        await told(olga, job_id, "claim", **command, device_at="2026-11-24T12:00:00Z"),
        await told(olga, job_id, "start", **command),
        await told(olga, other, "claim", **command),
        await told(otto, of_otto, "claim", **command),
    ]
    assert [refused(answer) for answer in reused] == [(409, "command_reused")] * 4
    assert refused(await told(otto, job_id, "claim", **command)) == (403, "not_assigned")
    for untouched in (other, of_otto):
        shown = (await who("vera").get(f"/api/jobs/{untouched}")).json()
        assert (shown["state"], shown["version"]) == ("queued", 1)


async def test_a_refused_command_may_be_given_again_when_it_is_possible(who: As, job_id: str) -> None:
    olga, command = who("olga"), {"command_id": str(uuid4())}
    assert refused(await told(olga, job_id, "start", **command)) == (409, "move_forbidden")
    await done(olga, job_id, "claim")
    await done(olga, job_id, "start", **command)


async def test_three_completions_at_once_are_one(who: As, job_id: str, database: Database) -> None:
    olga = who("olga")
    await worked(olga, job_id)
    same = {"command_id": str(uuid4()), "outcome": "fulfilled"}
    answers = await asyncio.gather(
        *(told(olga, job_id, "complete", **same) for _ in range(3)),
        told(olga, job_id, "complete", outcome="not_fulfilled"),
    )
    statuses = sorted(answer.status_code for answer in answers)
    assert statuses in ([200, 200, 200, 409], [200, 409, 409, 409])
    topics = [message.topic for message in await published(database)]
    assert topics.count("service-events.completed") == 1


async def test_a_hand_back_is_before_the_start_with_a_reason(who: As, job_id: str) -> None:
    olga = who("olga")
    await done(olga, job_id, "claim")
    assert refused(await told(olga, job_id, "hand-back")) == (422, "body_malformed")
    assert refused(await told(olga, job_id, "hand-back", reason="")) == (422, "body_malformed")
    await done(olga, job_id, "hand-back", reason="Wrong tools.")
    await done(olga, job_id, "claim")
    await done(olga, job_id, "start")
    late = await told(olga, job_id, "hand-back", reason="Too late.")
    assert refused(late) == (409, "service_event_exists")
    assert late.json()["current"]["service_event"]["state"] == "started"
    shown = (await olga.get(f"/api/jobs/{job_id}")).json()
    assert [given["reason"] for given in shown["hand_backs"]] == ["Wrong tools."]


async def test_fulfilled_without_its_evidence_names_the_stage(who: As, job_id: str) -> None:
    olga = who("olga")
    await done(olga, job_id, "claim")
    await done(olga, job_id, "start")
    answer = await told(olga, job_id, "complete", outcome="fulfilled")
    assert refused(answer) == (409, "evidence_missing")
    assert "inspect, repair" in answer.json()["detail"]
    with_reason = await done(olga, job_id, "complete", outcome="not_fulfilled", reason="nobody_home")
    assert with_reason["service_event"]["version"] == 2


@pytest.mark.parametrize(
    ("what", "facts"),
    [
        ("claim", {"command_id": "x"}),
        ("claim", {"when": 1}),
        ("stage", {}),
        ("note", {"text": "\x00"}),
        ("note", {"text": "x" * 4001}),
        ("note", {"text": "x", "device_at": "yesterday"}),
        ("note", {"text": "x", "device_at": "0001-01-01T00:00:00Z"}),
        ("evidence", {"sha256": "A" * 64, "origin": "captured"}),
        ("evidence", {"sha256": "a" * 64, "origin": "drawn"}),
        ("complete", {"outcome": "paid"}),
        ("complete", {"outcome": "not_fulfilled", "reason": "Nobody was home"}),
    ],
)
async def test_malformed_commands_are_refused(who: As, job_id: str, what: str, facts: dict[str, Any]) -> None:
    assert refused(await told(who("olga"), job_id, what, **facts)) == (422, "body_malformed")


async def test_a_lone_surrogate_is_no_text(who: As, job_id: str) -> None:
    body = json.dumps({"command_id": str(uuid4()), "text": "\ud800"})
    headers = {"content-type": "application/json"}
    answer = await who("olga").post(f"/api/jobs/{job_id}/note", content=body, headers=headers)
    assert refused(answer) == (422, "body_malformed")
