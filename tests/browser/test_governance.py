"""Governance's pages in a real browser: acceptance points B1 to B9, and what every page must be."""

import json
from collections.abc import Callable
from uuid import uuid4

import pytest
from playwright.sync_api import Page, expect
from truth_local.demo import acting
from truth_local.demo.acting import Answer, wait_for
from truth_local.system import System
from truth_sealing.passkey import create_job_signed

from tests.browser.looking import Ears, look
from tests.browser.people import Api, People


@pytest.fixture
def opened(api: Api) -> Callable[[], Answer]:
    """A new Task."""

    def make() -> Answer:
        request = {
            "request_key": f"key-{uuid4()}",
            "surface": "kitchen-repairs",
            "summary": f"Tap drips {uuid4().hex[:8]}",
            "description": "All night long.",
            "requester": {"name": "Rita Ramos"},
            "place": "12 Mill Lane",
        }
        request_id = api("acme").post("intake", "/api/requests", request)["request_id"]
        return wait_for(lambda: acting.task_of(api("ada"), request_id), "Task")

    return make


@pytest.fixture
def assigned(api: Api, opened: Callable[[], Answer]) -> Callable[[], Answer]:
    """A Task that is ready to create."""
    return lambda: acting.assign(api("ada"), acting.approve(api("amir"), opened()), "olga")


def path_to(task: Answer) -> str:
    return f"/tasks/{task['task_id']}"


def with_authenticator(page: Page) -> None:
    """Chromium's virtual authenticator, whose user is always there and verified."""
    session = page.context.new_cdp_session(page)
    session.send("WebAuthn.enable")  # pyright: ignore[reportUnknownMemberType] untyped library
    options = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
        "automaticPresenceSimulation": True,
    }
    session.send("WebAuthn.addVirtualAuthenticator", {"options": options})  # pyright: ignore[reportUnknownMemberType] the same


def prepare(page: Page) -> None:
    page.click("text=Create Job…")
    expect(page.locator("dialog#create")).to_be_visible()


def test_b1_ones_own_request_cannot_be_approved(person: People, api: Api) -> None:
    page = person("ada", "intake", "/intakes/new")
    page.select_option("[name=surface]", "kitchen-repairs")
    page.fill("[name=summary]", f"Entered by Ada {uuid4().hex[:8]}")
    page.fill("[name='requester.name']", "Rita Ramos")
    page.click("text=Enter the request")
    page.click("text=Open the Intake")
    request_id = page.url.rpartition("/")[2]
    task = wait_for(lambda: acting.task_of(api("ada"), request_id), "Task")
    review = person("ada", "governance", path_to(task))
    expect(review.locator("#own")).to_contain_text("somebody else has to approve it")
    assert review.locator("button", has_text="Approve").count() == 0
    look(review)


def test_b2_the_second_admin_is_told_who_was_first_and_keeps_the_text(
    person: People, opened: Callable[[], Answer], api: Api
) -> None:
    task = opened()
    page = person("ada", "governance", path_to(task))
    page.click("summary:has-text('Decline')")
    page.fill("#reason", "It is on Mars.")
    acting.approve(api("amir"), task)
    expect(page.locator("#standing")).to_contain_text("has changed since you opened it")  # by the stream
    assert page.input_value("#reason") == "It is on Mars."
    page.click("text=Decline for good")
    expect(page.locator("[role=alert]")).to_contain_text("approve by Amir Azadi")
    expect(page.locator("[role=alert]")).to_contain_text("It is on Mars.")
    assert page.input_value("#reason") == "It is on Mars."
    look(page)


def test_b3_b4_before_assignment_create_job_explains_and_creates_nothing(
    person: People, opened: Callable[[], Answer], system: System
) -> None:
    task = opened()
    page = person("ada", "governance", path_to(task))
    button = page.locator("button", has_text="Create Job…")
    expect(button).to_have_accessible_description("Create Job is not possible yet: the Task is not approved.")
    look(page)
    button.press("Enter")
    expect(page.locator("[role=alert]")).to_contain_text("takes a Task that is assigned")
    answer = page.request.get(f"{system.urls['governance']}{path_to(task)}/job")
    assert answer.status == 405
    # As a form of another port of localhost is sent: same-site, with the cookie, but not ours.
    status = page.request.post(
        f"{system.urls['governance']}{path_to(task)}/job",
        headers={"Sec-Fetch-Site": "same-site", "Origin": system.urls["intake"]},
        form={"digest": "0" * 64},
    ).status
    assert status == 403


def test_b5_b6_enter_on_the_dialog_creates_nothing_and_a_double_click_one_job(
    person: People, assigned: Callable[[], Answer], api: Api
) -> None:
    task = assigned()
    page = person("ada", "governance", path_to(task))
    prepare(page)
    expect(page.locator("[data-not-now]")).to_be_focused()
    look(page)
    page.keyboard.press("Enter")
    expect(page.locator("dialog#create")).to_have_count(0)
    assert acting.task_of(api("ada"), task["request_id"]) is not None
    assert api("ada").get("governance", f"/api{path_to(task)}")["created"] is None
    prepare(page)
    page.keyboard.press("Escape")
    expect(page.locator("dialog#create")).to_have_count(0)
    prepare(page)
    page.locator("button", has_text="Create Job").last.dblclick()
    expect(page.locator("#standing")).to_contain_text("Execution has the Job")  # by the stream
    created = api("ada").get("governance", f"/api{path_to(task)}")["created"]
    jobs = api("olga").get("execution", f"/api/jobs?request_id={task['request_id']}")["jobs"]
    assert [job["job_id"] for job in jobs] == [created["job_id"]]
    look(page)


def test_b7_after_a_reassignment_the_prepared_job_is_refused(
    person: People, assigned: Callable[[], Answer], api: Api
) -> None:
    task = assigned()
    page = person("ada", "governance", path_to(task))
    prepare(page)
    acting.assign(api("amir"), task, "otto")
    page.locator("button", has_text="Create Job").last.click()
    expect(page.locator("[role=alert]")).to_contain_text("assign by Amir Azadi")
    assert api("ada").get("governance", f"/api{path_to(task)}")["created"] is None


def test_b8_a_passkey_signs_the_job_and_a_changed_job_fails_in_the_bundle(
    person: People, assigned: Callable[[], Answer], api: Api, system: System, ears: Ears
) -> None:
    ears.allowed += ("publicKey.pubKeyCredParams is missing",)  # RS256, which no bundle's verifier knows
    task = assigned()
    page = person("ada", "governance", "/passkeys")
    with_authenticator(page)
    look(page)
    name = f"Key {uuid4().hex[:8]}"
    page.fill("#name", name)
    page.click("button:has-text('Register a passkey')")
    row = page.locator("tr", has_text=name)
    expect(row).to_contain_text("in use")
    look(page)
    page.goto(f"{system.urls['governance']}{path_to(task)}")
    prepare(page)
    look(page)
    page.click("text=Create Job with my passkey")
    expect(page.locator(".log")).to_contain_text("Created the Job")
    body = _job_created(api, task["request_id"])
    finding = create_job_signed(body)
    assert finding.answer == "yes", finding
    changed = body | {"job": body["job"] | {"operator_id": "otto"}}
    assert (create_job_signed(changed).answer, create_job_signed(changed).reason) == (
        "no",
        "the passkey signed another Job",
    )
    page.goto(f"{system.urls['governance']}/passkeys")
    page.locator("tr", has_text=name).locator("button", has_text="Revoke").click()
    expect(page.locator("tr", has_text=name)).to_contain_text("revoked")


def _job_created(api: Api, request_id: str) -> Answer:
    """The step as the Record's bundle shows it, after the work came to its end."""
    olga, vera = api("olga"), api("vera")
    job = wait_for(lambda: acting.job_of(olga, request_id), "Job")
    for name, facts in (("claim", {}), ("start", {}), ("complete", {"outcome": "not_fulfilled"})):
        acting.command(olga, job["job_id"], name, **facts)
    record = wait_for(lambda: acting.record_of(vera, request_id), "Record")
    bundle = vera.raw("GET", "records", f"/records/{record['record_id']}/bundle").json()
    return json.loads(bundle["steps"][4])


def test_b9_review_and_create_job_by_keyboard_alone(
    person: People, opened: Callable[[], Answer], api: Api
) -> None:
    task = opened()
    page = person("ada", "governance", path_to(task))
    page.keyboard.press("Tab")
    expect(page.locator(".skip")).to_be_focused()
    page.keyboard.press("Enter")
    _press(page, "Approve")
    expect(page.locator(".chip", has_text="Task").first).to_contain_text("approved")
    _tab_to(page, "#operator_id")
    page.keyboard.press("o")  # Olga Orlova
    _press(page, "Assign")
    expect(page.locator(".chip", has_text="Task").first).to_contain_text("assigned")
    _press(page, "Create Job…")
    expect(page.locator("[data-not-now]")).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.locator("dialog button", has_text="Create Job")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator(".log")).to_contain_text("Created the Job")
    assert api("ada").get("governance", f"/api{path_to(task)}")["created"] is not None


def _tab_to(page: Page, selector: str) -> None:
    """Press Tab until it has the focus; in the page's own order."""
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.locator(f"{selector}:focus").count():
            return
    raise AssertionError(f"{selector} is not reached by Tab")


def _press(page: Page, words: str) -> None:
    _tab_to(page, f"button:text-is('{words}')")
    page.keyboard.press("Enter")


@pytest.mark.parametrize("path", ["/tasks", "/tasks?state=declined", "/tasks?state=pending_review"])
def test_the_queue_is_readable_for_everybody(person: People, opened: Callable[[], Answer], path: str) -> None:
    opened()
    look(person("ada", "governance", path))
    look(person("vera", "governance", path, viewport=(390, 844)))
