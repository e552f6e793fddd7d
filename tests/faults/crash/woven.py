"""A system whose services are woven with crash points, and somebody who starts again whatever dies."""

import threading
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from os import environ, pathsep
from pathlib import Path

from truth_contracts.topics import SERVICES
from truth_local import processes
from truth_local.processes import Part
from truth_local.system import System

from tests.faults.crash.launch import VARIABLE, arm, armed

_ROOT = Path(__file__).parents[3]
_LOOK_SECONDS = 0.1


def woven(system: System) -> System:
    """The same system; its services are started by `launch`."""
    parts = {
        name: _woven(part, name.rpartition("-")[0]) if name in system.replica_urls else part
        for name, part in system.parts.items()
    }
    return replace(system, parts=parts)


def _woven(part: Part, service: str) -> Part:
    path = pathsep.join(filter(None, (str(_ROOT), environ.get("PYTHONPATH"))))
    return replace(
        part,
        command=(part.command[0], "-m", "tests.faults.crash.launch", f"truth_{service}", "serve"),
        environment={**part.environment, "PYTHONPATH": path, VARIABLE: str(_file(part))},
    )


def _file(part: Part) -> Path:
    return part.folder / "run" / f"{part.name}.armed"


def arm_points(system: System, service: str, names: Sequence[str]) -> None:
    """Arm these points in a service's first replica, and nothing else."""
    arm(_file(system.parts[f"{service}-1"]), names)


def unreached(system: System, service: str) -> list[str]:
    """The points of a service that are armed and have not killed it yet."""
    return armed(_file(system.parts[f"{service}-1"]))


@dataclass(slots=True)
class Watched:
    """How often each service died while it was watched."""

    deaths: dict[str, int] = field(default_factory=lambda: dict.fromkeys(SERVICES, 0))


@contextmanager
def restarted(system: System) -> Generator[Watched]:
    """While the block runs, each service that dies is started again at once, as any supervisor does."""
    watched, stopping = Watched(), threading.Event()

    def watch() -> None:
        while not stopping.wait(_LOOK_SECONDS):
            for service in SERVICES:
                if not system.is_running(f"{service}-1"):
                    watched.deaths[service] += 1
                    processes.start(system.parts[f"{service}-1"])

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield watched
    finally:
        stopping.set()
        thread.join()
