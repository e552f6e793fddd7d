"""What waits on a phone: nothing is lost, doubled or called received too early (C1, C2, C3, C6)."""

import hashlib
import re
from pathlib import Path

from playwright.sync_api import Browser, Page, Route, expect
from truth_local.demo.acting import command
from truth_local.system import System

from services.execution.tests.test_evidence import png
from tests.browser.chromium import find
from tests.browser.desk import (
    OFFLINE,
    PHONE,
    RECEIVED,
    account,
    at_job,
    items,
    kill,
    note,
    photo,
    states,
    take,
    until_kept,
)
from tests.browser.looking import Ears, look
from tests.browser.people import Api, People


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
        {"name": "bomb.png", "mimeType": "image/png", "buffer": png(60_000, 60_000)},
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


def test_a_photo_that_is_too_large_is_not_kept_and_said_so_by_its_name_as_text(
    person: People, started: str, tmp_path: Path
) -> None:
    page, large = at_job(person, started), tmp_path / "<img src=x onerror=alert(1)>.jpg"
    large.write_bytes(bytes(26 * 1024 * 1024))
    page.set_input_files("[data-origin=captured][data-stage=inspect]", large)
    expect(page.locator("#told")).to_have_text(f"{large.name} is larger than 25 MB and was not kept.")
    assert page.locator("#told *").count() == 0
    expect(items(page)).to_have_count(0)


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
