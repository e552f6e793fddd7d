"""Submitting and reading over HTTP, on a real PostgreSQL, with tokens of the local issuer."""

import asyncio
import hashlib
import json
from collections.abc import Awaitable
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import text
from truth_kit.database import Database
from truth_kit.subscribe import decide
from truth_kit.testing import arrival, published
from truth_sealing.canonical import sha256_hex

from services.intake.tests.builders import NOW, SOURCE, asked, published_request
from services.intake.tests.conftest import As
from services.intake.tests.http_door import ROUTES, accepted, post, problem

LIVE: dict[str, Any] = {
    "title": "Window repairs",
    "maturity": "live",
    "stages": [{"name": "inspect", "evidence_required": True}],
}


# Submitting


async def test_a_new_request_is_201_with_a_tracker_and_its_repeat_200_without(
    as_: As, database: Database
) -> None:
    acme, members = as_("acme"), asked()
    first, second = await post(acme, members), await post(acme, members)
    assert (first.status_code, second.status_code) == (201, 200)
    token = first.json().pop("tracker_token")
    assert len(token) == 22
    assert second.json() == {n: v for n, v in first.json().items() if n != "tracker_token"}
    (event,) = await accepted(database)
    assert str(event.request_id) == first.json()["request_id"]
    async with database.connect() as conn:
        kept = (await conn.execute(text("SELECT tracker_sha256 FROM truth.intake"))).scalar_one()
    assert kept == hashlib.sha256(token.encode()).digest()


async def test_the_digest_is_that_of_the_bytes_as_received(as_: As, database: Database) -> None:
    octets = json.dumps(asked(), indent=2).encode()
    answer = await as_("acme").post("/api/requests", content=octets)
    assert answer.status_code == 201
    (event,) = await accepted(database)
    assert json.loads(event.steps[0])["received_sha256"] == sha256_hex(octets)


@pytest.mark.parametrize(
    ("name", "source", "door", "actor"),
    [
        ("acme", SOURCE, "api", "client:acme"),
        ("rita", "/form/kitchen-repairs", "api", "person:rita"),
        ("olga", "/intake-page", "intake-page", "person:olga"),
        ("ada", "/intake-page", "intake-page", "person:ada"),
    ],
)
async def test_guardrail_7_who_enters_is_told_apart_from_who_asks(
    as_: As, database: Database, name: str, source: str, door: str, actor: str
) -> None:
    members = asked(requester={"name": "Rita", "subject": "sub-of-rita"})
    assert (await post(as_(name), members)).json()["source"] == source
    (event,) = await accepted(database)
    request = json.loads(event.steps[0])
    assert (request["source"], request["door"], request["actor"]) == (source, door, actor)
    assert request["requester"]["subject"] == "sub-of-rita"
    assert request["event_id"] == request["request_key"]


@pytest.mark.parametrize(
    ("name", "code", "status"),
    [(None, "token_missing", 401), ("paul", "role_missing", 403), ("vera", "role_missing", 403), ("console", "role_missing", 403)],
)  # fmt: skip
async def test_others_may_not_submit(as_: As, name: str | None, code: str, status: int) -> None:
    assert problem(await post(as_(name), asked()))[:2] == (status, code)


REFUSED: dict[str, tuple[object, tuple[int, str, str | None]]] = {
    "planned surface": (asked(surface="garden-care"), (403, "surface_planned", "surface")),
    "unknown surface": (asked(surface="no\nsuch"), (404, "surface_unknown", "surface")),
    "a NUL": (asked(summary="a\0b"), (422, "body_invalid", "summary")),
    "a NUL in the surface": (asked(surface="a\0b"), (422, "body_invalid", "surface")),
    "a long key": (asked(request_key="k" * 65), (422, "body_invalid", "request_key")),
    "a key with a control character": (asked(request_key="a\x07"), (422, "body_invalid", "request_key")),
    "a long detail's name": (asked(details=[{"name": "n" * 65, "value": ""}]), (422, "body_invalid", "details.0.name")),
    "an array": ([], (422, "body_invalid", "data")),
    "a lone surrogate": (b'{"request_key":"\\ud800"}', (422, "body_invalid", "data")),
    "a duplicate member": (b'{"request_key":"a","request_key":"b"}', (422, "body_invalid", "data")),
    "no body": (b"", (422, "body_invalid", "data")),
    "65 KiB": (asked(description="d" * 66_000), (413, "body_too_large", None)),
    "too large a body": (asked(description="\u0001" * 8000), (413, "body_too_large", "description")),
    "too large details": (asked(details=[{"name": "n", "value": "v" * 4000}] * 9), (413, "body_too_large", "details")),
}  # fmt: skip


@pytest.mark.parametrize(("members", "expected"), REFUSED.values(), ids=REFUSED.keys())
async def test_a_bad_request_is_refused_and_the_field_named(
    as_: As, database: Database, members: object, expected: tuple[int, str, str | None]
) -> None:
    octets = members if isinstance(members, bytes) else json.dumps(members).encode()
    answer = await as_("acme").post("/api/requests", content=octets)
    assert problem(answer) == expected
    assert await published(database) == []


async def test_a_reused_key_is_409_and_names_no_value(as_: As) -> None:
    members = asked(request_key="k")
    assert (await post(as_("acme"), members)).status_code == 201
    answer = await post(as_("acme"), members | {"summary": "Roof leaks"})
    assert problem(answer) == (409, "request_key_reused", "request_key")
    assert "Roof" not in answer.text
    assert (await post(as_("rita"), members)).status_code == 201, "another source"


async def test_ten_twins_at_once_over_both_doors_are_one_intake(as_: As, database: Database) -> None:
    acme, members = as_("acme"), asked()

    async def by_kafka(n: int) -> None:
        await decide(database, "intake", ROUTES, [arrival(published_request(members), partition=n)], NOW)

    tries: list[Awaitable[Any]] = [by_kafka(n) if n % 2 else post(acme, members) for n in range(10)]
    posted = [answer for answer in await asyncio.gather(*tries) if answer is not None]
    assert {answer.status_code for answer in posted} <= {200, 201}
    assert len({answer.json()["request_id"] for answer in posted}) == 1
    assert sum(answer.status_code == 201 for answer in posted) == sum(
        "tracker_token" in a.json() for a in posted
    )
    (event,) = await accepted(database)
    assert posted[0].json()["request_id"] == str(event.request_id)


async def test_ten_posts_with_different_contents_at_once_are_one_intake_and_clear_refusals(
    as_: As, database: Database
) -> None:
    members, acme = asked(), as_("acme")
    tries = await asyncio.gather(*(post(acme, members | {"summary": f"Tap {n % 2}"}) for n in range(10)))
    statuses = [answer.status_code for answer in tries]
    assert (statuses.count(201), statuses.count(200), statuses.count(409)) == (1, 4, 5)
    assert len(await accepted(database)) == 1


async def test_the_other_door_meets_the_same_intake(as_: As, database: Database) -> None:
    members = asked(request_key="k")
    await decide(database, "intake", ROUTES, [arrival(published_request(members))], NOW)
    repeat = await post(as_("acme"), members)
    assert repeat.status_code == 200
    assert repeat.json()["source"] == SOURCE
    other = members | {"summary": "Roof leaks"}
    decided = await decide(database, "intake", ROUTES, [arrival(published_request(other), offset=1)], NOW)
    assert decided.refused == 1


# Reading


async def test_who_sees_which_intakes(as_: As) -> None:
    acme, rita, olga = as_("acme"), as_("rita"), as_("olga")
    ids = [(await post(client, asked())).json()["request_id"] for client in (acme, rita, olga)]

    async def seen(name: str) -> list[str]:
        listed = (await as_(name).get("/api/intakes")).json()["intakes"]
        return [intake["request_id"] for intake in listed]

    for name in ("ada", "olga", "vera", "console"):
        assert await seen(name) == ids[::-1]
    assert (await seen("acme"), await seen("rita"), await seen("paul")) == ([ids[0]], [ids[1]], [])
    for name, n, status in (("rita", 0, 404), ("rita", 1, 200), ("acme", 1, 404), ("vera", 2, 200)):
        assert (await as_(name).get(f"/api/intakes/{ids[n]}")).status_code == status
    assert (await as_(None).get("/api/intakes")).status_code == 401


async def test_intakes_are_found_by_source_and_key_page_by_page(as_: As) -> None:
    acme = as_("acme")
    ids = [(await post(acme, asked(request_key=f"k-{n}"))).json()["request_id"] for n in range(3)]

    async def found(**query: Any) -> list[str]:
        answer = await as_("vera").get("/api/intakes", params=query)
        return [intake["request_id"] for intake in answer.json()["intakes"]]

    assert await found(source=SOURCE, request_key="k-1") == [ids[1]]
    assert await found(request_key="none") == []
    assert await found(limit=2) == [ids[2], ids[1]]
    assert await found(limit=2, before=ids[1]) == [ids[0]]
    for wrong in ({"limit": 0}, {"limit": 501}, {"request_key": "a\0b"}, {"source": "\0"}, {"before": "x"}):
        assert (await as_("vera").get("/api/intakes", params=wrong)).status_code == 422


async def test_an_intake_shows_what_was_asked_and_its_sealed_steps(as_: As, database: Database) -> None:
    members = asked()
    request_id = (await post(as_("acme"), members)).json()["request_id"]
    intake = (await as_("olga").get(f"/api/intakes/{request_id}")).json()
    (event,) = await accepted(database)
    assert intake["request"]["summary"] == members["summary"]
    assert intake["texts"][0] == event.steps[0]
    assert [link["sig"] for link in intake["chain"]] == [link.sig for link in event.chain]
    assert [step["step"] for step in intake["steps"]][:3] == ["Request", "Intake", "Task"]
    assert problem(await as_("olga").get(f"/api/intakes/{uuid4()}"))[:2] == (404, "request_unknown")


async def test_it_says_what_it_reads_and_writes(as_: As) -> None:
    about = (await as_(None).get("/about")).json()
    assert set(about["writes"]) == {
        "truth.requests.received.v1",  # the first step body, inside the hand-offs
        "truth.requests.refused.v1",
        "truth.intakes.accepted.v1",
        "truth.intakes.answered.v1",
    }
    assert "truth.requests.submitted.v1" in about["reads"]
    assert (await as_(None).get("/openapi.json")).status_code == 200
