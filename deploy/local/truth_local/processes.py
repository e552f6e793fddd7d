"""The parts as processes: started detached, found again by any later command, stopped, killed, frozen."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil

MARK = "TRUTH_LOCAL_FOLDER"  # in the environment of every process of a system; what `sweep` looks for
_POLL_SECONDS = 0.05
_KILL_SECONDS = 10
_COMMAND_SECONDS = 120
_LOG_LINES = 15
_CLOCK_SECONDS = 2  # how far two readings of one creation time may differ
_children: dict[int, "subprocess.Popen[bytes]"] = {}  # those of this very process, which must reap them


class StartError(RuntimeError):
    """A part did not come up; the message names it and ends with the last lines of its log."""


class StopError(RuntimeError):
    """A part outlived SIGKILL, or went on after SIGSTOP."""


@dataclass(frozen=True, slots=True)
class Part:
    """One process of the system."""

    name: str
    command: tuple[str, ...]
    folder: Path  # of the whole system
    log: Path
    ready: Callable[[], bool]
    environment: Mapping[str, str] = field(default_factory=dict[str, str])
    user: str | None = None
    stop_signal: signal.Signals = signal.SIGTERM
    stop_seconds: float = 30
    ready_seconds: float = 90

    @property
    def run_file(self) -> Path:
        """Tells later commands which process this part is."""
        return self.folder / "run" / f"{self.name}.json"


def find(part: Part) -> psutil.Process | None:
    """The running process of a part. A stale file, or a process id that came to another program, is none."""
    return _recorded(part.run_file)


def start(part: Part) -> None:
    """Start a part, detached from this terminal, unless it runs already; returns before it is ready."""
    if find(part) is not None:
        return
    environment = {**part.environment, MARK: str(part.folder)}
    with part.log.open("ab") as log:
        child = subprocess.Popen(  # noqa: S603 our own commands
            part.command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            env=environment,
            cwd="/",
            start_new_session=True,
            user=part.user,
            group=None if part.user is None else _group(part.user),
            extra_groups=None if part.user is None else [],
        )
    _children[child.pid] = child
    with suppress(psutil.NoSuchProcess):  # already dead: wait_ready tells
        created = psutil.Process(child.pid).create_time()
        part.run_file.write_text(json.dumps({"pid": child.pid, "created": created}))


def run(
    folder: Path, name: str, command: Sequence[str], environment: Mapping[str, str], user: str | None = None
) -> None:
    """Run a command of a part's preparation to its end; raises StartError when it fails."""
    ran = subprocess.run(  # noqa: S603 our own commands
        command,
        env={**environment, MARK: str(folder)},
        cwd="/",
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=_COMMAND_SECONDS,
        check=False,
        user=user,
        group=None if user is None else _group(user),
        extra_groups=None if user is None else [],
    )
    if ran.returncode != 0:
        told = " ".join([Path(command[0]).name, *command[1:]])
        raise StartError(f"{name} could not be prepared: `{told}` failed.\n{ran.stdout}{ran.stderr}")


def wait_ready(part: Part, check: Callable[[], None]) -> None:
    """Return once the part is ready; raise StartError when it dies or its time is over.

    `check` is called while waiting and may raise to give up.
    """

    def alive() -> None:
        check()
        if find(part) is None:
            raise StartError(f"{part.name} ended while starting.\n{tail(part.log)}")

    wait_answer(part, alive)


def wait_answer(part: Part, check: Callable[[], None]) -> None:
    """Return once the part is ready, whoever runs it; as `wait_ready`, but it cannot see it die."""
    deadline = time.monotonic() + part.ready_seconds
    while not part.ready():
        check()
        if time.monotonic() > deadline:
            raise StartError(
                f"{part.name} was not ready within {part.ready_seconds:.0f} s.\n{tail(part.log)}"
            )
        time.sleep(_POLL_SECONDS)


def stop(part: Part) -> None:
    """End a part in its own orderly way; kill it when that takes too long. Nothing to do is fine."""
    process = find(part)
    if process is not None:
        family = _family(process)
        for member in family:  # a frozen process would never see the signal
            _send(member, signal.SIGCONT)
        _send(process, part.stop_signal)
        if not _gone(process, part.stop_seconds):
            _end(family)
    _forget(part)


def kill(part: Part) -> None:
    """SIGKILL to the part and its children, at once."""
    if (process := find(part)) is not None:
        _end(_family(process))
    _forget(part)


def freeze(part: Part) -> None:
    """SIGSTOP to the part and its children: it keeps connections and answers nothing. Raises StopError."""
    if (process := find(part)) is not None:
        family = _family(process)
        for member in family:
            _send(member, signal.SIGSTOP)
        deadline = time.monotonic() + _KILL_SECONDS
        while any(_alive(member) and member.status() != psutil.STATUS_STOPPED for member in family):
            if time.monotonic() > deadline:
                raise StopError(f"{part.name} goes on after SIGSTOP.")
            time.sleep(_POLL_SECONDS)


def thaw(part: Part) -> None:
    """SIGCONT, the end of `freeze`."""
    if (process := find(part)) is not None:
        for member in _family(process):
            _send(member, signal.SIGCONT)


def sweep(folder: Path) -> int:
    """Kill what is written down as running, and what carries this system's mark; returns how many.

    The mark finds what a killed command had no time to write down. It alone would miss a process that was
    started this very moment: its environment cannot be read yet.
    """
    run_files = list((folder / "run").glob("*.json"))
    left = {process for run_file in run_files if (process := _recorded(run_file)) is not None}
    left |= {process for process in psutil.process_iter() if _marked(process, folder)}
    _end([member for process in left for member in _family(process)])
    for run_file in run_files:
        run_file.unlink(missing_ok=True)
    _reap()
    return len(left)


def tail(log: Path) -> str:
    """The last lines of a log, below its name."""
    lines = log.read_text(errors="replace").splitlines()[-_LOG_LINES:] if log.exists() else []
    return "\n".join([f"Last lines of {log}:", *(f"  {line}" for line in lines)])


def _recorded(run_file: Path) -> psutil.Process | None:
    _reap()
    try:
        recorded = json.loads(run_file.read_text())
        process = psutil.Process(recorded["pid"])
        same = abs(process.create_time() - recorded["created"]) < _CLOCK_SECONDS
        return process if same and process.status() != psutil.STATUS_ZOMBIE else None
    except (OSError, ValueError, KeyError, psutil.NoSuchProcess):
        return None


def _forget(part: Part) -> None:
    """Unless somebody started it again as soon as it was dead: what runs must stay known."""
    if find(part) is None:
        part.run_file.unlink(missing_ok=True)


def _reap() -> None:
    for child in tuple(_children.values()):
        if child.poll() is not None:
            _children.pop(child.pid, None)


def _group(user: str) -> int:
    import pwd  # noqa: PLC0415 absent on Windows, and needed under root only

    return pwd.getpwnam(user).pw_gid


def _family(process: psutil.Process) -> list[psutil.Process]:
    try:
        return [process, *process.children(recursive=True)]
    except psutil.NoSuchProcess:
        return [process]


def _marked(process: psutil.Process, folder: Path) -> bool:
    if process.pid == os.getpid():
        return False
    try:
        return process.environ().get(MARK) == str(folder)
    except (psutil.Error, OSError):
        return False


def _send(process: psutil.Process, number: signal.Signals) -> None:
    with suppress(psutil.NoSuchProcess):
        process.send_signal(number)


def _end(family: list[psutil.Process]) -> None:
    for member in family:
        _send(member, signal.SIGKILL)
    for member in family:
        if not _gone(member, _KILL_SECONDS):
            raise StopError(f"Process {member.pid} outlived SIGKILL.")


def _gone(process: psutil.Process, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while _alive(process):
        if time.monotonic() > deadline:
            return False
        time.sleep(_POLL_SECONDS)
    return True


def _alive(process: psutil.Process) -> bool:
    child = _children.get(process.pid)
    if child is not None:
        if child.poll() is None:
            return True
        _children.pop(process.pid, None)
        return False
    try:  # a zombie is dead, even where nobody reaps it
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
