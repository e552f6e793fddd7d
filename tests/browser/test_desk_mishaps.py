"""What goes wrong on a phone in a cellar: nothing is lost, nothing is doubled, nothing fails without a word."""

import re
from uuid import uuid4

import pytest
from playwright.sync_api import FilePayload, Page, Route, expect
from truth_local.demo.acting import command

from tests.browser.desk import (
    OFFLINE,
    Api,
    account,
    at_job,
    items,
    new_job,
    note,
    photo,
    states,
    take,
    until_kept,
)
from tests.browser.looking import Ears, look
from tests.browser.people import People

RECEIVED = 20_000
_HOLD_THE_LOCK = """
const ask = navigator.locks.request.bind(navigator.locks);
navigator.locks.request = async (...given) => {
  const { held } = window; // a flush that began before the test holds them is not held
  await ask(...given);
  await held;
};
"""
_TELL_THE_DATABASE = """
const open = IDBFactory.prototype.open;
IDBFactory.prototype.open = function (...given) {
  const request = open.apply(this, given);
  request.addEventListener("success", () => { window.database = request.result; });
  return request;
};
"""
_NO_DATABASE = "IDBFactory.prototype.open = () => { throw new DOMException('No.', 'SecurityError'); };"
_GONE = """
const read = Blob.prototype.arrayBuffer;
Blob.prototype.arrayBuffer = function () {
  return this.name === "gone.jpg" ? Promise.reject(new DOMException("It is gone.", "NotFoundError")) : read.apply(this);
};
"""


@pytest.fixture
def started(api: Api) -> str:
    job = new_job(api)
    command(api("olga"), job, "claim")
    command(api("olga"), job, "start")
    return job


def anew(page: Page, script: str) -> None:
    """The page once more, in a browser that does what `script` says, with its outbox begun."""
    page.add_init_script(script)
    page.reload()
    page.locator("[data-needs-script] >> visible=true").first.wait_for()


def test_a_photo_chosen_while_the_forms_change_is_kept(person: People, api: Api, started: str) -> None:
    page = at_job(person, started)
    with page.expect_file_chooser() as chooser:
        page.click("text=Take a photo >> visible=true")
    command(api("olga"), started, "stage", name="inspect")
    expect(page.locator("text=Stage 1 is done")).to_have_count(0)
    chooser.value.set_files(photo(started))
    expect(items(page).locator("[data-state]")).to_have_text("Received", timeout=RECEIVED)
    assert [piece["stage"] for piece in account(api, started)["evidence"]] == ["inspect"]


def test_a_connection_to_the_database_that_is_lost_is_made_anew(person: People, started: str) -> None:
    page = at_job(person, started)
    anew(page, _TELL_THE_DATABASE)
    page.evaluate("database.close()")
    note(page, "Written after the phone slept.")
    expect(items(page).locator("[data-state]")).to_have_text("Received", timeout=RECEIVED)


def test_without_its_database_the_page_still_works_and_signs_out(person: People, started: str) -> None:
    page = at_job(person, started)
    page.add_init_script(_NO_DATABASE)
    page.reload()
    page.locator("#acts").wait_for()
    note(page, "Sent as a form.")
    expect(page.locator("#account .notes")).to_contain_text("Sent as a form.")
    page.click("header >> text=Sign out")
    expect(page.locator("#leaving")).to_contain_text("It can't be seen what waits on this phone.")
    page.click("text=Sign out and delete")
    expect(page.locator("h1")).to_have_text("You are signed out here", timeout=RECEIVED)


def test_a_photo_that_cannot_be_read_is_named_and_the_others_are_kept(person: People, started: str) -> None:
    page = at_job(person, started)
    anew(page, _GONE)
    gone: FilePayload = {"name": "gone.jpg", "mimeType": "image/jpeg", "buffer": b"?"}
    page.set_input_files("[data-origin=imported][data-stage=inspect]", [gone, photo(started)])
    expect(page.locator("#told")).to_have_text(
        "gone.jpg could not be kept on this phone: NotFoundError: It is gone."
    )
    expect(items(page).locator("[data-state]")).to_have_text("Received", timeout=RECEIVED)


def test_a_problem_page_warns_of_what_is_not_sent_too(person: People, started: str, ears: Ears) -> None:
    ears.allowed += OFFLINE
    page = at_job(person, started)
    page.route(re.compile("/note$"), lambda route: route.abort())
    note(page, "Not sent.")
    expect(items(page)).to_have_count(1)
    page.goto(page.url.replace(started, str(uuid4())))
    expect(page.locator("h1")).to_have_text("There is no such Job")
    look(page)
    until_kept(page, "/desk")
    page.click("text=Sign out")
    expect(page.locator("#leaving")).to_contain_text("1 on this phone")
    page.click("text=Stay signed in")
    page.context.set_offline(True)
    page.click("text=Sign out")
    expect(page.locator("#told")).to_contain_text("You are not signed out")


def test_signing_out_without_a_connection_forgets_nothing(person: People, started: str, ears: Ears) -> None:
    ears.allowed += OFFLINE
    page = at_job(person, started)
    page.route("**/sign-out", lambda route: route.fulfill(status=503, body="away"), times=1)
    ears.allowed += ("Failed to load resource: the server responded with a status of 503",)
    page.click("text=Sign out")
    expect(page.locator("#told")).to_contain_text("You are not signed out")
    page.context.set_offline(True)
    page.click("text=Sign out")
    expect(page.locator("#told")).to_be_focused()
    page.reload()
    expect(page.locator("h1")).to_have_text("The tap drips")
    page.context.set_offline(False)
    page.click("text=Sign out")
    expect(page.locator("h1")).to_have_text("You are signed out here", timeout=RECEIVED)
    assert page.evaluate("caches.keys()") == []


def test_signing_out_before_the_scripts_have_run_deletes_nothing_unsent(
    person: People, api: Api, started: str, ears: Ears
) -> None:
    ears.allowed += OFFLINE
    page = at_job(person, started)
    page.route(re.compile("/note$"), lambda route: route.abort())
    note(page, "Kept.")
    expect(items(page)).to_have_count(1)
    page.evaluate("document.getElementById('sign-out').submit()")  # no listener hears of it
    expect(page.locator("h1")).to_have_text("You are signed out here", timeout=RECEIVED)
    assert page.evaluate("caches.keys()") == ["truth-shell"]
    page.unroute_all()
    page.goto(page.url.replace("/signed-out", f"/sign-in?to=/jobs/{started}"))
    page.click('button[value="olga"]')
    page.wait_for_url(f"**/jobs/{started}")
    expect(page.locator("#account .notes")).to_contain_text("Kept.", timeout=RECEIVED)
    assert [one["text"] for one in account(api, started)["notes"]] == ["Kept."]


def test_who_signs_in_next_finds_no_page_of_the_one_before(person: People, started: str) -> None:
    page = at_job(person, started)
    page.context.clear_cookies()
    page.goto(page.url.replace(f"/jobs/{started}", "/sign-in?to=/offline"))  # runs none of the Desk's scripts
    page.click('button[value="otto"]')
    page.wait_for_url("**/offline")
    assert page.evaluate("caches.keys()") == ["truth-shell"]


def test_a_page_of_the_one_before_sends_nothing_as_the_next(
    person: People, api: Api, started: str, ears: Ears
) -> None:
    ears.allowed += OFFLINE
    page = at_job(person, started)
    page.route(re.compile("/(note|evidence/.*)$"), lambda route: route.abort())
    take(page, photo(started))
    note(page, "Olga's.")
    expect(items(page)).to_have_count(2)
    page.context.clear_cookies(name="__Host-truth_execution")
    other = page.context.new_page()
    other.goto(page.url.replace(f"/jobs/{started}", "/sign-in?to=/desk&fresh=1"))
    other.click('button[value="otto"]')
    other.wait_for_url("**/desk")
    page.unroute_all()
    page.click("#send-now")
    expect(page.locator("#sign-in-to-send")).to_be_visible(timeout=RECEIVED)
    assert states(page) == ["On this phone", "On this phone"]
    assert account(api, started)["evidence"] == []


def test_a_second_tap_gives_no_second_command(person: People, api: Api, started: str, ears: Ears) -> None:
    ears.allowed += OFFLINE
    page = at_job(person, started)
    page.context.set_offline(True)
    page.fill("textarea[name=text] >> visible=true", "Only once.")
    page.dblclick("text=Add the note >> visible=true")
    done = page.locator("text=Stage 1 is done")
    done.dblclick()
    expect(done).to_have_attribute("aria-disabled", "true")
    done.click(force=True)
    look(page)
    expect(items(page)).to_have_count(2)
    page.context.set_offline(False)
    for n in range(2):
        expect(items(page).nth(n).locator("[data-state]")).to_have_text("Received", timeout=RECEIVED)
    expect(items(page)).to_have_count(2)
    assert len(account(api, started)["notes"]) == 1


def test_what_is_too_large_for_a_server_on_the_way_is_refused(person: People, started: str) -> None:
    page = at_job(person, started)
    page.route(
        re.compile("/evidence/[0-9a-f]{64}$"), lambda route: route.fulfill(status=413, body="<h1>413</h1>")
    )
    take(page, photo(started))
    expect(items(page).locator("[data-state]")).to_have_text(
        "Refused: A server on the way takes nothing so large.", timeout=RECEIVED
    )


def test_what_comes_while_the_outbox_ends_is_sent_without_a_tap(person: People, started: str) -> None:
    page = at_job(person, started)
    anew(page, _HOLD_THE_LOCK)
    page.evaluate("() => { window.held = new Promise((go) => { window.letGo = go; }); }")
    for n, words in enumerate(("First.", "Second.")):
        note(page, words)
        expect(items(page)).to_have_count(n + 1)
        if n == 0:
            expect(items(page).locator("[data-state]")).to_have_text("Received", timeout=RECEIVED)
    page.evaluate("letGo()")
    expect(items(page).nth(1).locator("[data-state]")).to_have_text("Received", timeout=RECEIVED)


def test_where_the_work_is_gets_read_out(person: People, started: str, ears: Ears) -> None:
    ears.allowed += OFFLINE
    page = at_job(person, started)
    page.route(re.compile("/note$"), lambda route: route.abort())
    note(page, "Heard.")
    expect(page.locator("#announcer")).to_contain_text("1 item waits on this phone")
    described = items(page).locator("[data-discard]").get_attribute("aria-describedby") or ""
    assert re.fullmatch(r"Note \d\d:\d\d.*", " ".join(_text_of(page, one) for one in described.split()))
    camera = page.locator("[data-origin=captured][data-stage=inspect]").get_attribute("aria-describedby")
    assert _text_of(page, camera or "") == "Stage 1 of 3 · inspect"


def _text_of(page: Page, name: str) -> str:
    return page.locator(f"[id='{name}']").inner_text()


def test_after_a_refused_form_the_page_still_follows_its_job(person: People, api: Api, ears: Ears) -> None:
    ears.allowed += OFFLINE
    job = new_job(api)
    page = at_job(person, job)

    def late(route: Route) -> None:
        command(api("olga"), job, "claim")
        route.continue_()

    page.route(re.compile("/claim$"), late)
    page.click("text=Claim this Job")
    expect(page.locator("[role=alert]").first).to_contain_text("claimed this Job at")
    command(api("olga"), job, "start")
    expect(page.locator("#acts >> text=Stage 1 of 3")).to_be_visible()
