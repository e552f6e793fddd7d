"""What operators and their colleagues see: the intake page, refused messages, surfaces; over HTTP, on a real PostgreSQL."""

import json
import re
from uuid import uuid4

import pytest
from truth_kit.database import Database
from truth_kit.fresh import new_id
from truth_kit.subscribe import decide
from truth_kit.testing import arrival

from services.intake.tests.builders import NOW, asked, published_request, task_changed
from services.intake.tests.conftest import As, In
from services.intake.tests.filling import request_id_of, send
from services.intake.tests.http_door import ROUTES, accepted, answers, post, tell


async def test_a4_the_same_request_by_four_doors_differs_in_source_only(
    browser: In, as_: As, database: Database
) -> None:
    members = asked(details=[], wanted_by=None)
    words = {"summary": members["summary"], "description": members["description"], "place": members["place"]}
    words |= {"requester.name": "Rita Ramos", "requester.contact": "rita@example.org"}
    await send(browser(), **words)
    await send(browser("olga", "operator"), "/intakes/new", surface="kitchen-repairs", **words)
    await post(as_("acme"), members)
    message = published_request(members | {"request_key": "by-kafka"}, source="/upstreams/other")
    await decide(database, "intake", ROUTES, [arrival(message)], NOW)
    bodies = [json.loads(event.steps[0]) for event in await accepted(database)]
    own = {
        "request_id",
        "event_id",
        "at",
        "salt",
        "actor",
        "source",
        "door",
        "received_sha256",
        "request_key",
    }
    assert {body["door"] for body in bodies} == {"form", "intake-page", "api", "kafka"}
    asked_for = [{name: body[name] for name in body if name not in own} for body in bodies]
    assert asked_for == [asked_for[0]] * 4
    page = (await browser("olga", "operator").get("/intakes")).text
    assert all(
        f'<span class="chip">{door}</span>' in page for door in ("web form", "intake page", "API", "Kafka")
    )
    assert "claims to be /upstreams/other" in page


async def test_who_enters_for_a_caller_is_told_apart_from_the_caller(browser: In, database: Database) -> None:
    await send(browser("olga", "operator"), "/intakes/new", surface="kitchen-repairs")
    (event,) = await accepted(database)
    request = json.loads(event.steps[0])
    assert (request["source"], request["door"], request["actor"]) == (
        "/intake-page",
        "intake-page",
        "person:olga",
    )
    assert request["requester"] == {"name": "Rita Ramos", "contact": None, "subject": None}


@pytest.mark.parametrize("query", ["reference", "id", "key"])
async def test_an_intake_is_found_by_what_people_say(
    browser: In, as_: As, database: Database, query: str
) -> None:
    await post(as_("acme"), asked(request_key="order-4711", summary="The one"))
    request_id = await request_id_of(database)
    await post(as_("acme"), asked(summary="Another"))
    said = {"reference": f"R-{request_id.hex[-8:]}", "id": str(request_id), "key": "order-4711"}
    page = (await browser("vera", "auditor").get("/intakes", params={"q": said[query]})).text
    assert "The one" in page
    assert "Another" not in page


async def test_what_is_not_found_offers_to_clear_the_filter(browser: In) -> None:
    assert 'href="/intakes">Clear' in (await browser("vera", "auditor").get("/intakes?q=zzz")).text
    assert "No Intakes yet." in (await browser("vera", "auditor").get("/intakes")).text


async def test_an_intake_shows_what_was_asked_and_what_is_like_it(
    browser: In, as_: As, database: Database
) -> None:
    await post(as_("acme"), asked())
    first = await request_id_of(database)
    await post(as_("acme"), asked(requester={"name": "Somebody else"}))
    await post(
        as_("acme"), asked(summary="Roof leaks", requester={"name": "Rob", "contact": "rob@example.org"})
    )
    page = (await browser("olga", "operator").get(f"/intakes/{first}")).text
    assert "All night long." in page
    assert "ML-12-2" in page
    assert "Possibly asked for before" in page
    assert "Somebody else" in page
    assert "Roof leaks" not in page


async def test_an_operator_answers_for_a_caller(browser: In, as_: As, database: Database) -> None:
    await post(as_("acme"), asked())
    request_id = await request_id_of(database)
    await tell(database, task_changed(request_id, 1, "info_requested", "Which tap?"))
    sent = await browser("olga", "operator").post(
        f"/intakes/{request_id}/answer", data={"version": "1", "answer": "Left."}
    )
    assert sent.status_code == 303
    (told,) = await answers(database)
    assert told.actor == "person:olga"


async def test_an_auditor_sees_the_question_and_nothing_to_press(
    browser: In, as_: As, database: Database
) -> None:
    await post(as_("acme"), asked())
    request_id = await request_id_of(database)
    await tell(database, task_changed(request_id, 1, "info_requested", "Which tap?"))
    for path in ("/intakes", f"/intakes/{request_id}"):
        page = (await browser("vera", "auditor").get(path)).text
        assert re.findall(r'method="post" action="([^"]+)"', page) == ["/sign-out"]
        assert "/intakes/new" not in page
    assert "Which tap?" in page


ADDRESSES = {
    ("GET", "/intakes"): {"operator", "admin", "auditor"},
    ("GET", f"/intakes/{new_id()}"): {"operator", "admin", "auditor"},
    ("GET", "/intakes/new"): {"operator", "admin"},
    ("POST", "/intakes/new"): {"operator", "admin"},
    ("POST", f"/intakes/{uuid4()}/answer"): {"operator", "admin"},
    ("GET", "/refused"): {"operator", "admin", "ops"},
    ("GET", "/surfaces"): {"requester", "operator", "admin", "ops", "auditor"},
}


@pytest.mark.parametrize("role", ["requester", "operator", "admin", "ops", "auditor"])
async def test_each_page_is_for_its_roles(browser: In, role: str) -> None:
    client = browser("somebody", role)
    for (method, path), roles in ADDRESSES.items():
        answer = await client.request(method, path, data={} if method == "POST" else None)
        assert (answer.status_code == 403) == (role not in roles), (method, path)


async def test_strangers_are_sent_to_sign_in_and_tokens_open_no_page(browser: In, as_: As) -> None:
    for method, path in ADDRESSES:
        answer = await browser().request(method, path, data={} if method == "POST" else None)
        assert answer.status_code == (303 if method == "GET" else 401), path
    assert (await as_("olga").get("/intakes")).status_code == 401
    assert (await browser("olga", "operator").get("/api/intakes")).status_code == 401


async def test_refused_messages_say_why_and_never_what_was_sent(browser: In, database: Database) -> None:
    message = published_request(asked(summary="", place="a secret place"))
    await decide(database, "intake", ROUTES, [arrival(message)], NOW)
    page = (await browser("paul", "ops").get("/refused")).text
    assert "body_invalid" in page
    assert "summary" in page
    assert "/upstreams/acme" in page
    assert "a secret place" not in page


async def test_surfaces_are_listed_with_their_maturity(browser: In) -> None:
    page = (await browser("rita", "requester").get("/surfaces")).text
    assert 'href="/request/kitchen-repairs"' in page
    assert 'href="/request/garden-care"' not in page
    assert re.findall(r'class="chip \w+">(\w+)<', page) == ["planned", "live", "partial"]
