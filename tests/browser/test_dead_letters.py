"""A dead letter put right on its service's own page in a real browser: by ops, tried first; by an auditor never."""

from collections.abc import Callable
from dataclasses import dataclass
from uuid import uuid4

import pytest
from playwright.sync_api import Page, expect
from truth_local.demo import acting, doors, upstream
from truth_local.demo.acting import Answer, Person, wait_for
from truth_local.system import System
from truth_topology.connection import Login

from tests.browser.looking import look
from tests.browser.people import People

HOME = "/ops/dead-letters"
Api = Callable[[str], Person]


@dataclass(frozen=True, slots=True)
class Damp:
    """A request that was refused for want of its surface."""

    letter_id: str
    surface: str
    request_key: str

    @property
    def page(self) -> str:
        """Where intake shows it."""
        return f"{HOME}/{self.letter_id}"

    def cure(self, api: Api) -> None:
        """Open the surface."""
        body: Answer = {"title": "Cellar", "maturity": "live", "stages": []}
        api("ada").ask("PUT", "intake", f"/api/surfaces/{self.surface}", body)

    def is_intake(self, api: Api) -> bool:
        """Whether it was acted on."""
        return acting.intake_of(api("vera"), doors.SOURCE, self.request_key) is not None


@pytest.fixture
def damp(system: System, api: Api) -> Damp:
    surface = f"cellar-{uuid4().hex[:8]}"
    asked = doors.request(surface, "Damp", "In the corner.")
    login = Login(system.bootstrap, "upstream-acme", system.principals["upstream-acme"].password)
    event_id = upstream.publish(login, doors.SOURCE, asked)

    def refused() -> Answer | None:
        letters = api("paul").get("intake", f"/api{HOME}")["dead_letters"]
        return acting.first([one for one in letters if one["event_id"] == event_id])

    return Damp(wait_for(refused, "dead letter")["id"], surface, str(asked["request_key"]))


def see(page: Page, scripts: bool) -> None:
    """Axe is a script, too."""
    if scripts:
        look(page)


@pytest.mark.parametrize("scripts", [pytest.param(True, id="scripts"), pytest.param(False, id="no scripts")])
def test_ops_tries_mends_the_cause_and_redrives_once(
    person: People, api: Api, damp: Damp, scripts: bool
) -> None:
    page = person("paul", "intake", HOME, scripts=scripts)
    see(page, scripts)
    page.click(f'a[href="{damp.page}"]')
    expect(page.locator(".chip")).to_have_text("open")
    expect(page.get_by_role("button", name="Redrive")).to_have_count(0)
    page.get_by_role("button", name="Try it").click()
    expect(page.locator("tbody")).to_contain_text("would be refused again: surface_unknown")
    expect(page.get_by_role("button", name="Redrive")).to_have_count(0)

    damp.cure(api)
    page.get_by_role("button", name="Try it").click()
    see(page, scripts)
    assert not damp.is_intake(api)
    page.get_by_role("button", name="Redrive").click()
    expect(page.get_by_role("alert")).to_contain_text("Give a reason")
    see(page, scripts)
    page.fill("#reason", "The surface is there now.")
    page.get_by_role("button", name="Redrive").click()
    expect(page.locator(".chip")).to_have_text("redriven")
    last = page.locator("tbody tr").last
    expect(last).to_contain_text("person:paul")
    expect(last).to_contain_text("The surface is there now.")
    assert damp.is_intake(api)
    see(page, scripts)
    page.goto(page.url.removesuffix(damp.page) + HOME)
    expect(page.locator(f'a[href="{damp.page}"]')).to_have_count(0)


def test_an_auditor_sees_why_and_has_no_button(person: People, api: Api, damp: Damp) -> None:
    page = person("vera", "intake", damp.page)
    expect(page.locator("main")).to_contain_text("surface_unknown")
    expect(page.locator("main form")).to_have_count(0)
    look(page)
    refused = page.request.post(
        page.url + "/redrive",
        form={"try": "yes"},
        headers={"Sec-Fetch-Site": "same-origin", "Accept": "text/html"},
    )
    assert (refused.status, "role_missing" in refused.text()) == (403, True)
    letter = api("paul").get("intake", f"/api{damp.page}")
    assert (letter["actions"], letter["letter"]["state"]) == ([], "open")
    api("paul").post("intake", f"/api{damp.page}/dismiss", {"reason": "a test"})
