"""`python -m truth_local up` and `down`, interrupted where it hurts."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
from truth_local import ports, processes

SECONDS = 60
INTERRUPTED = 130


@pytest.fixture
def folder() -> Generator[Path]:
    base = Path(tempfile.mkdtemp(prefix="truth-"))
    yield base / ".truth"
    processes.sweep(base / ".truth")
    shutil.rmtree(base)


def environment() -> dict[str, str]:
    chosen = ports.free().of
    moved = {ports.setting(part): str(port) for part, port in chosen.items()}
    return {name: value for name, value in os.environ.items() if not name.startswith("TRUTH_")} | moved


def truth_local(folder: Path, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "truth_local", "--folder", str(folder), *arguments]
    return subprocess.run(  # noqa: S603 our own command
        command, env=environment() | settings, capture_output=True, text=True, timeout=SECONDS, check=False
    )


@contextmanager
def coming_up(folder: Path, until: str) -> Generator["subprocess.Popen[str]"]:
    """An `up` that has told `until`."""
    command = [sys.executable, "-u", "-m", "truth_local", "--folder", str(folder), "up"]
    with subprocess.Popen(  # noqa: S603 our own command
        command, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as starting:
        assert starting.stdout is not None
        assert any(until in line for line in starting.stdout)
        try:
            yield starting
        finally:
            starting.stdout.read()
            starting.wait(SECONDS)


def marked(folder: Path) -> list[str]:
    """The processes that carry this system's mark."""
    found: list[str] = []
    for process in psutil.process_iter():
        try:
            if process.environ().get(processes.MARK) == str(folder):
                found.append(" ".join(process.cmdline()))
        except psutil.Error:
            continue
    return found


@pytest.mark.parametrize(
    ("until", "number"),
    [("postgres: making its cluster", signal.SIGTERM), ("kafka: starting", signal.SIGINT)],
)
def test_an_interrupted_up_leaves_no_process(folder: Path, until: str, number: signal.Signals) -> None:
    with coming_up(folder, until) as starting:
        starting.send_signal(number)
    assert starting.returncode == INTERRUPTED
    assert not marked(folder)


def test_down_ends_what_a_killed_up_left_and_up_gets_over_it(folder: Path) -> None:
    with coming_up(folder, "postgres: making databases") as starting:
        starting.kill()
    assert marked(folder)
    ended = truth_local(folder, "down")
    assert (ended.returncode, ended.stdout.splitlines()[-1]) == (0, "Down.")
    assert not marked(folder)
    with coming_up(folder, "kafka: ready") as starting:
        starting.send_signal(signal.SIGINT)
    assert not marked(folder)


def test_down_where_nothing_ever_was(folder: Path) -> None:
    ended = truth_local(folder, "down")
    assert (ended.returncode, ended.stdout) == (0, "It was not up.\n")
    assert not folder.exists()


def test_status_and_token_where_nothing_ever_was(folder: Path) -> None:
    assert truth_local(folder, "status").returncode == 1
    asked = truth_local(folder, "token", "ada")
    assert (asked.returncode, asked.stdout) == (1, "")
    assert not folder.exists()


def test_a_taken_port_is_named_and_nothing_is_left(folder: Path) -> None:
    port = ports.free().of["issuer"]
    with subprocess.Popen([sys.executable, "-c", LISTEN, str(port)], stdout=subprocess.PIPE) as stranger:  # noqa: S603
        assert stranger.stdout is not None
        stranger.stdout.readline()
        came = truth_local(folder, "up", TRUTH_PORT_ISSUER=str(port))
        stranger.kill()
    assert came.returncode == 1
    assert (
        f"Port {port}, which issuer needs, is taken by another program. Set TRUTH_PORT_ISSUER" in came.stdout
    )
    assert not marked(folder)


LISTEN = """
import socket, sys
with socket.create_server(("127.0.0.1", int(sys.argv[1]))) as server:
    print("listening", flush=True)
    while True:
        server.accept()
"""


def test_two_downs_wait_for_each_other(folder: Path) -> None:
    with coming_up(folder, "issuer: starting") as starting:
        command = [sys.executable, "-u", "-m", "truth_local", "--folder", str(folder), "down"]
        with subprocess.Popen(command, env=environment(), stdout=subprocess.PIPE, text=True) as ending:  # noqa: S603
            assert ending.stdout is not None
            assert "waiting for another up or down to end" in ending.stdout.readline()
            starting.send_signal(signal.SIGINT)
            started = time.monotonic()
            assert ending.wait(SECONDS) == 0
            assert time.monotonic() - started < SECONDS
    assert not marked(folder)
