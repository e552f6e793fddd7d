"""What processes use: CPU of whole trees, memory without counting a shared page twice."""

from collections.abc import Iterator
from contextlib import suppress

import psutil
from truth_local import processes
from truth_local.system import System

_MIB = 1024 * 1024


def pid_of(system: System, part: str) -> int:
    """The process of a running part."""
    found = processes.find(system.parts[part])
    if found is None:
        raise ProcessLookupError(f"{part} does not run")
    return found.pid


def cpu_seconds(pid: int) -> float:
    """User and system time of a process and its descendants so far, those included that it has outlived."""
    total = 0.0
    for process in _tree(pid):
        with suppress(psutil.NoSuchProcess):
            times = process.cpu_times()
            total += times.user + times.system + times.children_user + times.children_system
    return total


def pss_mib(pid: int) -> float:
    """Proportional set size of a process and its descendants."""
    total = 0
    for process in _tree(pid):
        with suppress(psutil.NoSuchProcess):
            total += process.memory_full_info().pss
    return total / _MIB


def _tree(pid: int) -> Iterator[psutil.Process]:
    with suppress(psutil.NoSuchProcess):
        root = psutil.Process(pid)
        yield root
        yield from root.children(recursive=True)
