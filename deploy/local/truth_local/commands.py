"""What `up` and `down` do, apart from showing it."""

import fcntl
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from truth_local.facts import recall, remember, write_facts
from truth_local.layout import Layout
from truth_local.ports import from_environment
from truth_local.starting import start_infrastructure, start_services, stop_all
from truth_local.system import System, describe
from truth_local.watch import Watch

_FOLDER = "whole system"


@dataclass(frozen=True, slots=True)
class Up:
    """A system that is up, and whether it was before."""

    system: System
    was_up: bool


def up(folder: Path, replicas: int, environment: Mapping[str, str], watch: Watch) -> Up:
    """Bring everything up and return when it is ready. What goes wrong, Ctrl-C too, leaves nothing running.

    Parts that run already are kept, with the ports they have. Raises StartError, PortTakenError and the
    errors of jars.
    """
    with _alone(folder, watch.say):
        found = find(folder)
        if found is not None and found.layout.facts.exists() and _is_whole(found, replicas):
            return Up(found, was_up=True)
        if found is not None and any(found.is_running(name) for name in found.parts):
            system = describe(folder, found.ports, max(replicas, found.replicas))
        else:
            system = describe(folder, from_environment(environment), replicas)
        remember(system)
        try:
            start_infrastructure(system, watch)
            start_services(system, watch)
            write_facts(system)
        except BaseException:
            system.layout.facts.unlink(missing_ok=True)
            stop_all(system, watch.tell)
            raise
    return Up(system, was_up=False)


def down(folder: Path, tell: Callable[[str, str], None]) -> bool:
    """Stop everything, also what a killed `up` left; returns whether anything ran."""
    if not folder.exists():
        return False
    with _alone(folder, tell):
        system = find(folder)
        if system is None:
            return False
        system.layout.facts.unlink(missing_ok=True)
        ran = any(system.is_running(name) for name in system.parts)
        return bool(stop_all(system, tell)) or ran


def find(folder: Path) -> System | None:
    """The system in this folder as it was last started; None when there never was one."""
    recalled = recall(Layout(folder.resolve()))
    return None if recalled is None else describe(folder, *recalled)


def _is_whole(system: System, replicas: int) -> bool:
    return system.replicas >= replicas and all(system.is_running(name) for name in system.parts)


@contextmanager
def _alone(folder: Path, tell: Callable[[str, str], None]) -> Generator[None]:
    """One `up` or `down` at a time; the lock goes with the process that holds it."""
    layout = Layout(folder.resolve())
    layout.prepare()
    with (layout.run / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            tell(_FOLDER, "waiting for another up or down to end")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield
