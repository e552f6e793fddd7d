"""The ten checkers by their names, and one run of all of them."""

from collections.abc import Callable, Mapping
from typing import TypeAlias

from tests.faults.chaos import endurance, messages, promises
from tests.faults.chaos.evidence import Evidence
from tests.faults.chaos.history import Told

Checker: TypeAlias = Callable[[Told, Evidence], list[str]]

CHECKERS: Mapping[str, Checker] = {
    "C1 nothing lost": promises.nothing_lost,
    "C2 nothing doubled": promises.nothing_doubled,
    "C3 nothing skipped": promises.nothing_skipped,
    "C4 in order": messages.in_order,
    "C5 sealed unchanged": endurance.sealed_is_unchanged,
    "C6 no ghosts": messages.no_ghosts,
    "C7 dead is poison": messages.dead_is_what_was_poison,
    "C8 nothing passed over": messages.nothing_passed_over,
    "C9 recovers": endurance.recovers,
    "C10 memory flat": endurance.memory_is_flat,
}


def check(told: Told, evidence: Evidence) -> dict[str, list[str]]:
    """The violations that each checker finds."""
    return {name: checker(told, evidence) for name, checker in CHECKERS.items()}
