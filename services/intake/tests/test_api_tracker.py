"""The tracker and the answers of requesters over HTTP."""

import asyncio
from typing import Any
from uuid import UUID

import httpx
import pytest
from truth_contracts.ids import RequestId
from truth_kit.database import Database

from services.intake.tests import builders
from services.intake.tests.builders import asked
from services.intake.tests.conftest import As
from services.intake.tests.http_door import answers, post, problem, tell


@pytest.fixture
async def tracked(as_: As) -> tuple[str, str]:
    """Request id and token of a new Intake."""
    receipt = (await post(as_("acme"), asked())).json()
    return receipt["request_id"], receipt["tracker_token"]


async def test_the_tracker_follows_the_eight_steps(
    as_: As, database: Database, tracked: tuple[str, str]
) -> None:
    request_id, token = tracked
    one = RequestId(UUID(request_id))
    nobody = as_(None)

    async def steps() -> dict[str, str]:
        answer = (await nobody.get(f"/api/track/{token}")).json()
        return {step["step"]: step["state"] for step in answer["steps"]}

    assert list((await steps()).values()) == ["received", "accepted"] + ["none"] * 6
    await tell(database, builders.task_changed(one, 4, "promoted"), builders.job_changed(one, 1, "queued"))
    await tell(database, builders.service_event_changed(one, 3, "completed"), builders.record_sealed(one))
    answer = (await nobody.get(f"/api/track/{token}")).json()
    assert (answer["note"], answer["maturity"]) == ("No Signal so far; none is promised.", "live")
    await tell(database, builders.signal_emitted(one))
    answer = (await nobody.get(f"/api/track/{token}")).json()
    assert all(step["at"] for step in answer["steps"])
    assert answer["note"] is None
    assert (answer["request_id"], answer["title"]) == (request_id, "Kitchen repairs")
    assert answer["reference"] == f"R-{request_id[-8:]}"


async def test_the_tracker_shows_the_reason_of_a_decline(
    as_: As, database: Database, tracked: tuple[str, str]
) -> None:
    one = RequestId(UUID(tracked[0]))
    await tell(database, builders.task_changed(one, 2, "declined", "We do no boats."))
    answer = (await as_(None).get(f"/api/track/{tracked[1]}")).json()
    assert (answer["decline_reason"], answer["question"]) == ("We do no boats.", None)


@pytest.mark.parametrize("token", ["x", "A" * 22, "a%00b", "%F0%9F%98%80"])
async def test_a_wrong_link_shows_nothing(as_: As, tracked: tuple[str, str], token: str) -> None:
    assert tracked[1] != token
    assert problem(await as_("ada").get(f"/api/track/{token}"))[:2] == (404, "request_unknown")
    answer = await as_("ada").post(f"/api/track/{token}/answer", json={"answer": "Left."})
    assert problem(answer)[:2] == (404, "request_unknown")


async def test_a_question_is_answered_once(as_: As, database: Database, tracked: tuple[str, str]) -> None:
    one, path = RequestId(UUID(tracked[0])), f"/api/track/{tracked[1]}"
    nobody = as_(None)

    async def answer(words: str, **more: Any) -> httpx.Response:
        return await nobody.post(f"{path}/answer", json={"answer": words, **more})

    assert problem(await answer("Left."))[:2] == (409, "nothing_asked")
    await tell(database, builders.task_changed(one, 2, "info_requested", "Which tap?"))
    seen = (await nobody.get(path)).json()
    assert (seen["question"], seen["question_version"]) == ("Which tap?", 2)
    assert problem(await answer("Left.", question_version=1))[:2] == (409, "version_stale")
    first, again, other = await answer("Left."), await answer("Left."), await answer("Right.")
    assert first.json() == again.json()
    assert (first.status_code, first.json()["question_version"]) == (200, 2)
    assert problem(other)[:2] == (409, "nothing_asked")
    assert other.json()["current"]["answered_by"] == "anonymous"
    await tell(database, builders.task_changed(one, 3, "pending_review"))
    assert (await answer("Left.")).json() == first.json()
    await tell(database, builders.task_changed(one, 4, "info_requested", "Which floor?"))
    assert (await answer("Left.")).json()["question_version"] == 4
    told = await answers(database)
    assert [(event.question_version, event.answer, event.actor) for event in told] == [
        (2, "Left.", "anonymous"),
        (4, "Left.", "anonymous"),
    ]


async def test_ten_answers_at_once_are_one(as_: As, database: Database, tracked: tuple[str, str]) -> None:
    one = RequestId(UUID(tracked[0]))
    await tell(database, builders.task_changed(one, 2, "info_requested", "Which tap?"))
    nobody, path = as_(None), f"/api/track/{tracked[1]}/answer"
    tries = await asyncio.gather(*(nobody.post(path, json={"answer": f"Tap {n % 2}"}) for n in range(10)))
    statuses = [answer.status_code for answer in tries]
    assert (statuses.count(200), statuses.count(409)) == (5, 5)
    assert len(await answers(database)) == 1


@pytest.mark.parametrize(
    "body",
    [
        {"answer": ""},
        {"answer": "a\0b"},
        {"answer": "a" * 4001},
        {},
        {"answer": "a", "more": 1},
        {"answer": 1},
    ],
)
async def test_a_bad_answer_is_422(as_: As, tracked: tuple[str, str], body: dict[str, Any]) -> None:
    answer = await as_(None).post(f"/api/track/{tracked[1]}/answer", json=body)
    assert problem(answer)[:2] == (422, "body_malformed")


async def test_a_lone_surrogate_in_an_answer_is_422(as_: As, tracked: tuple[str, str]) -> None:
    answer = await as_(None).post(
        f"/api/track/{tracked[1]}/answer",
        content=b'{"answer": "\\ud800"}',
        headers={"content-type": "application/json"},
    )
    assert answer.status_code == 422


@pytest.mark.parametrize(
    ("name", "status"),
    [("acme", 200), ("olga", 200), ("ada", 200), ("rita", 404), ("vera", 404), ("console", 404), (None, 401)],
)
async def test_who_may_answer_by_id(
    as_: As, database: Database, tracked: tuple[str, str], name: str | None, status: int
) -> None:
    one = RequestId(UUID(tracked[0]))
    await tell(database, builders.task_changed(one, 2, "info_requested", "Which tap?"))
    answer = await as_(name).post(f"/api/intakes/{tracked[0]}/answer", json={"answer": "Left."})
    assert answer.status_code == status
    told = await answers(database)
    assert [event.actor for event in told] == (
        [] if status != 200 else ["client:acme" if name == "acme" else f"person:{name}"]
    )
