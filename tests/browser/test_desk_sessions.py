"""Who holds the phone: what stays on it when somebody signs out, and who reads and sends it (C5)."""

import re

import pytest
from playwright.sync_api import Error as BrowserError
from playwright.sync_api import expect

from tests.browser.desk import OFFLINE, RECEIVED, account, at_job, items, note, states, until_kept
from tests.browser.looking import Ears, look
from tests.browser.people import Api, People


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
