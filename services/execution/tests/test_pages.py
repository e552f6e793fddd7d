"""The Desk's pages as a browser without scripts sees them: real application, real database."""

import hashlib
import json
import re
from uuid import uuid4

import httpx
import pytest
from fastapi import FastAPI
from truth_contracts.steps import Stage
from truth_kit.database import Database
from truth_local.testing import Stores

from services.execution.tests.calling import PHOTO_BYTES_MAX, As, In, done, queue, refused, uploaded, worked
from services.execution.tests.making import photo
from services.execution.tests.test_evidence import png

SETTLEMENT = re.compile(r"\b(paid|payment|billed|invoice\w*|captured?)\b", re.IGNORECASE)
OUTBOX = {"accept": "application/json"}


def text_of(page: httpx.Response) -> str:
    assert page.headers["content-type"].startswith("text/html"), page.text
    return " ".join(re.sub(r"<[^>]+>", " ", page.text).split())


async def give(browser: httpx.AsyncClient, job: str, what: str, **fields: str) -> httpx.Response:
    """A form of the Job's page, submitted; the page that it leads to."""
    once = fields.pop("once", str(uuid4()))
    answer = await browser.post(f"/jobs/{job}/{what}", data={"once": once, **fields})
    if answer.status_code != 303:
        return answer
    assert answer.headers["location"] == f"/jobs/{job}"
    return await browser.get(f"/jobs/{job}")


def forms(page: httpx.Response) -> set[str]:
    return set(re.findall(r'action="/jobs/[^/]+/([a-z-]+)"', page.text))


async def test_without_scripts_a_job_is_worked_to_its_end(database: Database, seen_by: In) -> None:
    stages = (Stage(name="inspect", evidence_required=False), Stage(name="mend", evidence_required=False))
    job = await queue(database, stages=stages)
    olga = seen_by("olga", "operator")
    desk = await olga.get("/desk")
    assert f"/jobs/{job}" in desk.text
    assert "You have claimed no Job." in desk.text
    page = await olga.get(f"/jobs/{job}")
    assert forms(page) == {"claim"}
    page = await give(olga, job, "claim")
    assert forms(page) >= {"start", "hand-back"}
    assert "Work is not started" in text_of(page)
    page = await give(olga, job, "start")
    assert forms(page) == {"note", "stage", "complete"}
    page = await give(olga, job, "note", text="The washer is <script>new</script>.", stage="mend")
    assert "&lt;script&gt;new" in page.text
    page = await give(olga, job, "stage", name="inspect")
    assert "Stage 2 of 2" in page.text
    page = await give(olga, job, "complete", outcome="partially_fulfilled", reason="parts_missing")
    assert "Completed. Sealing. Not settled." in text_of(page)
    assert forms(page) == set()
    assert SETTLEMENT.findall(page.text) == []
    assert "You have completed no Job yet." not in (await olga.get("/desk")).text


async def test_states_stand_apart_and_a_job_that_is_not_started_says_so(seen_by: In, job_id: str) -> None:
    olga = seen_by("olga", "operator")
    await give(olga, job_id, "claim")
    page = await olga.get(f"/jobs/{job_id}")
    chips = re.findall(r'<li class="chip \w+"><i>(\w+)</i> ([^<]+)</li>', page.text)
    assert chips == [
        ("Task", "promoted"),
        ("Job", "claimed"),
        ("ServiceEvent", "none, not started"),
        ("Surface", "live"),
    ]


async def test_a_refused_form_keeps_what_was_typed(seen_by: In, job_id: str) -> None:
    olga = seen_by("olga", "operator")
    await give(olga, job_id, "claim")
    await give(olga, job_id, "start")
    page = await give(olga, job_id, "complete", outcome="fulfilled")
    assert page.status_code == 409
    assert "missing: inspect, repair" in text_of(page)
    assert re.search(r'value="fulfilled" required checked', page.text)
    page = await give(olga, job_id, "note", text="It drips.", stage="attic")
    assert (page.status_code, "The Job has no such stage" in page.text) == (422, True)
    page = await give(olga, job_id, "complete")
    assert (page.status_code, "The outcome" in text_of(page)) == (422, True)


async def test_a_repeated_form_is_one_command(seen_by: In, job_id: str) -> None:
    olga = seen_by("olga", "operator")
    await give(olga, job_id, "claim")
    await give(olga, job_id, "start")
    once = str(uuid4())
    await give(olga, job_id, "note", text="Only once.", once=once)
    page = await give(olga, job_id, "note", text="Only once.", once=once)
    assert page.text.count("Only once.") == 1


async def test_who_comes_second_is_told_who_was_first_and_when(seen_by: In, job_id: str) -> None:
    phone, tablet = seen_by("olga", "operator"), seen_by("olga", "operator")
    await give(phone, job_id, "claim")
    late = await give(tablet, job_id, "claim")
    assert late.status_code == 409
    assert re.search(r"person:olga claimed this Job at 20\d\d-\d\d-\d\dT", late.text)
    assert "start" in forms(late)


async def test_who_may_see_a_job_and_give_commands(seen_by: In, job_id: str) -> None:
    otto, vera = seen_by("otto", "operator"), seen_by("vera", "auditor")
    ada, nobody = seen_by("ada", "admin"), seen_by("olga", "operator")
    nobody.cookies.clear()
    assert [(await one.get(f"/jobs/{job_id}")).status_code for one in (otto, vera, ada, nobody)] == [
        403,
        200,
        403,
        303,
    ]
    assert forms(await vera.get(f"/jobs/{job_id}")) == set()
    statuses = [(await give(one, job_id, "claim")).status_code for one in (otto, vera, ada, nobody)]
    assert statuses == [403, 403, 403, 401]
    assert (await vera.get("/desk")).status_code == 403
    assert (await otto.get(f"/jobs/{uuid4()}")).status_code == 404
    assert job_id not in (await otto.get("/desk")).text


async def test_the_outbox_is_answered_in_json(seen_by: In, job_id: str) -> None:
    olga = seen_by("olga", "operator")
    once = str(uuid4())

    async def post(what: str, **fields: str) -> httpx.Response:
        return await olga.post(f"/jobs/{job_id}/{what}", data={"once": once, **fields}, headers=OUTBOX)

    claimed = await post("claim", device_at="2026-11-24T12:00:00.000Z")
    assert (claimed.status_code, claimed.json()["job_state"]) == (200, "claimed")
    again = await olga.post(f"/jobs/{job_id}/claim", data={"once": str(uuid4())}, headers=OUTBOX)
    assert (again.status_code, again.json()["code"]) == (409, "move_forbidden")
    assert again.json()["current"]["changed_by"] == "person:olga"
    assert (await post("note", text="x")).json()["code"] == "command_reused"
    olga.cookies.clear()
    assert (await post("start")).status_code == 401


async def test_what_another_person_left_waits_for_them(seen_by: In, job_id: str) -> None:
    olga, otto = seen_by("olga", "operator"), seen_by("otto", "operator")
    for browser, status in ((otto, 401), (olga, 200)):
        form = {"once": str(uuid4())}
        answer = await browser.post(
            f"/jobs/{job_id}/claim", data=form, headers=OUTBOX | {"truth-person": "olga"}
        )
        assert answer.status_code == status
    octets = photo()
    address = f"/evidence/{hashlib.sha256(octets).hexdigest()}"
    late = await otto.put(address, content=octets, headers=OUTBOX | {"truth-person": "olga"})
    assert refused(late) == (401, "sign_in_needed")


async def test_photos_come_and_go_by_the_cookie(seen_by: In) -> None:
    olga, octets = seen_by("olga", "operator"), photo(size=(960, 480))
    address = f"/evidence/{hashlib.sha256(octets).hexdigest()}"
    assert (
        await olga.put(address, content=octets, headers={"sec-fetch-site": "same-site"})
    ).status_code == 403
    assert [(await olga.put(address, content=octets)).status_code for _ in range(2)] == [201, 200]
    assert (await olga.get(address)).content == octets
    small = await olga.get(f"{address}/thumb")
    assert (small.headers["content-type"], len(small.content) < len(octets)) == ("image/webp", True)
    assert (await seen_by("otto", "operator").get(f"{address}/thumb")).status_code == 404
    assert (await seen_by("vera", "auditor").get(address)).status_code == 200


@pytest.mark.parametrize(
    ("octets", "named", "refusal"),
    [
        pytest.param(b"<html><script>alert(1)</script></html>", None, (415, "not_a_photo"), id="a page"),
        pytest.param(png(60_000, 60_000), None, (415, "not_a_photo"), id="a decompression bomb"),
        pytest.param(photo(), "b" * 64, (422, "digest_mismatch"), id="another digest"),
        pytest.param(b"\xff\xd8" + b"x" * PHOTO_BYTES_MAX, None, (413, "body_too_large"), id="too large"),
        pytest.param(
            photo(size=(640, 480))[:-200], None, (415, "not_a_photo"), id="cut, with its own digest"
        ),
    ],
)
async def test_what_a_browser_sends_is_judged_as_well(
    seen_by: In, stores: Stores, octets: bytes, named: str | None, refusal: tuple[int, str]
) -> None:
    address = f"/evidence/{named or hashlib.sha256(octets).hexdigest()}"
    answer = await seen_by("olga", "operator").put(address, content=octets, headers=OUTBOX)
    assert refused(answer) == refusal
    assert stores.names("evidence") == []


async def test_the_completed_job_shows_its_account(seen_by: In, who: As, job_id: str) -> None:
    await worked(who("olga"), job_id)
    sha256 = await uploaded(who("olga"), photo("green"))
    await done(who("olga"), job_id, "evidence", sha256=sha256, origin="imported")
    await done(who("olga"), job_id, "complete", outcome="fulfilled")
    page = await seen_by("vera", "auditor").get(f"/jobs/{job_id}")
    assert page.text.count("/thumb") == 3
    assert "Washer replaced." in page.text
    assert "imported" in text_of(page)
    assert "Completed. Sealing. Not settled." in text_of(page)
    assert SETTLEMENT.findall(page.text) == []
    assert "http://localhost:2/records" in page.text


async def test_the_desk_tells_how_many_jobs_moved_since(seen_by: In, app: FastAPI, job_id: str) -> None:
    olga = seen_by("olga", "operator")
    before = "/desk/live?since=2020-01-01T00:00:00Z"
    (drawn,) = re.findall(r'hx-sse:connect="([^"]+)"', (await olga.get("/desk")).text)
    assert job_id in (await olga.get("/desk")).text
    app.state.streams.stopping.set()  # each stream then ends after what it begins with
    assert "1 Job has moved" in (await olga.get(before)).text
    assert "moved" not in (await olga.get(drawn)).text
    assert (await olga.get("/desk/live")).status_code == 422
    assert (await seen_by("vera", "auditor").get(before)).status_code == 403


async def test_what_the_phone_keeps_comes_without_a_sign_in(seen_by: In) -> None:
    anybody = seen_by("nobody")
    anybody.cookies.clear()
    worker = await anybody.get("/sw.js")
    assert worker.headers["content-type"].startswith("text/javascript")
    assert worker.headers["content-security-policy"] == "default-src 'none'; connect-src 'self'"
    manifest = json.loads((await anybody.get("/manifest.webmanifest")).text)
    assert (manifest["start_url"], manifest["display"]) == ("/desk", "standalone")
    assert (await anybody.get(manifest["icons"][0]["src"])).status_code == 200
    assert "No connection" in (await anybody.get("/offline")).text


@pytest.mark.parametrize("what", ["claim", "start", "complete"])
async def test_no_link_gives_a_command(seen_by: In, job_id: str, what: str) -> None:
    olga = seen_by("olga", "operator")
    assert (await olga.get(f"/jobs/{job_id}/{what}")).status_code == 405
    other = await olga.post(
        f"/jobs/{job_id}/{what}", data={"once": str(uuid4())}, headers={"sec-fetch-site": "same-site"}
    )
    assert (other.status_code, "cross_origin" in other.text) == (403, True)
