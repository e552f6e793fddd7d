"""The page shows what the commands show, to this machine alone, and changes nothing."""

import socket
import threading
import time
from collections.abc import AsyncGenerator
from contextlib import suppress
from functools import partial
from pathlib import Path

import httpx
import pytest
from truth_console.options import opened
from truth_console.page.app import page
from truth_console.page.serving import served
from truth_local.demo.acting import wait_for
from truth_local.demo.walk import Walked


@pytest.fixture
async def reader(env: Path) -> AsyncGenerator[httpx.AsyncClient]:
    """Somebody who looks at the page."""
    with opened(env) as console:
        transport = httpx.ASGITransport(page(console))
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost", timeout=30) as client:
            yield client


async def test_the_flow_has_a_row_for_every_topic_and_service(reader: httpx.AsyncClient) -> None:
    shown = await reader.get("/")
    assert shown.status_code == 200
    for words in ("requests.submitted", "records → signals", "execution → records", "governance", "ready"):
        assert words in shown.text


async def test_a_trace_shows_eight_steps_that_hold(reader: httpx.AsyncClient, walked: Walked) -> None:
    shown = await reader.get("/trace", params={"ref": walked.record_id})
    assert shown.status_code == 200
    assert "At its end: Signal emitted" in shown.text
    assert shown.text.count('<th scope="row">') == 8
    assert shown.text.count("<td>holds</td>") == 4


@pytest.mark.parametrize(
    ("ref", "status", "words"),
    [
        ("", 200, "Trace a request"),
        ("<script>alert(1)</script>", 422, "That is not an id"),
        ("00000000-0000-0000-0000-000000000001", 404, "Nobody knows it"),
    ],
)
async def test_what_cannot_be_traced_is_told(
    reader: httpx.AsyncClient, ref: str, status: int, words: str
) -> None:
    shown = await reader.get("/trace", params={"ref": ref})
    assert (shown.status_code, words in shown.text) == (status, True)
    assert "<script>alert" not in shown.text


async def test_dead_letters_and_promises_are_shown(reader: httpx.AsyncClient) -> None:
    assert (await reader.get("/dead")).status_code == 200
    shown = await reader.get("/invariants")
    assert "A Task is promoted exactly when Create Job made its Job." in shown.text


async def test_every_answer_is_closed_to_scripts_frames_and_other_hosts(reader: httpx.AsyncClient) -> None:
    for path in ("/", "/dead", "/static/live.js", "/static/look.css", "/nothing"):
        headers = (await reader.get(path)).headers
        assert headers["content-security-policy"].startswith("default-src 'none'")
        assert headers["x-content-type-options"] == "nosniff"
    assert (await reader.get("/", headers={"host": "evil.example"})).status_code == 400


@pytest.mark.parametrize("path", ["/", "/trace", "/dead", "/invariants", "/live"])
async def test_nothing_can_be_changed_here(reader: httpx.AsyncClient, path: str) -> None:
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        assert (await reader.request(method, path)).status_code == 405


def test_the_flow_comes_live_whole_and_the_stream_ends_with_the_process(env: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with opened(env) as console:
        server = served(page(console), port)
        running = threading.Thread(target=server.run)
        running.start()
        wait_for(lambda: server.started or None, "a page that answers")
        with httpx.stream("GET", f"http://localhost:{port}/live", trust_env=False, timeout=30) as live:
            lines = live.iter_lines()
            events = [" ".join(iter(partial(next, lines), "")) for _ in range(2)]
            told_at = time.monotonic()
            server.should_exit = True
            with suppress(httpx.RemoteProtocolError):
                list(lines)
        running.join(30)
    assert all(event.startswith("data: <h1>") and "signals.emitted" in event for event in events)
    assert time.monotonic() - told_at < 5
