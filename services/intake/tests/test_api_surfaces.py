"""The register of surfaces over HTTP."""

import asyncio
from typing import Any

import pytest

from services.intake.tests.builders import asked
from services.intake.tests.conftest import As
from services.intake.tests.http_door import post, problem

LIVE: dict[str, Any] = {
    "title": "Window repairs",
    "maturity": "live",
    "stages": [{"name": "inspect", "evidence_required": True}],
}


async def test_an_admin_registers_changes_and_everybody_sees_the_versions(as_: As) -> None:
    ada, acme = as_("ada"), as_("acme")
    first = await ada.put("/api/surfaces/window-repairs", json=LIVE)
    again = await as_("amir").put("/api/surfaces/window-repairs", json=LIVE)
    changed = await as_("amir").put("/api/surfaces/window-repairs", json=LIVE | {"maturity": "planned"})
    assert [answer.json()["version"] for answer in (first, again, changed)] == [1, 1, 2]
    seen = (await acme.get("/api/surfaces/window-repairs")).json()
    assert (seen["maturity"], seen["registered_by"]) == ("planned", "person:amir")
    assert [(one["version"], one["registered_by"]) for one in seen["versions"]] == [
        (2, "person:amir"),
        (1, "person:ada"),
    ]
    listed = (await acme.get("/api/surfaces")).json()["surfaces"]
    assert [one["name"] for one in listed] == [
        "garden-care",
        "kitchen-repairs",
        "roof-inspections",
        "window-repairs",
    ]
    assert listed[3]["stages"] == LIVE["stages"]


async def test_guardrail_6_what_was_accepted_keeps_its_maturity(as_: As) -> None:
    acme, ada = as_("acme"), as_("ada")
    partial = (await post(acme, asked(surface="roof-inspections"))).json()
    assert partial["maturity"] == "partial"
    assert (await ada.put("/api/surfaces/roof-inspections", json=LIVE)).status_code == 200
    assert (await post(acme, asked(surface="roof-inspections"))).json()["maturity"] == "live"
    kept = (await acme.get(f"/api/intakes/{partial['request_id']}")).json()
    assert (kept["maturity"], kept["surface_version"]) == ("partial", 1)


async def test_ten_changes_at_once_are_versions_without_gaps(as_: As) -> None:
    ada = as_("ada")
    puts = (ada.put("/api/surfaces/window-repairs", json=LIVE | {"title": f"Windows {n}"}) for n in range(10))
    assert {answer.status_code for answer in await asyncio.gather(*puts)} == {200}
    seen = (await ada.get("/api/surfaces/window-repairs")).json()
    assert [one["version"] for one in seen["versions"]] == list(range(10, 0, -1))


@pytest.mark.parametrize(
    ("name", "changes", "code"),
    [
        ("Window repairs", {}, "body_malformed"),
        ("a" * 65, {}, "body_malformed"),
        ("a%00b", {}, "body_malformed"),
        ("windows", {"title": "a\0b"}, "body_malformed"),
        ("windows", {"maturity": "half"}, "body_malformed"),
        ("windows", {"stages": [LIVE["stages"][0]] * 21}, "body_malformed"),
        ("windows", {"stages": [LIVE["stages"][0]] * 2}, "body_invalid"),
        ("windows", {"price": 1}, "body_malformed"),
    ],
)
async def test_a_bad_registration_is_422(as_: As, name: str, changes: dict[str, Any], code: str) -> None:
    answer = await as_("ada").put(f"/api/surfaces/{name}", json=LIVE | changes)
    assert problem(answer)[:2] == (422, code)


@pytest.mark.parametrize(
    ("name", "code"), [("olga", "role_missing"), ("acme", "people_only"), ("rita", "role_missing")]
)
async def test_only_an_admin_registers(as_: As, name: str, code: str) -> None:
    answer = await as_(name).put("/api/surfaces/window-repairs", json=LIVE)
    assert problem(answer)[:2] == (403, code)


async def test_an_unknown_surface_is_404_and_reading_needs_a_token(as_: As) -> None:
    assert problem(await as_("vera").get("/api/surfaces/unknown"))[:2] == (404, "surface_unknown")
    assert (await as_("vera").get("/api/surfaces/a%00b")).status_code == 422
    assert (await as_(None).get("/api/surfaces")).status_code == 401
