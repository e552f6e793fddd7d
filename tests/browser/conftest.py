"""A Chromium for the run, and people in it: each with a browser of their own, signed in by the real issuer."""

from collections.abc import Generator
from pathlib import Path
from typing import Literal
from urllib.parse import quote

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright
from truth_local.demo.acting import command
from truth_local.demo.acting import person as api_person
from truth_local.system import System

from tests.browser.chromium import find
from tests.browser.desk import new_job
from tests.browser.looking import Ears
from tests.browser.people import Api, People

PATIENCE = 15_000
"""For what a page should show or allow, in milliseconds: what must be quicker is measured by its own test."""


@pytest.fixture(scope="session")
def chromium() -> Generator[Browser]:
    """The browser; `make test-browser` has seen to it that there is one."""
    found = find()
    assert found is not None, "no Chromium: run make test-browser"
    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as playwright:
        yield playwright.chromium.launch(executable_path=found)


@pytest.fixture
def ears() -> Ears:
    """What the test's pages say on their consoles. A test that breaks the network says what it allows."""
    return Ears()


@pytest.fixture
def person(chromium: Browser, system: System, ears: Ears) -> Generator[People]:
    """People with browsers; at the end nothing may have been said on any console."""

    def open_page(
        name: str | None,
        service: str,
        path: str,
        *,
        viewport: tuple[int, int] = (1280, 900),
        scheme: Literal["light", "dark"] = "light",
        scripts: bool = True,
    ) -> Page:
        context = chromium.new_context(
            viewport={"width": viewport[0], "height": viewport[1]},
            color_scheme=scheme,
            java_script_enabled=scripts,
        )
        page = context.new_page()
        page.set_default_timeout(PATIENCE)
        ears.listen(page)
        url = system.urls[service]
        if name is None:
            page.goto(url + path)
        else:
            page.goto(f"{url}/sign-in?to={quote(path, safe='')}")
            page.click(f'button[value="{name}"]')
            page.wait_for_url(url + path)
        return page

    yield open_page
    for context in chromium.contexts:
        context.close()
    assert ears.heard == []


@pytest.fixture
def api(system: System) -> Api:
    """People and machines at the API, for what the page under test does not do."""
    return lambda name: api_person(system, name)


@pytest.fixture(scope="session")
def screenshots(pytestconfig: pytest.Config) -> Path:
    """Where pictures of pages go."""
    folder = pytestconfig.rootpath / ".truth" / "screenshots"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture
def job(api: Api) -> str:
    """A Job on Olga's Desk."""
    return new_job(api)


@pytest.fixture
def started(api: Api, job: str) -> str:
    """The same, claimed and begun by her."""
    command(api("olga"), job, "claim")
    command(api("olga"), job, "start")
    return job
