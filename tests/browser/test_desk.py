"""The Desk in a real browser, for a phone: acceptance points C1 to C9, and what every page must be."""

import hashlib
import re
import struct
import zlib
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Route, expect
from playwright.sync_api import Error as BrowserError
from truth_local.demo.acting import RefusedError, attach, command, record_of, wait_for
from truth_local.system import System

from tests.browser.chromium import find
from tests.browser.conftest import People
from tests.browser.desk import (
    OFFLINE,
    PHONE,
    Api,
    account,
    at_job,
    items,
    kill,
    new_job,
    note,
    photo,
    states,
    take,
    until_kept,
)
from tests.browser.looking import Ears, look

SETTLEMENT = re.compile(r"\b(paid|payment|billed|invoice\w*|captured?)\b", re.IGNORECASE)
RECEIVED = 20_000


@pytest.fixture
def job(api: Api) -> str:
    return new_job(api)


@pytest.fixture
def started(api: Api, job: str) -> str:
    command(api("olga"), job, "claim")
    command(api("olga"), job, "start")
    return job


def test_the_desk_leads_to_a_job_that_is_claimed_and_started(person: People, job: str) -> None:
    page = person("olga", "execution", "/desk", viewport=PHONE)
    look(page)
    page.click(f"a[href='/jobs/{job}']")
    expect(page.locator("h1")).to_have_text("The tap drips")
    look(page)
    page.click("text=Claim this Job")
    expect(page.locator("#state")).to_contain_text("Work is not started")
    page.click("text=Hand back…")
    look(page)
    page.click("text=Start the work")
    expect(page.locator(".chip", has_text="ServiceEvent")).to_contain_text("started")
    expect(page.locator("summary", has_text="Stage 1 of 3")).to_be_visible()
    look(page)


def test_c1_without_a_connection_nothing_is_lost_and_afterwards_nothing_is_doubled(
    person: People, api: Api, started: str, ears: Ears
) -> None:
    ears.allowed += OFFLINE
    page = at_job(person, started)
    page.context.set_offline(True)
    taken = photo(started)
    take(page, taken)
    note(page, "The washer is worn.")
    expect(items(page)).to_have_count(2)
    page.reload()
    expect(items(page)).to_have_count(2)
    assert states(page) == ["On this phone", "On this phone"]
    expect(page.locator("#waiting-told")).to_contain_text("2 items wait on this phone")
    expect(page.locator("h1")).to_have_text("The tap drips")
    look(page)
    page.context.set_offline(False)
    for n in range(2):
        expect(items(page).nth(n).locator("[data-state]")).to_have_text("Received", timeout=RECEIVED)
    told = account(api, started)
    assert [piece["sha256"] for piece in told["evidence"]] == [hashlib.sha256(taken["buffer"]).hexdigest()]
    assert [one["text"] for one in told["notes"]] == ["The washer is worn."]
    expect(page.locator("#account img")).to_have_count(1)
    expect(page.locator("#state")).to_contain_text("1 photo", timeout=RECEIVED)
    page.reload()
    expect(page.locator("#account .notes li")).to_have_count(1)
    expect(items(page)).to_have_count(0)


def test_c2_a_service_that_fails_twice_gets_one_copy(
    person: People, api: Api, started: str, ears: Ears
) -> None:
    ears.allowed += ("Failed to load resource: the server responded with a status of 5",)
    page = at_job(person, started)
    failures = iter([500, 500])

    def fail(route: Route) -> None:
        status = next(failures, None)
        if status is None:
            route.continue_()
        else:
            route.fulfill(status=status, body="broken")

    page.evaluate(
        "() => { window.seen = []; new MutationObserver(() => seen.push(document.querySelector('#items').innerText))"
        ".observe(document.querySelector('#items'), {subtree: true, childList: true, characterData: true}) }"
    )
    page.route(re.compile("/evidence/[0-9a-f]{64}$"), fail)
    take(page, photo(started))
    expect(items(page).locator("[data-state]")).to_have_text("Received", timeout=RECEIVED)
    assert next(failures, None) is None
    seen: list[str] = page.evaluate("seen")
    assert any("On this phone" in one for one in seen)
    assert not any("Refused" in one for one in seen)
    assert len(account(api, started)["evidence"]) == 1


def test_c3_what_is_no_photo_is_refused_and_the_others_still_go(
    person: People, api: Api, started: str
) -> None:
    page = at_job(person, started)
    html = b"<html><script>alert(1)</script></html>"
    take(
        page,
        {"name": "<script>alert(1)</script>.jpg", "mimeType": "image/jpeg", "buffer": html},
        _bomb(),
        photo(started),
    )
    note(page, "<script>alert(1)</script>")
    for n, state in enumerate(("Refused: ", "Refused: ", "Received", "Received")):
        expect(items(page).nth(n).locator("[data-state]")).to_contain_text(state, timeout=RECEIVED)
    assert states(page)[0] == "Refused: The bytes are not a whole JPEG, PNG or WebP photo."
    look(page)
    told = account(api, started)
    assert (len(told["evidence"]), [one["text"] for one in told["notes"]]) == (
        1,
        ["<script>alert(1)</script>"],
    )
    expect(page.locator("#account .notes")).to_contain_text("<script>alert(1)</script>")
    page.reload()
    expect(items(page)).to_have_count(2)
    items(page).first.locator("text=Discard…").click()
    expect(page.locator("#discarding >> text=Keep it")).to_be_focused()
    look(page)
    page.click("#discarding >> text=Discard it")
    expect(items(page)).to_have_count(1)


def test_a_photo_that_is_too_large_is_not_kept_and_said_so(
    person: People, started: str, tmp_path: Path
) -> None:
    page, large = at_job(person, started), tmp_path / "large.jpg"
    large.write_bytes(bytes(26 * 1024 * 1024))
    page.set_input_files("[data-origin=captured][data-stage=inspect]", large)
    expect(page.locator("#told")).to_have_text("large.jpg is larger than 25 MB and was not kept.")
    expect(items(page)).to_have_count(0)


def test_c4_one_of_two_devices_claims_and_the_other_is_told_when(person: People, job: str) -> None:
    phone = person("olga", "execution", f"/jobs/{job}", viewport=PHONE)
    tablet = person("olga", "execution", f"/jobs/{job}", scripts=False)
    phone.click("text=Claim this Job")
    expect(phone.locator(".chip", has_text="Job")).to_contain_text("claimed")
    tablet.click("text=Claim this Job")
    expect(tablet.locator("[role=alert]").first).to_contain_text(
        re.compile(r"person:olga claimed this Job at 20\d\d-\d\d-\d\dT")
    )
    other = person("otto", "execution", f"/jobs/{job}", viewport=PHONE)
    expect(other.locator("h1")).to_have_text("Only the assigned operator may do this")
    assert "12 Mill Lane" not in other.content()


def test_c5_signing_out_warns_of_what_is_not_sent_and_leaves_nothing(
    person: People, started: str, ears: Ears
) -> None:
    ears.allowed += OFFLINE
    page = at_job(person, started)
    page.route(re.compile("/note$"), lambda route: route.abort())
    note(page, "Not sent.")
    expect(items(page)).to_have_count(1)
    page.click("text=Sign out")
    expect(page.locator("#leaving")).to_contain_text("1 on this phone")
    expect(page.locator("text=Stay signed in")).to_be_focused()
    look(page)
    page.click("text=Stay signed in")
    expect(items(page)).to_have_count(1)
    page.click("header >> text=Sign out")
    page.click("text=Sign out and delete")
    expect(page.locator("h1")).to_have_text("You are signed out here")
    assert page.evaluate("caches.keys()") == []
    page.context.set_offline(True)
    with pytest.raises(BrowserError, match="ERR_INTERNET_DISCONNECTED"):
        page.goto(page.url.replace("/signed-out", f"/jobs/{started}"))
    page.context.set_offline(False)


def test_another_person_on_the_same_phone_reads_nothing(person: People, started: str, ears: Ears) -> None:
    ears.allowed += OFFLINE
    page = at_job(person, started)
    page.route(re.compile("/note$"), lambda route: route.abort())
    note(page, "Olga's alone.")
    expect(items(page)).to_have_count(1)
    page.context.clear_cookies()
    page.goto(page.url.replace(f"/jobs/{started}", "/sign-in?to=/desk"))
    page.click('button[value="otto"]')
    page.wait_for_url("**/desk")
    until_kept(page)
    assert len(page.evaluate("caches.keys()")) == 2
    assert "Olga" not in page.content()
    page.context.set_offline(True)
    page.goto(page.url.replace("/desk", f"/jobs/{started}"))
    expect(page.locator("h1")).to_have_text("No connection")


def test_c6_a_phone_that_dies_while_it_uploads_sends_once_more(
    chromium: Browser, system: System, api: Api, started: str, tmp_path: Path
) -> None:
    url, taken = f"{system.urls['execution']}/jobs/{started}", photo(started, (2000, 1500))

    def phone() -> Page:
        at = chromium.browser_type.launch_persistent_context(
            tmp_path, executable_path=find(), viewport={"width": PHONE[0], "height": PHONE[1]}
        )
        return at.pages[0]

    def sign_in(page: Page) -> None:
        page.goto(f"{system.urls['execution']}/sign-in?to=/jobs/{started}&fresh=1")
        page.click('button[value="olga"]')
        page.wait_for_url(url)

    page = phone()
    sign_in(page)
    until_kept(page)
    slow = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": 100_000}
    network = page.context.new_cdp_session(page)
    network.send("Network.emulateNetworkConditions", slow)  # pyright: ignore[reportUnknownMemberType] untyped library
    take(page, taken)
    sending = re.compile(r"Uploading [1-9]\d? %")
    expect(items(page).locator("[data-state]")).to_have_text(sending, timeout=RECEIVED)
    kill(tmp_path)
    assert account(api, started)["evidence"] == []
    page = phone()
    sign_in(page)  # the browser had not written its cookies down; the outbox had
    expect(items(page).locator("[data-state]")).to_have_text("Received", timeout=RECEIVED)
    page.context.close()
    sha256 = hashlib.sha256(taken["buffer"]).hexdigest()
    assert [piece["sha256"] for piece in account(api, started)["evidence"]] == [sha256]


@pytest.mark.parametrize("width", [390, 320])
def test_c7_every_target_is_large_enough_for_a_thumb(
    person: People, api: Api, started: str, width: int
) -> None:
    attach(api("olga"), started, photo(started)["buffer"], "inspect")
    for path in ("/desk", f"/jobs/{started}"):
        page = person("olga", "execution", path, viewport=(width, 844))
        page.evaluate("for (const part of document.querySelectorAll('details')) part.open = true")
        small: list[Any] = page.evaluate(
            "() => [...document.querySelectorAll('a, button, summary, select, textarea, label.button, label.tick')]"
            ".filter((e) => e.checkVisibility() && !e.matches('.skip'))"
            ".map((e) => [e.outerHTML.slice(0, 80), e.getBoundingClientRect().height]).filter(([, height]) => height < 44)"
        )
        assert small == []
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        look(page)


def test_c8_and_c9_a_completion_whose_answer_is_lost_is_one_and_settles_nothing(
    person: People, api: Api, started: str, ears: Ears
) -> None:
    ears.allowed += OFFLINE
    for stage in ("inspect", "repair"):
        attach(api("olga"), started, photo(started + stage)["buffer"], stage)
    page = at_job(person, started)
    sent: list[str] = []

    def lose_the_first_answer(route: Route) -> None:
        sent.append(route.request.post_data or "")
        if len(sent) == 1:
            route.fetch()
            route.abort()
        else:
            route.continue_()

    page.route(re.compile("/complete$"), lose_the_first_answer)
    page.click("text=Complete…")
    look(page)
    page.check("[name=outcome][value=fulfilled]")
    page.click("text=Complete the Job")
    expect(page.locator("#state")).to_contain_text("Completed. Sealing. Not settled.")
    expect(items(page).locator("[data-state]")).to_have_text("Received", timeout=RECEIVED)
    assert len(sent) == 2
    assert sent[0] == sent[1]
    job = api("olga").get("execution", f"/api/jobs/{started}")
    assert (job["state"], job["version"], job["service_event"]["version"]) == ("closed", 3, 3)
    assert wait_for(lambda: record_of(api("vera"), job["request_id"]), "Record")
    page.reload()
    expect(page.locator("#state")).to_contain_text("Not settled")
    assert page.locator("form[action$='/complete'], form[action$='/note']").count() == 0
    assert SETTLEMENT.findall(page.locator("main").inner_text()) == []
    look(page)


def test_completing_waits_for_what_is_not_received(person: People, started: str, ears: Ears) -> None:
    ears.allowed += OFFLINE
    page = at_job(person, started)
    page.route(re.compile("/note$"), lambda route: route.abort())
    note(page, "Not sent.")
    expect(items(page)).to_have_count(1)
    page.click("text=Complete…")
    page.check("[name=outcome][value=not_fulfilled]")
    page.click("text=Complete the Job")
    expect(page.locator("#told")).to_contain_text(re.compile(r"^Not completed.*Note \d\d:\d\d"))
    expect(items(page)).to_have_count(1)


def test_work_that_began_elsewhere_shows_both_versions(
    person: People, api: Api, job: str, ears: Ears
) -> None:
    ears.allowed += OFFLINE
    command(api("olga"), job, "claim")
    page = at_job(person, job)
    page.context.set_offline(True)
    page.click("text=Start the work")
    expect(items(page)).to_have_count(1)
    note(page, "Begun in the cellar.")
    command(api("olga"), job, "start")
    page.context.set_offline(False)
    first = items(page).first
    expect(first.locator("[data-state]")).to_have_text(
        "Not taken: Work on this Job has begun already.", timeout=RECEIVED
    )
    expect(first.locator("[data-theirs]")).to_contain_text(
        "Job claimed, ServiceEvent started; last moved by person:olga"
    )
    expect(items(page).nth(1).locator("[data-state]")).to_have_text("Received", timeout=RECEIVED)
    first.locator("text=Discard…").click()
    page.click("#discarding >> text=Discard it")
    expect(items(page)).to_have_count(1)


def test_without_a_session_items_wait_for_the_sign_in(person: People, api: Api, started: str) -> None:
    page = at_job(person, started)
    page.context.clear_cookies(name="__Host-truth_execution")
    note(page, "Written after hours.")
    expect(page.locator("#sign-in-to-send")).to_be_visible()
    assert states(page) == ["On this phone"]
    page.click("#sign-in-to-send")
    page.click('button[value="olga"]')
    page.wait_for_url(f"**/jobs/{started}")
    expect(page.locator("#account .notes")).to_contain_text("Written after hours.", timeout=RECEIVED)
    assert len(account(api, started)["notes"]) == 1


def test_an_auditor_reads_a_job_and_gives_no_command(person: People, api: Api, started: str) -> None:
    page = person("vera", "execution", f"/jobs/{started}")
    assert page.locator("main form").count() == 0
    look(page)
    with pytest.raises(RefusedError):
        command(api("vera"), started, "note", text="Not mine.")


def _bomb() -> Any:
    """A PNG that claims 60,000 by 60,000 pixels."""

    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    octets = (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b""))
        + chunk(b"IEND", b"")
    )
    return {"name": "bomb.png", "mimeType": "image/png", "buffer": octets}
