"""Who asks for work, in a real browser: form, receipt and tracker (A1 to A3, A5 to A8)."""

import re
import time
from collections.abc import Generator
from contextlib import contextmanager
from uuid import uuid4

import pytest
from playwright.sync_api import expect
from truth_local.demo.acting import Person, task_of, wait_for
from truth_local.system import System

from tests.browser.asking import KITCHEN, fill, send, step
from tests.browser.looking import Ears, look
from tests.browser.people import Api, People


def intakes_of(reader: Person, reference: str) -> list[dict[str, str]]:
    found = reader.get("intake", "/api/intakes?limit=500")["intakes"]
    return [one for one in found if one["request_id"].endswith(reference.removeprefix("R-"))]


@contextmanager
def stopped(system: System, part: str) -> Generator[None]:
    system.stop(part)
    try:
        yield
    finally:
        system.start(part)


@pytest.fixture
def planned(api: Api) -> str:
    name = "garden-care"
    body: dict[str, object] = {"title": "Garden care", "maturity": "planned", "stages": []}
    api("ada").ask("PUT", "intake", f"/api/surfaces/{name}", body)
    return name


def test_a1_a_request_is_followed_without_a_reload(person: People) -> None:
    page = person(None, "intake", KITCHEN)
    look(page)
    fill(page)
    page.click("text=Send the request")
    expect(page.locator("h1")).to_have_text("Received. No work has been ordered.")
    look(page)
    began = time.monotonic()
    page.click("text=Follow the request")
    page.evaluate("window.stayed = true")
    expect(page.locator(".chip", has_text="Task")).to_contain_text("pending review", timeout=5000)
    assert time.monotonic() - began < 5
    assert (step(page, "Request"), step(page, "Intake")) == ("received", "accepted")
    assert step(page, "Task") == "pending review"
    assert page.evaluate("window.stayed") is True
    look(page)


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no scripts"])
def test_a2_a_double_click_and_a_reload_are_one_intake(person: People, scripts: bool) -> None:
    page = person(None, "intake", KITCHEN, scripts=scripts)
    summary = fill(page)
    page.dblclick("text=Send the request")
    expect(page.locator("h1")).to_have_text("Received. No work has been ordered.")
    page.reload()
    expect(page.locator("h1")).to_have_text("Received. No work has been ordered.")
    page.click("text=Follow the request")
    assert step(page, "Intake") == "accepted"
    operator = person("olga", "intake", "/intakes")
    assert operator.locator("td", has_text=summary).count() == 1


def test_a2_a_form_posted_again_by_a_reload_is_one_intake(person: People) -> None:
    page = person(None, "intake", KITCHEN)
    page.click("text=Send the request")
    expect(page.locator("[role=alert]")).to_be_visible()
    page.reload()  # posts again
    summary = fill(page)
    sent: list[str] = []
    page.on(
        "request", lambda request: sent.append(request.post_data or "") if request.method == "POST" else None
    )
    page.click("text=Send the request")
    expect(page.locator("h1")).to_have_text("Received. No work has been ordered.")
    receipt = page.url
    again = page.evaluate(
        """async ([to, body]) => (await fetch(to, {method: "POST", body,
            headers: {"Content-Type": "application/x-www-form-urlencoded"}})).url""",
        [KITCHEN, sent[0]],
    )
    assert again == receipt
    operator = person("olga", "intake", "/intakes")
    assert operator.locator("td", has_text=summary).count() == 1


def test_a3_a_planned_surface_refuses_with_a_clear_page(person: People, planned: str) -> None:
    page = person(None, "intake", f"/request/{planned}")
    expect(page.locator("h1")).to_have_text("Garden care: not open yet")
    assert page.locator("form[data-draft]").count() == 0
    look(page)


def test_a5_a_reason_typed_in_governance_appears_on_the_tracker(person: People, api: Api) -> None:
    page = person(None, "intake", KITCHEN)
    fill(page)
    reference = send(page)
    admin = api("ada")
    (intake,) = intakes_of(admin, reference)
    task = wait_for(lambda: task_of(admin, intake["request_id"]), "Task")
    reason = "We do not work on <b>Mars</b>."
    admin.post(
        "governance",
        f"/api/tasks/{task['task_id']}/decline",
        {"version": task["version"], "code": "out_of_scope", "reason": reason},
    )
    expect(page.locator("#tracker .note.warn")).to_contain_text(reason)
    expect(page.locator(".chip", has_text="Task")).to_contain_text("declined")
    look(page)


def test_a_question_is_answered_and_typing_is_not_disturbed(person: People, api: Api) -> None:
    page = person(None, "intake", KITCHEN)
    fill(page)
    reference = send(page)
    admin = api("ada")
    (intake,) = intakes_of(admin, reference)
    task = wait_for(lambda: task_of(admin, intake["request_id"]), "Task")
    asked = {"version": task["version"], "question": "Which tap?"}
    admin.post("governance", f"/api/tasks/{task['task_id']}/ask", asked)
    page.locator("#answer").wait_for()
    look(page)
    page.click("#answer")
    page.keyboard.type("The left")
    time.sleep(2.5)  # two looks of the stream go by
    page.keyboard.type(" one.")
    assert page.input_value("#answer") == "The left one."
    page.click("text=Send the answer")
    expect(page.locator("#answer")).to_have_count(0)
    expect(page.locator(".chip", has_text="Task")).to_contain_text("pending review")


def test_a6_it_works_with_scripts_off(person: People, api: Api) -> None:
    page = person(None, "intake", KITCHEN, scripts=False)
    page.click("text=Send the request")
    expect(page.locator("[role=alert]")).to_contain_text("What is it about? This is needed.")
    fill(page)
    reference = send(page)
    admin = api("ada")
    (intake,) = intakes_of(admin, reference)
    task = wait_for(lambda: task_of(admin, intake["request_id"]), "Task")
    admin.post(
        "governance",
        f"/api/tasks/{task['task_id']}/ask",
        {"version": task["version"], "question": "Which tap?"},
    )

    def asked() -> bool | None:
        page.click("text=Look again")
        return True if page.locator("#answer").count() else None

    wait_for(asked, "the question")
    page.fill("#answer", "The left one.")
    page.click("text=Send the answer")
    operator = person("olga", "intake", f"/intakes/{intake['request_id']}", scripts=False)
    expect(operator.locator("h1")).to_contain_text("Tap drips")
    operator.click("text=Sign out")
    expect(operator.locator("h1")).to_have_text("You are signed out here")


def test_a7_with_execution_stopped_the_last_known_step_and_its_age_are_shown(
    person: People, api: Api, system: System
) -> None:
    page = person(None, "intake", KITCHEN)
    fill(page)
    reference = send(page)
    admin = api("ada")
    (intake,) = intakes_of(admin, reference)
    with stopped(system, "execution-1"):
        expect(page.locator(".chip", has_text="Task")).to_contain_text("pending review")
        last = page.locator("#tracker > p").first
        expect(last).to_have_text(re.compile(r"Last change: Task pending review, \d+ s ago"))
        page.reload()
        expect(page.locator("#tracker > p").first).to_have_text(re.compile(r"Task pending review, \d+ s ago"))
    assert intake["request_id"]


def test_a8_script_in_any_field_is_shown_as_text(person: People) -> None:
    evil = f"<script>alert(1)</script><img src=x onerror=alert(2)> {uuid4().hex[:6]}"
    page = person(None, "intake", KITCHEN)
    page.on("dialog", lambda dialog: pytest.fail(f"a script ran: {dialog.message}"))
    for name in ("summary", "description", "requester.name", "requester.contact", "place"):
        page.fill(f"[name='{name}']", evil)
    send(page)
    operator = person("olga", "intake", "/intakes")
    operator.on("dialog", lambda dialog: pytest.fail(f"a script ran: {dialog.message}"))
    operator.locator("tr", has_text=evil).locator("a").click()
    expect(operator.locator("h1")).to_have_text(evil)
    assert operator.locator("img").count() == 0


def test_every_error_is_named_focused_and_linked(person: People) -> None:
    page = person(None, "intake", KITCHEN)
    page.fill("[name=place]", "12 Mill Lane")
    page.click("text=Send the request")
    summary = page.locator("[role=alert]")
    expect(summary).to_be_focused()
    assert summary.locator("a").count() == 2
    look(page)
    summary.locator("a").first.click()
    expect(page.locator("[name=summary]")).to_be_focused()
    assert page.input_value("[name=place]") == "12 Mill Lane"


def test_a_lost_connection_keeps_the_draft_on_the_device(person: People) -> None:
    page = person(None, "intake", KITCHEN)
    summary = fill(page)
    page.context.set_offline(True)
    page.click("text=Send the request")
    expect(page.locator("#unsent")).to_be_visible()
    page.context.set_offline(False)
    page.reload()
    expect(page.locator("#unsent")).to_be_visible()
    assert page.input_value("[name=summary]") == summary
    look(page)
    send(page)
    page.goto(page.url.split("/track/")[0] + KITCHEN)
    assert page.input_value("[name=summary]") == ""


def test_a_tracker_says_since_when_it_stands_still_and_catches_up(
    person: People, system: System, ears: Ears
) -> None:
    ears.allowed += ("Failed to load resource: net::ERR", "Access to fetch", "htmx:")
    page = person(None, "intake", KITCHEN)
    fill(page)
    send(page)
    note = page.locator("[data-stale-of=tracker]")
    expect(note).to_be_hidden()
    page.wait_for_timeout(1500)  # the stream is open
    began = time.monotonic()
    with stopped(system, "intake-1"):
        seconds = time.monotonic() - began
        print(f"stopped in {seconds:.2f} s with a stream open")  # noqa: T201 shown with -s
        assert seconds < 2, "the stream held the process up"
        expect(note).to_be_visible()
    expect(note).to_be_hidden(timeout=15_000)
