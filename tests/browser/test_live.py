"""A live part whose stream does not begin at once: it stays as it was drawn, says so, and comes to life."""

import re

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.asking import KITCHEN, fill, send, state
from tests.browser.conftest import People
from tests.browser.desk import OFFLINE
from tests.browser.looking import Ears

SECONDS_MAX = 15_000
"""For the next attempt, in milliseconds: they are five seconds apart."""


@pytest.fixture
def tracker(person: People, ears: Ears) -> Page:
    """A page with a live part."""
    ears.allowed += (*OFFLINE, "Failed to load resource: the server responded with a status of 503")
    page = person(None, "intake", KITCHEN)
    fill(page)
    send(page)
    return page


@pytest.mark.parametrize(
    "status",
    [
        pytest.param(None, id="no connection"),
        pytest.param(503, id="a problem"),
        pytest.param(200, id="a sign-in"),
    ],
)
def test_a_live_part_draws_nothing_but_its_stream_and_asks_until_it_has_one(
    tracker: Page, status: int | None
) -> None:
    late: list[Route] = []

    def hold(route: Route) -> None:
        late.append(route)

    def fail(route: Route) -> None:
        if status is None:
            route.abort()
        else:
            route.fulfill(status=status, content_type="text/html", body="<h1>Not its stream</h1>")

    tracker.route(re.compile("/kit.js$"), hold, times=1)
    tracker.route(re.compile("/live$"), fail, times=1)
    tracker.reload(wait_until="commit")
    expect(tracker.locator("#announcer")).to_be_attached()
    tracker.wait_for_timeout(500)  # whatever begins without the late script has begun
    late.pop().continue_()
    note = tracker.locator("[data-stale-of=tracker]")
    expect(note).to_be_visible()
    expect(tracker.locator("#tracker")).not_to_contain_text("Not its stream")
    expect(note).to_be_hidden(timeout=SECONDS_MAX)
    expect(state(tracker, "Task")).to_have_text("pending review")
