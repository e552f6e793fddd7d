"""The whole path as people walk it, and what each of them sees at each step; the same with scripts off."""

from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import pytest
from playwright.sync_api import FilePayload, Locator, Page, expect
from truth_local.demo.photo import take_photo

from tests.browser.asking import KITCHEN, fill, send, state
from tests.browser.desk import OFFLINE, PHONE, note, take
from tests.browser.looking import Ears
from tests.browser.people import Api, People
from tests.browser.verifying import give, verdict

SECONDS_MAX = 20_000
"""For news to come by, in milliseconds: a phone tries again at growing intervals."""

Picture = Callable[[Page, str], None]


@pytest.fixture
def picture(screenshots: Path) -> Picture:
    """Keeps what a page shows; `make screenshots` puts it into the README."""

    def keep(page: Page, name: str) -> None:
        page.evaluate("scrollTo(0, 0)")
        page.screenshot(path=screenshots / f"{name}.png")

    return keep


@pytest.fixture
def unphotographed(api: Api) -> str:
    """A surface whose one stage needs no photo."""
    stages = [{"name": "wash", "evidence_required": False}]
    body: dict[str, object] = {"title": "Window cleaning", "maturity": "live", "stages": stages}
    api("ada").ask("PUT", "intake", "/api/surfaces/window-cleaning", body)
    return "window-cleaning"


def test_four_people_walk_a_request_to_its_signal(person: People, ears: Ears, picture: Picture) -> None:
    """Rita on the form, Ada in review, Olga on a phone that is offline half of the time, and a stranger."""
    ears.allowed += OFFLINE
    rita = person(None, "intake", KITCHEN)
    summary = fill(rita, f"Tap in flat {uuid4().int % 1_000_000} drips")
    picture(rita, "form")
    reference = send(rita)
    expect(state(rita, "Task")).to_have_text("pending review")
    expect(state(rita, "Create Job")).to_have_text("none")

    ada = open_task(person, summary)
    review(ada, rita)
    create_job(ada, rita, picture)

    olga = person("olga", "execution", "/desk", viewport=PHONE)
    olga.locator(".jobs a", has_text=summary).click()
    photos = work(olga, rita, picture)
    expect(ada.locator("#standing .chip", has_text="Job")).to_contain_text("closed")

    for step, told in (("ServiceEvent", "completed"), ("Record", "sealed"), ("Signal", "emitted")):
        expect(state(rita, step)).to_have_text(told, timeout=SECONDS_MAX)
    bundle = read_record(person, reference, picture)
    verify(person, bundle, photos, summary)


def open_task(person: People, summary: str, *, scripts: bool = True) -> Page:
    """Ada at the Task, found in her queue, which is oldest first."""
    ada = person("ada", "governance", "/tasks?state=pending_review", scripts=scripts)
    row = ada.locator("tr", has_text=summary)
    while not row.count():
        ada.click("text=Newer ones")
    row.locator("a").click()
    expect(ada.locator("h1")).to_have_text(summary)
    return ada


def review(ada: Page, rita: Page) -> None:
    """Approve and assign. Rita sees the Task move on, and that there is no Job."""
    expect(ada.locator(".asked").first).to_have_text("All night long.")
    ada.fill("#note", "Looks right.")
    ada.click("button:text-is('Approve')")
    expect(state(rita, "Task")).to_have_text("approved")
    ada.select_option("#operator_id", "olga")
    ada.click("button:text-is('Assign')")
    expect(state(rita, "Task")).to_have_text("assigned")
    expect(state(rita, "Job")).to_have_text("none")


def create_job(ada: Page, rita: Page, picture: Picture) -> None:
    """The gate: nothing is ordered until Ada confirms what the dialog shows."""
    ada.click("text=Create Job…")
    expect(ada.locator("dialog#create")).to_contain_text("be undone")
    expect(ada.locator("dialog#create")).to_contain_text("Olga Orlova")
    expect(state(rita, "Create Job")).to_have_text("none")
    picture(ada, "create-job")
    ada.locator("dialog button", has_text="Create Job").click()
    expect(ada.locator("#standing")).to_contain_text("Execution has the Job")
    expect(state(rita, "Create Job")).to_have_text("created")
    expect(state(rita, "Job")).to_have_text("queued")
    expect(state(rita, "ServiceEvent")).to_have_text("none")


def work(olga: Page, rita: Page, picture: Picture) -> list[bytes]:
    """Each stage is worked without a connection and received with one; the photos that were taken."""
    olga.click("text=Claim this Job")
    expect(olga.locator("#state")).to_contain_text("Work is not started")
    expect(state(rita, "Job")).to_have_text("claimed")
    olga.context.set_offline(True)
    olga.click("text=Start the work")
    photos = [work_stage(olga, 1, "inspect", "The washer is worn.")]
    expect(on_the_phone(olga, "On this phone")).to_have_count(4)
    expect(state(rita, "ServiceEvent")).to_have_text("none")
    olga.context.set_offline(False)
    expect(on_the_phone(olga, "Received")).to_have_count(4, timeout=SECONDS_MAX)
    expect(state(rita, "ServiceEvent")).to_have_text("in progress")
    expect(olga.locator("button", has_text="Stage 2 is done")).to_be_visible()
    olga.context.set_offline(True)
    photos.append(work_stage(olga, 2, "repair", "A new washer is in."))
    expect(on_the_phone(olga, "On this phone")).to_have_count(3)
    picture(olga, "desk")
    olga.context.set_offline(False)
    expect(on_the_phone(olga, "Received")).to_have_count(7, timeout=SECONDS_MAX)
    finish(olga, 3)
    return photos


def work_stage(olga: Page, n: int, stage: str, words: str) -> bytes:
    """A photo and a note, and the stage is done; the photo."""
    taken = take_photo(words)
    photo: FilePayload = {"name": f"{stage}.jpg", "mimeType": "image/jpeg", "buffer": taken}
    take(olga, photo, stage=stage)
    note(olga, words)
    olga.click(f"text=Stage {n} is done")
    return taken


def on_the_phone(olga: Page, standing: str) -> Locator:
    """The items that stand like that."""
    return olga.locator("#items [data-state]", has_text=standing)


def finish(olga: Page, n: int) -> None:
    """The last stage, and the completion, which settles nothing."""
    last = olga.locator("button", has_text=f"Stage {n} is done")
    last.click()
    expect(last).to_have_count(0, timeout=SECONDS_MAX)
    olga.click("text=Complete…")
    olga.check("[name=outcome][value=fulfilled]")
    olga.click("text=Complete the Job")
    expect(olga.locator("#state")).to_contain_text("Completed. Sealing. Not settled.", timeout=SECONDS_MAX)


def read_record(person: People, reference: str, picture: Picture) -> Path:
    """Vera opens the newest Record, checked on her device, and its Signal; the bundle that she downloads."""
    vera = person("vera", "records", "/records")
    vera.locator("tbody a").first.click()
    expect(vera.locator("main")).to_contain_text(reference.removeprefix("R-"))
    verdict(vera, "Verified", "On this device")
    expect(vera.locator(".path li.done")).to_have_count(7)
    picture(vera, "record")
    with vera.expect_download() as download:
        vera.click("text=Download the bundle")
    vera.click("text=Its Signal, or why there is none")
    expect(vera.locator("h1")).to_have_text("A Signal was issued")
    return download.value.path()


def verify(person: People, bundle: Path, photos: list[bytes], summary: str) -> None:
    """A stranger with the files sees what was asked and that it is whole, but not for whom."""
    stranger = person(None, "records", "/verify")
    named = {f"{number:04}.jpg": octets for number, octets in enumerate(photos, start=1)}
    give(stranger, {"record.bundle.json": bundle.read_bytes(), **named})
    verdict(stranger, "Verified", "On this device")
    expect(stranger.locator("#checks")).to_contain_text("evidence complete: yes")
    expect(stranger.locator("#content")).to_contain_text(summary)
    expect(stranger.locator("main")).not_to_contain_text("Rita")


def test_with_scripts_off_the_path_is_walked_to_completion(person: People, unphotographed: str) -> None:
    """No live part, no outbox, no passkey: forms, and a link to look again."""
    rita = person(None, "intake", f"/request/{unphotographed}", scripts=False)
    summary = fill(rita, f"Dull windows in flat {uuid4().int % 1_000_000}")
    send(rita)
    until(rita, "Task", "pending review")

    ada = open_task(person, summary, scripts=False)
    ada.click("button:text-is('Approve')")
    ada.select_option("#operator_id", "olga")
    ada.click("button:text-is('Assign')")
    ada.click("text=Create Job…")
    ada.locator("dialog button", has_text="Create Job").click()
    expect(ada.locator(".log")).to_contain_text("Created the Job")
    until(rita, "Job", "queued")

    olga = person("olga", "execution", "/desk", viewport=PHONE, scripts=False)
    olga.locator(".jobs a", has_text=summary).click()
    olga.click("text=Claim this Job")
    olga.click("text=Start the work")
    note(olga, "Washed twice.")
    finish(olga, 1)
    expect(olga.locator("#account")).to_contain_text("Washed twice.")
    until(rita, "Record", "sealed")


def until(rita: Page, step: str, told: str) -> None:
    """Look again until the tracker tells it."""
    for _ in range(40):
        if state(rita, step).inner_text() == told:
            return
        rita.wait_for_timeout(250)
        rita.click("text=Look again")
    raise AssertionError(f"{step} never was {told}")
