"""A live part whose stream does not begin at once: it stays as it was drawn, says so, and comes to life."""

import re

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.asking import KITCHEN, fill, send, state
from tests.browser.desk import OFFLINE
from tests.browser.looking import Ears, look
from tests.browser.people import People

LIVE = re.compile("/live$")
SECONDS_MAX = 15_000
"""For the next attempt, in milliseconds: they are five seconds apart."""


@pytest.fixture
def tracker(person: People, ears: Ears) -> Page:
    """A page with a live part, whose stream has begun: what is held or fails from now on is a test's."""
    ears.allowed += (*OFFLINE, "Failed to load resource: the server responded with a status of 503")
    page = person(None, "intake", KITCHEN)
    fill(page)
    with page.expect_response(LIVE):
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
    tracker.route(LIVE, fail, times=1)
    tracker.reload(wait_until="commit")
    expect(tracker.locator("#announcer")).to_be_attached()
    tracker.wait_for_timeout(500)  # whatever begins without the late script has begun
    late.pop().continue_()
    note = tracker.locator("[data-stale-of=tracker]")
    expect(note).to_be_visible()
    expect(tracker.locator("#tracker")).not_to_contain_text("Not its stream")
    expect(note).to_be_hidden(timeout=SECONDS_MAX)
    expect(state(tracker, "Task")).to_have_text("pending review")


@pytest.mark.parametrize(
    "streamed",
    [
        pytest.param([], id="before its first stream"),
        pytest.param(["data: <p>Once.</p>\n\n"], id="when its stream has ended"),
    ],
)
def test_a_live_part_whose_session_ran_out_asks_to_sign_in_again(
    person: People, ears: Ears, streamed: list[str]
) -> None:
    ears.allowed += ("htmx: htmx:sse:error: SSE reconnect failed with status 401",)
    page, bodies = person("ada", "intake", "/intakes"), iter(streamed)

    def end(route: Route) -> None:
        if body := next(bodies, ""):
            route.fulfill(content_type="text/event-stream", body=body)
        else:
            route.fulfill(status=401, content_type="text/html", body="<h1>Sign in</h1>")

    page.route(re.compile(r"/live\b"), end)
    page.reload()
    note = page.locator("[data-stale-of=new]")
    link = note.locator("a")
    expect(link).to_be_visible(timeout=SECONDS_MAX)
    expect(link).to_have_attribute("href", "/sign-in?to=%2Fintakes")
    expect(note.locator("text=reconnecting")).to_be_hidden()
    expect(page.locator("#announcer")).to_contain_text("sign in again to see more")
    look(page)
    page.unroute_all()
    expect(note).to_be_hidden(timeout=SECONDS_MAX)


def test_a_button_that_copies_is_named_as_before_after_two_clicks(tracker: Page) -> None:
    tracker.go_back()
    tracker.context.grant_permissions(["clipboard-write"])
    button = tracker.locator("button[data-copies]")
    button.dblclick()
    expect(button).to_have_text("Copied")
    expect(button).to_have_text("Copy the reference")
