"""Parts as processes, with small programs in place of Kafka and PostgreSQL."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Generator
from pathlib import Path

import psutil
import pytest
from truth_local import processes
from truth_local.processes import MARK, Part, StartError

READY_THEN_WAIT = "import pathlib, signal, sys; pathlib.Path(sys.argv[1]).touch(); signal.pause()"
IGNORES_SIGTERM = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); " + READY_THEN_WAIT
WITH_A_CHILD = "import subprocess; subprocess.Popen(['sleep', '600']); " + READY_THEN_WAIT


@pytest.fixture
def folder(tmp_path: Path) -> Generator[Path]:
    (tmp_path / "run").mkdir()
    yield tmp_path
    processes.sweep(tmp_path)


def part(folder: Path, program: str, *, stop_seconds: float = 10, ready_seconds: float = 20) -> Part:
    flag = folder / "ready"
    return Part(
        name="part",
        command=(sys.executable, "-c", program, str(flag)),
        folder=folder,
        log=folder / "part.log",
        ready=flag.exists,
        stop_seconds=stop_seconds,
        ready_seconds=ready_seconds,
    )


def nothing() -> None:
    """Never gives up."""


def started(part: Part) -> psutil.Process:
    processes.start(part)
    processes.wait_ready(part, nothing)
    process = processes.find(part)
    assert process is not None
    return process


def alive(process: psutil.Process) -> bool:
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_a_part_is_started_once(folder: Path) -> None:
    first = started(part(folder, READY_THEN_WAIT))
    assert started(part(folder, READY_THEN_WAIT)).pid == first.pid


def test_a_part_is_found_by_another_program(folder: Path) -> None:
    process = started(part(folder, READY_THEN_WAIT))
    look = f"""
from pathlib import Path
from truth_local.processes import Part, find
found = find(Part("part", (), Path({str(folder)!r}), Path(), bool))
raise SystemExit(found is None or found.pid != {process.pid})
"""
    subprocess.run([sys.executable, "-c", look], check=True, timeout=20)  # noqa: S603 our own text


def test_a_part_has_a_session_of_its_own(folder: Path) -> None:
    process = started(part(folder, READY_THEN_WAIT))
    assert os.getsid(process.pid) == process.pid  # so that Ctrl-C at the terminal does not reach it


def test_stop_ends_it(folder: Path) -> None:
    process = started(part(folder, READY_THEN_WAIT))
    processes.stop(part(folder, READY_THEN_WAIT))
    assert not alive(process)
    assert processes.find(part(folder, READY_THEN_WAIT)) is None


def test_stop_kills_what_does_not_end(folder: Path) -> None:
    stubborn = part(folder, IGNORES_SIGTERM, stop_seconds=0.2)
    process = started(stubborn)
    processes.stop(stubborn)
    assert not alive(process)


def test_stop_ends_a_frozen_part(folder: Path) -> None:
    frozen = part(folder, READY_THEN_WAIT)
    process = started(frozen)
    processes.freeze(frozen)
    assert process.status() == psutil.STATUS_STOPPED
    processes.stop(frozen)
    assert not alive(process)


def test_a_thawed_part_goes_on(folder: Path) -> None:
    frozen = part(folder, READY_THEN_WAIT)
    process = started(frozen)
    processes.freeze(frozen)
    processes.thaw(frozen)
    assert process.status() != psutil.STATUS_STOPPED


def test_kill_takes_the_children_too(folder: Path) -> None:
    parent = part(folder, WITH_A_CHILD)
    process = started(parent)
    (child,) = process.children()
    processes.kill(parent)
    assert not alive(process)
    assert not alive(child)


@pytest.mark.parametrize("end", [processes.kill, processes.stop])
def test_a_part_that_is_started_again_while_it_is_ended_stays_known(
    folder: Path, monkeypatch: pytest.MonkeyPatch, end: Callable[[Part], None]
) -> None:
    one = part(folder, READY_THEN_WAIT)
    ended, gone = started(one), vars(processes)["_gone"]

    def gone_and_started_again(process: psutil.Process, seconds: float) -> bool:
        is_gone = gone(process, seconds)
        processes.start(one)  # a supervisor sees it dead before we do
        return is_gone

    monkeypatch.setattr(processes, "_gone", gone_and_started_again)
    end(one)
    again = processes.find(one)
    assert again is not None
    assert again.pid != ended.pid


def test_stop_of_what_does_not_run_is_fine(folder: Path) -> None:
    processes.stop(part(folder, READY_THEN_WAIT))
    processes.kill(part(folder, READY_THEN_WAIT))


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty"),
        pytest.param("{", id="cut off"),
        pytest.param("{}", id="another shape"),
        pytest.param(json.dumps({"pid": 2**22 + 1, "created": 1.0}), id="nobody has the number"),
        pytest.param(json.dumps({"pid": os.getpid(), "created": 1.0}), id="another program has the number"),
    ],
)
def test_a_stale_run_file_is_nobody(folder: Path, text: str) -> None:
    stale = part(folder, READY_THEN_WAIT)
    stale.run_file.write_text(text)
    assert processes.find(stale) is None
    assert started(stale).is_running()


def test_a_part_that_dies_tells_its_last_words(folder: Path) -> None:
    dying = part(folder, "print('no such table'); raise SystemExit(3)")
    processes.start(dying)
    with pytest.raises(
        StartError, match=r"part ended while starting\.\nLast lines of .*part\.log:\n  no such table"
    ):
        processes.wait_ready(dying, nothing)


def test_a_part_that_is_never_ready_is_told(folder: Path) -> None:
    slow = part(folder, "import signal; signal.pause()", ready_seconds=0.2)
    processes.start(slow)
    with pytest.raises(StartError, match="part was not ready within"):
        processes.wait_ready(slow, nothing)


def test_waiting_can_be_given_up(folder: Path) -> None:
    def given_up() -> None:
        raise InterruptedError

    slow = part(folder, "import signal; signal.pause()")
    processes.start(slow)
    with pytest.raises(InterruptedError):
        processes.wait_ready(slow, given_up)


def test_sweep_finds_what_nobody_wrote_down(folder: Path) -> None:
    orphan = started(part(folder, READY_THEN_WAIT))
    part(folder, "").run_file.unlink()
    with subprocess.Popen(["sleep", "600"], env={MARK: f"{folder}-another", "PATH": os.defpath}) as stranger:  # noqa: S607 sleep
        assert processes.sweep(folder) == 1
        assert not alive(orphan)
        assert stranger.poll() is None
        stranger.send_signal(signal.SIGKILL)


def test_a_failed_preparation_tells_the_command_and_its_words(folder: Path) -> None:
    alarm = folder / "false-alarm"
    alarm.symlink_to(sys.executable)
    with pytest.raises(StartError, match=r"kafka could not be prepared: `false-alarm -c .*` failed\.\nwrong"):
        processes.run(folder, "kafka", [str(alarm), "-c", "raise SystemExit('wrong')"], {})
