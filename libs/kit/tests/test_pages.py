"""The frame of all pages: headers, assets, forms, streams, limits."""

import asyncio
import hashlib
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import truth_kit.pages
from fastapi import Request
from truth_contracts.refusals import Refusal
from truth_kit.pages.limits import BUCKETS_MAX, Buckets
from truth_kit.pages.live import STREAMS_OF_ADDRESS_MAX, stream
from truth_kit.problems import Refused

from libs.kit.tests.pages_site import HTML, ISSUER, SAME_ORIGIN, URL, Browser, site

HERE = Path(truth_kit.pages.__file__).parent


@pytest.fixture
async def browser(tmp_path: Path) -> AsyncIterator[Browser]:
    async with site(tmp_path) as browser:
        yield browser


def test_what_is_not_ours_is_as_it_was_taken() -> None:
    lines = [line.split() for line in (HERE / "vendored/sha256").read_text().splitlines()]
    found = {name: hashlib.sha256((HERE / "static" / name).read_bytes()).hexdigest() for _, name in lines}
    assert found == {name: digest for digest, name in lines}
    assert len(found) == 2
    assert "Zero-Clause BSD" in (HERE / "vendored/htmx.LICENSE").read_text()


def test_our_style_is_short_and_nothing_is_inline() -> None:
    assert len((HERE / "static/kit.css").read_text().splitlines()) <= 300
    for template in (HERE / "templates").rglob("*.html"):
        assert re.findall(r"<style|\sstyle=|<script>|\son\w+=|javascript:", template.read_text()) == [], (
            template
        )


async def test_a_page_comes_with_a_strict_policy(browser: Browser) -> None:
    page = await browser.get("/open")
    policy = dict(part.split(" ", 1) for part in page.headers["content-security-policy"].split("; "))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == "'self'"
    assert policy["form-action"] == f"'self' {ISSUER}"
    assert policy["frame-ancestors"] == policy["base-uri"] == "'none'"
    assert page.headers["x-content-type-options"] == "nosniff"
    assert page.headers["cross-origin-opener-policy"] == "same-origin"
    assert page.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    "path", ["/open", "/nowhere", "/mine", "/api/nowhere", "/kit/0/kit.css", "/auth/callback"]
)
async def test_every_answer_is_closed(browser: Browser, path: str) -> None:
    headers = (await browser.get(path)).headers
    assert headers["content-security-policy"].startswith("default-src 'none'")
    assert headers["cross-origin-resource-policy"] == "same-origin"
    assert headers["referrer-policy"] == "same-origin"


async def test_what_a_page_links_to_is_there_for_ever(browser: Browser) -> None:
    page = (await browser.get("/open")).text
    linked = set(re.findall(r'(?:href|src)="(/kit/[^"#]+)"', page))
    assert {path.rpartition("/")[2] for path in linked} == {
        "kit.css",
        "kit.js",
        "htmx.js",
        "htmx-sse.js",
        "icons.svg",
    }
    for path in linked:
        found = await browser.get(path)
        assert (found.status_code, found.headers["cache-control"]) == (
            200,
            "public, max-age=31536000, immutable",
        )
    assert (
        await browser.get(re.sub(r"/kit/\w+/", "/kit/0123456789abcdef/", linked.pop()))
    ).status_code == 404


async def test_a_problem_reads_the_same_as_a_page_and_as_json(browser: Browser) -> None:
    page = await browser.get("/nowhere")
    data = await browser.client.get("/nowhere")
    assert (page.headers["content-type"], page.status_code) == ("text/html; charset=utf-8", 404)
    assert data.headers["content-type"] == "application/problem+json"
    told = data.json()
    assert all(told[name] in page.text for name in ("title", "detail", "code"))
    assert page.headers["x-request-id"] in page.text


async def test_a_live_part_without_a_session_is_not_sent_elsewhere(browser: Browser) -> None:
    assert (await browser.get("/live", Accept="text/html, text/event-stream")).status_code == 401


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        pytest.param(SAME_ORIGIN, 200, id="own page"),
        pytest.param({"Origin": URL}, 200, id="own page of an old browser"),
        pytest.param({"Sec-Fetch-Site": "same-site"}, 403, id="another port of this host"),
        pytest.param({"Sec-Fetch-Site": "cross-site"}, 403, id="another site"),
        pytest.param({"Sec-Fetch-Site": "none"}, 403, id="no page at all"),
        pytest.param({"Sec-Fetch-Site": "same-site", "Origin": URL}, 403, id="two stories"),
        pytest.param({"Origin": f"{URL}:8443"}, 403, id="another port, old browser"),
        pytest.param({"Origin": "null"}, 403, id="hidden origin"),
        pytest.param({}, 403, id="no header"),
    ],
)
async def test_forms_are_taken_from_own_pages_only(
    browser: Browser, headers: dict[str, str], status: int
) -> None:
    await browser.sign_in()
    answer = await browser.post("/mine", headers, words="hello")
    assert answer.status_code == status
    assert status == 200 or "cross_origin" in answer.text


async def test_a_form_without_a_session_is_told_to_sign_in(browser: Browser) -> None:
    refused = await browser.post("/mine", words="hello")
    assert refused.status_code == 401
    assert 'href="/sign-in"' in refused.text


async def test_a_form_is_read_trimmed_and_with_plain_line_ends(browser: Browser) -> None:
    await browser.sign_in()
    assert (await browser.post("/mine", words=" a\r\nb \r\n")).text == "a\nb"


@pytest.mark.parametrize(
    ("octets", "kind", "status"),
    [
        pytest.param(b"words=" + b"x" * 200, "application/x-www-form-urlencoded", 413, id="too long"),
        pytest.param(b"words=%ff", "application/x-www-form-urlencoded", 422, id="no text"),
        pytest.param(b"words=\xc3\xa4", "application/x-www-form-urlencoded", 422, id="not encoded"),
        pytest.param(b'{"words": "x"}', "application/json", 422, id="no form"),
        pytest.param(b"words=x", "text/plain", 422, id="another kind"),
    ],
)
async def test_what_is_no_form_is_refused(browser: Browser, octets: bytes, kind: str, status: int) -> None:
    await browser.sign_in()
    headers = HTML | SAME_ORIGIN | {"Content-Type": kind}
    assert (await browser.client.post("/mine", content=octets, headers=headers)).status_code == status


async def test_who_comes_too_often_is_told_when_to_come_back(browser: Browser) -> None:
    answers = [await browser.post("/often") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert 1 <= int(answers[2].headers["retry-after"]) <= 60


def test_a_bucket_fills_again_and_old_ones_are_forgotten() -> None:
    now = 0.0
    buckets = Buckets(lambda: now)
    assert [buckets.take("door", "a", 60, 1) for _ in range(2)] == [0.0, 1.0]
    assert buckets.take("door", "b", 60, 1) == 0.0
    now = 1.0
    assert buckets.take("door", "a", 60, 1) == 0.0
    for number in range(BUCKETS_MAX):
        buckets.take("door", str(number), 60, 1)
    assert buckets.take("door", "a", 60, 1) == 0.0  # its bucket was forgotten, which lets it in


async def test_a_stream_begins_with_the_whole_and_ends_when_told(browser: Browser) -> None:
    await browser.sign_in()
    streams = browser.app.state.streams
    drawn = iter(["<p>one</p>", "<p>one</p>", "<p>two\nlines</p>"])

    async def draw() -> str:
        return next(drawn)

    events: list[bytes] = []
    async for event in streams.follow(await draw(), draw):
        events.append(event)
        if len(events) == 2:
            browser.stopping.set()
    assert events == [b"data: <p>one</p>\n\n", b"data: <p>two\ndata: lines</p>\n\n"]


async def test_one_address_cannot_take_all_streams_even_in_a_burst(browser: Browser) -> None:
    await browser.sign_in()
    streams = browser.app.state.streams

    def open_them() -> int:
        return streams.open.total()

    asking = [asyncio.ensure_future(browser.get("/live")) for _ in range(STREAMS_OF_ADDRESS_MAX + 5)]
    late, _ = await asyncio.wait(asking, return_when=asyncio.FIRST_COMPLETED)
    while len(late) < 5:  # the others stay open
        late, _ = await asyncio.wait(asking, timeout=0.1)
    assert [one.result().status_code for one in late] == [429] * 5
    assert open_them() == STREAMS_OF_ADDRESS_MAX
    with streams.place("another address"):
        assert open_them() == STREAMS_OF_ADDRESS_MAX + 1
    browser.stopping.set()
    assert {(await one).status_code for one in asking} == {200, 429}
    assert open_them() == 0


async def test_a_stream_that_cannot_be_drawn_takes_no_place(browser: Browser) -> None:
    async def draw() -> str:
        raise Refused(Refusal("not_found", "There is nothing to draw."))

    with pytest.raises(Refused):
        await stream(Request({"type": "http", "app": browser.app, "client": ("192.0.2.1", 1)}), draw)
    assert browser.app.state.streams.open.total() == 0


async def test_a_stream_answers_as_events_and_ends_at_once_on_stop(browser: Browser) -> None:
    await browser.sign_in()
    asyncio.get_running_loop().call_later(0.1, browser.stopping.set)
    answer = await browser.get("/live")
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert answer.text == "data: <p>one</p>\n\n"
