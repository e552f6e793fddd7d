"""What the tests of the Desk do in it, as an operator with a phone."""

import io
import os
import signal
from pathlib import Path
from random import Random
from typing import Any
from uuid import uuid4

from PIL import Image
from playwright.sync_api import FilePayload, Locator, Page
from truth_local.demo.acting import approve, assign, create_job, job_of, prepare, task_of, wait_for

from tests.browser.people import Api, People

PHONE = (390, 844)
OFFLINE = ("Failed to load resource: net::ERR", "htmx: htmx:error: Failed to fetch")
"""What Chromium, and htmx of its live part, say on the console when a connection is gone."""
RECEIVED = 20_000
"""For a phone to have sent what it holds, in milliseconds: it tries again at growing intervals."""


def new_job(api: Api, surface: str = "kitchen-repairs", summary: str = "The tap drips") -> str:
    """A Job on Olga's Desk, from a request of an upstream's."""
    admin = api("ada")
    body = {
        "request_key": str(uuid4()),
        "surface": surface,
        "summary": summary,
        "description": "All night long.",
    }
    request = api("acme").post(
        "intake", "/api/requests", body | {"requester": {"name": "Rita Ramos"}, "place": "12 Mill Lane"}
    )
    request_id = request["request_id"]
    task = approve(admin, wait_for(lambda: task_of(admin, request_id), "Task"))
    task = assign(admin, task, "olga")
    create_job(admin, task, prepare(admin, task)["digest"])
    return wait_for(lambda: job_of(admin, request_id), "Job")["job_id"]


def account(api: Api, job_id: str) -> dict[str, Any]:
    """The ServiceEvent of a Job as execution tells it."""
    return api("olga").get("execution", f"/api/jobs/{job_id}")["service_event"]


def photo(seed: str, size: tuple[int, int] = (640, 480)) -> FilePayload:
    """A photo like no other."""
    written = io.BytesIO()
    noise = Random(seed).randbytes(size[0] * size[1] * 3)  # noqa: S311 a picture
    Image.frombytes("RGB", size, noise).save(written, "JPEG", quality=90)
    return {"name": f"{seed}.jpg", "mimeType": "image/jpeg", "buffer": written.getvalue()}


def take(page: Page, *photos: FilePayload, stage: str = "inspect") -> None:
    """Photos, as the phone's camera hands them over."""
    for one in photos:
        page.set_input_files(f"[data-origin=captured][data-stage='{stage}']", one)


def note(page: Page, words: str) -> None:
    """A note on the stage that is open."""
    page.fill("textarea[name=text] >> visible=true", words)
    page.click("text=Add the note >> visible=true")


def items(page: Page) -> Locator:
    """What the page lists as being on this phone."""
    return page.locator("#items > li")


def states(page: Page) -> list[str]:
    """How it says that they stand, in their order."""
    return page.locator("#items [data-state]").all_inner_texts()


def at_job(person: People, job_id: str) -> Page:
    """Olga's phone at a Job, which she could read without a connection."""
    page = person("olga", "execution", f"/jobs/{job_id}", viewport=PHONE)
    until_kept(page)
    return page


def until_kept(page: Page, path: str = "") -> None:
    """Until the page, or another, could be read without a connection."""
    wait_for(lambda: page.evaluate(_IS_KEPT, path) or None, "page on the phone")


_IS_KEPT = "async (path) => !!navigator.serviceWorker.controller && !!(await caches.match(path || location.pathname))"


def kill(folder: Path) -> None:
    """The browser of this profile, at once, as a phone whose battery is empty."""
    mark = f"--user-data-dir={folder}".encode()
    for process in Path("/proc").glob("[0-9]*"):
        try:
            words = (process / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if mark in words and not any(word.startswith(b"--type=") for word in words):
            os.kill(int(process.name), signal.SIGKILL)
