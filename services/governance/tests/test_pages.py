"""What people see of governance, over HTTP, on a real PostgreSQL, with JavaScript nowhere."""

import html
import json
import re
from dataclasses import asdict
from time import time

import httpx
import pytest
from truth_kit.database import Database
from truth_kit.pages.session import SESSION, Cookies, Session
from truth_kit.testing import published

from services.governance.tests.authenticators import Authenticator
from services.governance.tests.doors import Answer, Door
from services.governance.tests.making import job_changed

HOUR_SECONDS = 3600


def ada(door: Door) -> httpx.AsyncClient:
    return door.browser("ada", "admin")


def amir(door: Door) -> httpx.AsyncClient:
    return door.browser("amir", "admin")


def cookies_of(door: Door) -> Cookies:
    return door.app.state.cookies


def path_to(task: Answer) -> str:
    return f"/tasks/{task['task_id']}"


def hidden(page: str, name: str) -> str:
    (value,) = set(re.findall(rf'name="{name}" value="([^"]*)"', page))
    return value


async def give(browser: httpx.AsyncClient, task: Answer, name: str, **typed: str) -> httpx.Response:
    """A command as a page's form sends it."""
    version = str(typed.pop("version", task["version"]))
    return await browser.post(f"{path_to(task)}/{name}", data={"version": version, **typed})


async def count_jobs(database: Database) -> int:
    return [message.topic for message in await published(database)].count("jobs.created")


async def test_the_queue_counts_and_filters(door: Door) -> None:
    browser = ada(door)
    assert "No Tasks to see." in (await browser.get("/tasks")).text
    task = await door.open(summary="The tap drips")
    page = (await browser.get("/tasks")).text
    assert "The tap drips" in page
    assert f"T-{task['task_id'][-8:]}" in page
    assert re.search(r'href="/tasks\?state=pending_review">To review <b class="num">1</b>', page)
    assert "No Task is here." in (await browser.get("/tasks?state=assigned")).text


async def test_the_whole_review_and_create_job_without_javascript(door: Door, database: Database) -> None:
    browser = ada(door)
    await door.done("ada", "PUT", "/api/operators/olga", {"name": "Olga Orlova", "active": True})
    task = await door.open(summary="The tap drips")
    approved = await give(browser, task, "approve", note="Within the contract")
    assert (approved.status_code, approved.headers["location"]) == (303, path_to(task))
    page = (await browser.get(path_to(task))).text
    assert "Within the contract" in page
    assert (await give(browser, task, "assign", version="2", operator_id="olga")).status_code == 303
    prepared = await browser.post(f"{path_to(task)}/job/prepare", data={"version": "3"})
    assert prepared.status_code == 200
    assert "Create the Job for Olga Orlova?" in prepared.text
    assert "be undone" in prepared.text
    assert await count_jobs(database) == 0
    digest = hidden(prepared.text, "digest")
    created = await browser.post(f"{path_to(task)}/job", data={"digest": digest})
    assert (created.status_code, created.headers["location"]) == (303, path_to(task))
    page = (await browser.get(path_to(task))).text
    assert "Handing to execution" in page
    assert "Create Job…" not in page
    job = (await door.done("vera", "GET", f"/api{path_to(task)}"))["created"]["job_id"]
    await door.consume(job_changed(task["request_id"], 1, "queued", id=job))
    page = (await browser.get(path_to(task))).text
    assert ("Execution has the Job." in page, "Handing to execution" in page) == (True, False)
    assert f"/jobs/{job}" not in page  # execution shows it to the assigned operator and to auditors
    assigned = (await door.browser("olga", "operator").get(path_to(task))).text
    assert f'href="http://localhost:1/jobs/{job}"' in assigned
    assert await count_jobs(database) == 1


async def test_b1_nobody_approves_their_own_request(door: Door) -> None:
    task = await door.open(actor="person:ada")
    page = (await ada(door).get(path_to(task))).text
    assert ">Approve</button>" not in page
    assert "somebody else has to approve it" in page
    answer = await give(ada(door), task, "approve")
    assert answer.status_code == 403
    assert "somebody else has to approve it" in answer.text
    assert ">Approve</button>" in (await amir(door).get(path_to(task))).text


async def test_b2_who_comes_second_is_told_who_was_first_and_keeps_the_text(door: Door) -> None:
    task = await door.open()
    assert (await give(amir(door), task, "approve")).status_code == 303
    for name, typed in (
        ("decline", {"code": "other", "reason": "Too far away"}),
        ("ask", {"question": "Which tap?"}),
    ):
        answer = await give(ada(door), task, name, **typed)
        assert answer.status_code == 409
        assert "approve by Amir" in answer.text
        assert list(typed.values())[-1] in answer.text


async def test_b3_before_assignment_create_job_explains(door: Door, database: Database) -> None:
    task = await door.open()
    page = (await ada(door).get(path_to(task))).text
    assert 'aria-disabled="true" aria-describedby="missing">Create Job…' in page
    assert "the Task is not approved." in page
    prepared = await give(ada(door), task, "job/prepare")
    assert prepared.status_code == 409
    created = await ada(door).post(f"{path_to(task)}/job", data={"digest": "0" * 64})
    assert created.status_code == 409
    assert await count_jobs(database) == 0


async def test_b4_no_link_and_no_other_page_creates_a_job(door: Door, database: Database) -> None:
    task = await door.assigned()
    digest = (await door.prepare("ada", task))["digest"]
    for path in ("job", "job/prepare", "approve", "decline", "ask", "assign"):
        assert (await ada(door).get(f"{path_to(task)}/{path}")).status_code == 405
    for site in ("cross-site", "same-site", "none"):  # another port of one host is same-site
        foreign = ada(door)
        foreign.headers["Sec-Fetch-Site"] = site
        answer = await foreign.post(f"{path_to(task)}/job", data={"digest": digest})
        assert answer.status_code == 403
    assert await count_jobs(database) == 0


async def test_b7_a_job_prepared_before_a_reassignment_is_refused(door: Door, database: Database) -> None:
    task = await door.assigned()
    browser = ada(door)
    digest = hidden((await give(browser, task, "job/prepare")).text, "digest")
    await door.done("ada", "PUT", "/api/operators/otto", {"name": "Otto", "active": True})
    assert (await give(browser, task, "assign", operator_id="otto")).status_code == 303
    answer = await browser.post(f"{path_to(task)}/job", data={"digest": digest})
    assert answer.status_code == 409
    assert "assign by Ada" in answer.text
    assert await count_jobs(database) == 0


async def test_what_is_missing_is_said_and_what_was_typed_stays(door: Door) -> None:
    task = await door.open()
    answer = await give(ada(door), task, "decline", code="other")
    assert answer.status_code == 422
    assert "reason is missing" in answer.text
    answer = await give(ada(door), task, "decline", code="duplicate", reason="Again", duplicate_of="no id")
    assert answer.status_code == 422
    assert "Again" in answer.text
    answer = await ada(door).post(f"{path_to(task)}/job", data={"digest": "short"})
    assert answer.status_code == 422


async def test_who_sees_what(door: Door) -> None:
    task = await door.assigned("olga")
    olga, otto = door.browser("olga", "operator"), door.browser("otto", "operator")
    page = (await olga.get(path_to(task))).text
    assert "Create Job…" in page
    assert "Decline" not in page
    assert (await otto.get(path_to(task))).status_code == 403
    assert "No Tasks to see." in (await otto.get("/tasks")).text
    auditor = (await door.browser("vera", "auditor").get(path_to(task))).text
    assert "<button" not in auditor[auditor.index("<h2>Decisions</h2>") : auditor.index("</main>")]
    assert (await give(olga, task, "decline", code="other", reason="No")).status_code == 403
    assert (await door.browser("rita", "requester").get("/tasks")).status_code == 403
    stranger = door.browser("x")
    stranger.cookies.clear()
    assert (await stranger.get("/tasks")).headers["location"] == "/sign-in?to=%2Ftasks"
    assert (await stranger.post(f"{path_to(task)}/job", data={})).status_code == 401


async def test_script_in_any_field_is_shown_as_text(door: Door) -> None:
    script = "<script>alert(1)</script>"
    task = await door.open(
        summary=script,
        description=script,
        place=script,
        requester={"name": script, "contact": script},
        details=[{"name": script, "value": script}],
    )
    await give(ada(door), task, "ask", question=script)
    await door.done("ada", "PUT", "/api/operators/eve", {"name": script, "active": True})
    for path in ("/tasks", path_to(task)):
        page = (await ada(door).get(path)).text
        assert script not in page
        assert html.escape(script) in page
    assert script not in (await give(ada(door), task, "approve", note=script)).text


async def register(browser: httpx.AsyncClient, phone: Authenticator) -> httpx.Response:
    """As the page's script does it."""
    options = (await browser.post("/passkeys/options", headers={"Accept": "application/json"})).json()[
        "options"
    ]
    typed = {"name": "My phone", "credential": json.dumps(phone.register(options))}
    return await browser.post("/passkeys", data=typed)


async def test_b8_a_passkey_is_registered_signs_a_job_and_is_revoked(
    strict_door: Door, database: Database
) -> None:
    door, phone = strict_door, Authenticator()
    browser = ada(door)
    task = await door.assigned()
    page = (await give(browser, task, "job/prepare")).text
    assert "you have none" in page
    assert ">Create Job</button>" not in page
    assert "You have no passkey." in (await browser.get("/passkeys")).text
    assert (await register(browser, phone)).status_code == 303
    assert "My phone" in (await browser.get("/passkeys")).text
    page = (await give(browser, task, "job/prepare")).text
    assert "without a passkey" not in page
    (options,) = re.findall(r"data-signs='([^']+)'", page)
    digest = hidden(page, "digest")
    unsigned = {"digest": digest, "with": "passkey", "assertion": ""}
    answer = await browser.post(f"{path_to(task)}/job", data=unsigned)
    assert (answer.status_code, "has not signed" in answer.text) == (403, True)
    assertion = phone.sign(json.loads(html.unescape(options)))
    signed = unsigned | {"assertion": json.dumps(assertion)}
    assert (await browser.post(f"{path_to(task)}/job", data=signed)).status_code == 303
    assert await count_jobs(database) == 1
    assert "signed with a passkey" in (await browser.get(path_to(task))).text
    (passkey_id,) = re.findall(
        r'action="/passkeys/([0-9a-f-]+)/revoke"', (await browser.get("/passkeys")).text
    )
    assert (await browser.post(f"/passkeys/{passkey_id}/revoke")).status_code == 303
    assert ">revoked</span>" in (await browser.get("/passkeys")).text


async def test_who_chose_to_sign_and_did_not_creates_nothing(door: Door, database: Database) -> None:
    """Also where a passkey is optional: as with JavaScript off."""
    task = await door.assigned()
    digest = (await door.prepare("ada", task))["digest"]
    answer = await ada(door).post(f"{path_to(task)}/job", data={"digest": digest, "with": "passkey"})
    assert answer.status_code == 403
    assert await count_jobs(database) == 0


@pytest.mark.parametrize("signed_in_at", [None, time() - HOUR_SECONDS], ids=["not told", "an hour ago"])
async def test_passkeys_take_a_fresh_sign_in(door: Door, signed_in_at: float | None) -> None:
    browser, cookies = ada(door), cookies_of(door)
    session = Session("ada", "Ada", ("admin",), None if signed_in_at is None else int(signed_in_at))
    browser.cookies = httpx.Cookies({cookies.name(SESSION): cookies.sign(SESSION, asdict(session))})
    answer = await browser.get("/passkeys")
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in?to=%2Fpasskeys&fresh=1")
    assert (await browser.post("/passkeys/options")).status_code == 403
    assert (await browser.post("/passkeys", data={"name": "x", "credential": "{}"})).status_code in (403, 422)
    assert (await browser.get("/tasks")).status_code == 200
