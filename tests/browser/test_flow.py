"""The ops page in a real browser: readable for everybody, live, and never in the way of who reads it (E6)."""

import socket
import threading
from collections.abc import Generator

import pytest
from playwright.sync_api import Browser, Page, expect
from truth_console.options import opened
from truth_console.page.app import page as ops_page
from truth_console.page.serving import served
from truth_local import facts
from truth_local.demo import doors, walk
from truth_local.demo.acting import wait_for
from truth_local.demo.walk import Walked, unseen
from truth_local.system import System

from tests.browser.looking import Ears, look


@pytest.fixture(scope="module")
def console(system: System) -> Generator[str]:
    """Where `truth serve` shows the running system."""
    facts.write_facts(system)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with opened(system.layout.facts) as what:
        server = served(ops_page(what), port)
        running = threading.Thread(target=server.run)
        running.start()
        try:
            wait_for(lambda: server.started or None, "a page that answers")
            yield f"http://localhost:{port}"
        finally:
            server.should_exit = True
            running.join(30)


@pytest.fixture
def reader(chromium: Browser, ears: Ears) -> Generator[Page]:
    """Somebody of ops; nothing may be said on the console."""
    context = chromium.new_context()
    page = context.new_page()
    page.set_default_timeout(15_000)
    ears.listen(page)
    yield page
    context.close()
    assert ears.heard == []


@pytest.fixture(scope="module")
def walked(system: System) -> Walked:
    """One request at the end of its path."""
    who = walk.people(system)
    intake = doors.over_http("", doors.request("kitchen-repairs", "Tap drips", "Drip."), who, unseen)
    return walk.walk("flow", intake, who, unseen)


@pytest.mark.parametrize("path", ["/", "/trace", "/dead", "/invariants"])
def test_every_page_is_readable_for_everybody(reader: Page, console: str, path: str) -> None:
    reader.goto(console + path)
    expect(reader.locator("h1")).not_to_be_empty()
    look(reader)


def test_a_trace_is_found_by_typing_an_id(reader: Page, console: str, walked: Walked) -> None:
    reader.goto(f"{console}/trace")
    reader.get_by_label("Id of a request").fill(walked.record_id)
    reader.get_by_role("button", name="Trace").click()
    expect(reader.locator("h1")).to_have_text("At its end: Signal emitted")
    expect(reader.locator("tbody tr")).to_have_count(8)
    look(reader)


def test_e6_what_comes_live_leaves_the_focus_where_it_is(reader: Page, console: str) -> None:
    reader.goto(f"{console}/")
    link = reader.get_by_role("link", name="records.sealed").first
    link.focus()
    expect(reader.locator("#live-state")).to_have_text("live")
    clock = reader.locator("main p.soft")
    was = clock.inner_text()
    expect(clock).not_to_have_text(was)
    expect(link).to_be_focused()
