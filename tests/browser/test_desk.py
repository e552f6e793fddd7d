"""The Desk in a real browser, for a phone: from claim to completion (C4, C7, C8, C9), and what every page must be."""

import re
from typing import Any

import pytest
from playwright.sync_api import Route, expect
from truth_local.demo.acting import RefusedError, attach, command, record_of, wait_for

from tests.browser.desk import OFFLINE, PHONE, RECEIVED, at_job, items, photo
from tests.browser.looking import Ears, look
from tests.browser.people import Api, People

SETTLEMENT = re.compile(r"\b(paid|payment|billed|invoice\w*|captured?)\b", re.IGNORECASE)


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


def test_an_auditor_reads_a_job_and_gives_no_command(person: People, api: Api, started: str) -> None:
    page = person("vera", "execution", f"/jobs/{started}")
    assert page.locator("main form").count() == 0
    look(page)
    with pytest.raises(RefusedError):
        command(api("vera"), started, "note", text="Not mine.")
