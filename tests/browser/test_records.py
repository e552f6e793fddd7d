"""Records' and signals' pages in a real browser: acceptance points D1 to D6, and the verifier offline."""

import time
from collections.abc import Callable, Generator
from datetime import datetime
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect
from truth_local.demo import acting, doors, walk
from truth_local.demo.walk import People as Actors
from truth_local.demo.walk import Walked, unseen
from truth_local.system import System
from truth_sealing.page import single_file

from tests.browser.looking import Ears, look
from tests.browser.people import People
from tests.browser.verifying import give, verdict

LACKING_ED25519 = """
    const importKey = crypto.subtle.importKey.bind(crypto.subtle);
    crypto.subtle.importKey = (format, key, algorithm, ...rest) => algorithm === "Ed25519"
        ? Promise.reject(new DOMException("Unrecognized name.", "NotSupportedError"))
        : importKey(format, key, algorithm, ...rest);
"""
"""What browsers before 2025 answered."""


@pytest.fixture(scope="module")
def actors(system: System) -> Actors:
    return walk.people(system)


@pytest.fixture(scope="module")
def walked(actors: Actors) -> Walked:
    """A request at the end of its path, for tests that only look."""
    asked = doors.request("kitchen-repairs", "Tap drips", "All night long.")
    return walk.walk("live", doors.over_http("live", asked, actors, unseen), actors, unseen)


@pytest.fixture(scope="module")
def partial(actors: Actors) -> Walked:
    """The same on a partial surface."""
    asked = doors.request("roof-inspections", "Look at the ridge", "After the storm.")
    return walk.walk("partial", doors.over_http("partial", asked, actors, unseen), actors, unseen)


@pytest.fixture(scope="module")
def bundle(walked: Walked, actors: Actors) -> bytes:
    return actors.auditor.raw("GET", "records", f"/records/{walked.record_id}/bundle").content


@pytest.fixture
def alone(chromium: Browser, system: System, ears: Ears, tmp_path: Path) -> Generator[Callable[[], Page]]:
    """The verifier as one file, opened from the disk by a browser with the network cut."""
    urls = [f"{system.urls['records']}/.well-known/runtime-truth/{name}" for name in ("policy", "keys.json")]
    policy, keys = (acting.lasting_client().get(url).content for url in urls)
    (tmp_path / "verify.html").write_bytes(single_file(policy, keys))
    contexts = [chromium.new_context(offline=True)]

    def opened() -> Page:
        page = contexts[0].new_page()
        ears.listen(page)
        page.goto((tmp_path / "verify.html").as_uri())
        return page

    yield opened
    contexts[0].close()
    assert ears.heard == []


def flipped(octets: bytes, after: bytes) -> bytes:
    at = octets.index(after) + len(after) + 3
    return octets[:at] + bytes([octets[at] ^ 1]) + octets[at + 1 :]


def test_d1_a_record_opens_verified_within_five_seconds_of_completion(
    person: People, actors: Actors, system: System
) -> None:
    auditor = person("vera", "records", "/records")
    asked = doors.request("kitchen-repairs", "Tap drips again", "Drip.")
    done = walk.walk("d1", doors.over_http("d1", asked, actors, unseen), actors, unseen)
    record = actors.auditor.get("records", f"/api/records/{done.record_id}")["members"]
    completed, sealed = (datetime.fromisoformat(record[name]) for name in ("completed_at", "recorded_at"))
    began = time.monotonic()
    auditor.goto(f"{system.urls['records']}/records/{done.record_id}")
    verdict(auditor, "Verified", "On this device")
    assert (sealed - completed).total_seconds() + time.monotonic() - began < 5
    expect(auditor.locator("#checks li.no")).to_have_count(0)
    expect(auditor.locator("#checks")).to_contain_text("evidence complete: yes")
    look(auditor)


def test_a_record_is_listed_for_its_operator_and_shown_with_its_path(person: People, walked: Walked) -> None:
    operator = person("olga", "records", "/records")
    look(operator)
    operator.locator(f"a[href='/records/{walked.record_id}']").click()
    verdict(operator, "Verified")
    steps = operator.locator(".path li b").all_inner_texts()
    assert steps == ["Request", "Intake", "Task", "Create Job", "Job", "ServiceEvent", "Record", "Signal"]
    shown = "[...document.images].every((image) => image.complete && image.naturalWidth > 0)"
    assert operator.evaluate(shown) is True
    assert operator.locator(".photos img").count() == len(walked.photos)


def test_d2_a_bundle_is_verified_with_the_network_cut(
    alone: Callable[[], Page], walked: Walked, bundle: bytes
) -> None:
    page = alone()
    verdict(page, "Nothing checked yet")
    look(page)
    give(page, {"record.bundle.json": bundle, **photos(walked)})
    verdict(page, "Verified", "On this device")
    expect(page.locator("#checks")).to_contain_text("evidence complete: yes")
    expect(page.locator("#content")).to_contain_text("Tap drips")
    expect(page.locator("#content")).not_to_contain_text("Rita")
    look(page)
    page.click("#clear")
    page.fill("#pasted", bundle.decode())
    page.click("#check")
    verdict(page, "Verified")


@pytest.mark.parametrize(
    ("after", "named"),
    [
        pytest.param(b'"record":"{', "integrity", id="text"),
        pytest.param(b"tlog-proof@v1\\nindex 0", "integrity", id="proof"),
        pytest.param(b"/log\\n", "integrity", id="checkpoint"),
        pytest.param(b"/log ", "logged", id="the log's signature"),
    ],
)
def test_d2_one_flipped_byte_fails_and_is_named(
    alone: Callable[[], Page], bundle: bytes, after: bytes, named: str
) -> None:
    mark = after if after in bundle else after[:-1]  # a log of another size has other digits
    page = alone()
    give(page, {"record.bundle.json": flipped(bundle, mark)})
    expect(page.locator("#verdict strong")).to_contain_text("Failed: ")
    expect(page.locator("#verdict strong")).to_contain_text(named)
    expect(page.locator("#content")).to_be_hidden()
    look(page)


def test_d2_one_flipped_byte_of_a_photo_fails_and_names_the_photo(
    alone: Callable[[], Page], walked: Walked, bundle: bytes
) -> None:
    first, *rest = photos(walked).items()
    page = alone()
    give(page, {"record.bundle.json": bundle, first[0]: flipped(first[1], b"\xff\xd8"), **dict(rest)})
    verdict(page, "Failed: evidence complete", f"{first[0]} is not the evidence it is given as")


def test_a_browser_without_ed25519_says_that_it_cannot_check(person: People, bundle: bytes) -> None:
    page = person(None, "records", "/verify")
    page.context.add_init_script(LACKING_ED25519)
    page.reload()
    give(page, {"record.bundle.json": bundle})
    verdict(page, "Cannot check now", "does not know Ed25519")
    expect(page.locator("#findings")).to_be_hidden()


def test_keys_of_ones_own_take_the_place_of_the_pages(person: People, bundle: bytes) -> None:
    page = person(None, "records", "/verify")
    give(page, {"record.bundle.json": bundle})
    verdict(page, "Verified")
    give(page, {"policy": b"quorum none\n"})
    verdict(page, "Failed: logged", "not signed by a pinned key")
    page.click("#clear")
    verdict(page, "Nothing checked yet")
    look(page)


def test_script_in_a_bundle_and_in_names_of_files_is_shown_as_text(person: People, actors: Actors) -> None:
    script = "<img src=x onerror=alert(1)><script>alert(2)</script>"
    asked = doors.request("kitchen-repairs", script, script) | {"place": script}
    done = walk.walk("script", doors.over_http("script", asked, actors, unseen), actors, unseen)
    path = f"/records/{done.record_id}"
    record, stranger = person("vera", "records", path), person(None, "records", "/verify")
    verdict(record, "Verified")
    assert record.locator("img[src=x]").count() == 0
    name = "<img src=x onerror=alert(1)>.bundle.json"
    give(stranger, {name: actors.auditor.raw("GET", "records", f"{path}/bundle").content, **photos(done)})
    verdict(stranger, "Verified")
    expect(stranger.locator("#named li").first).to_have_text(name)
    expect(stranger.locator("#members dd", has_text=script)).to_have_count(2)  # what was asked for, and where
    assert stranger.locator("img[src=x]").count() == 0


def test_a_reference_is_checked_and_shows_no_content(person: People, walked: Walked) -> None:
    page = person(None, "records", f"/verify/{walked.record_id}")
    verdict(page, "Verified: sealed in the log", "Its content is withheld")
    expect(page.locator("main")).not_to_contain_text("fulfilled")
    look(page)


def test_d3_nothing_on_the_pages_can_change_a_record_or_a_signal(
    person: People, walked: Walked, actors: Actors
) -> None:
    for service in ("records", "signals"):
        paths = actors.auditor.get(service, "/openapi.json")["paths"]
        own = [(path, method) for path, methods in paths.items() for method in methods if "/ops/" not in path]
        assert {method for _, method in own} == {"get"}, own
        assert actors.admin.raw("POST", service, f"/api/{service}", {}).status_code == 405
    page = person("ada", "records", f"/records/{walked.record_id}")
    assert page.locator("main form, main input, main textarea").count() == 0


def test_d4_a_partial_surface_is_told_and_its_signal_withheld_with_the_reason(
    person: People, partial: Walked
) -> None:
    record = person("vera", "records", f"/records/{partial.record_id}")
    verdict(record, "Verified")
    expect(record.locator("main")).to_contain_text("partial")
    record.click("text=Its Signal, or why there is none")
    expect(record.locator("h1")).to_have_text("The Signal was withheld")
    expect(record.locator("main")).to_contain_text("the surface's maturity is partial")
    look(record)


def test_d5_with_records_stopped_the_signal_page_stands(
    person: People, walked: Walked, system: System
) -> None:
    record_id = walked.record_id
    system.stop("records-1")
    try:
        page = person(None, "signals", f"/signals?record={record_id}")
        expect(page.locator("h1")).to_have_text("A Signal was issued")
        link = page.locator(f"a[href='{system.urls['records']}/verify/{record_id}']")
        expect(link).to_be_visible()
        look(page)
    finally:
        system.start("records-1")


def test_d6_digests_are_grouped_and_a_copy_is_announced(
    person: People, walked: Walked, actors: Actors
) -> None:
    page = person("vera", "records", f"/records/{walked.record_id}")
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    digest = str(actors.auditor.get("records", f"/api/records/{walked.record_id}")["sha256"])
    seal = page.locator("section", has=page.locator("h2:text-is('The seal')"))
    grouped = " ".join(digest[start : start + 4] for start in range(0, 64, 4))
    expect(seal.locator(".hash").first).to_have_text(grouped)
    seal.locator("button", has_text="Copy the digest").first.click()
    expect(page.locator("#announcer")).to_have_text("Copied")
    assert page.evaluate("navigator.clipboard.readText()") == digest


def photos(walked: Walked) -> dict[str, bytes]:
    """The photos under names as people keep them."""
    return {f"{number:04}.jpg": octets for number, octets in enumerate(walked.photos.values(), start=1)}
