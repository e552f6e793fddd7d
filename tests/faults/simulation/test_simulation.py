"""Whatever the order of steps and whatever fails in between: the path's invariants hold, and planted bugs are found."""

import time
from collections import Counter

import pytest

from tests.faults.simulation import fixed
from tests.faults.simulation.scheduler import ViolationError
from tests.faults.simulation.world import PLANTABLE, run

RUNS = 200
RUNS_UNTIL_FOUND = 400


def test_no_interleaving_breaks_an_invariant(capsys: pytest.CaptureFixture[str]) -> None:
    began, steps, faults = time.process_time(), 0, Counter[str]()
    for seed in range(RUNS):
        world = run(seed)
        steps += len(world.scheduler.trace)
        faults.update(world.faults)
    with capsys.disabled():
        rate = steps / (time.process_time() - began)
        print(f"\nsimulation: {RUNS} runs, {steps} steps, {rate:,.0f} a second of CPU, {dict(faults)}")  # noqa: T201 shown on purpose
    assert set(faults) == {"kill", "freeze", "rebalance", "replay", "away", "repeat", "poison"}


@pytest.mark.parametrize("bug", PLANTABLE)
def test_a_planted_bug_is_found_and_its_seed_shows_it_again(bug: str) -> None:
    planted = frozenset({bug})
    found = next(filter(None, (violation(seed, planted) for seed in range(RUNS_UNTIL_FOUND))), None)
    assert found is not None, f"{bug}: not found in {RUNS_UNTIL_FOUND} runs"
    seed = int(found.removeprefix("seed ").partition(":")[0])
    assert violation(seed, planted) == found


def violation(seed: int, planted: frozenset[str]) -> str | None:
    """What is wrong with a run, if anything."""
    try:
        run(seed, planted)
    except ViolationError as found:
        return str(found)
    return None


def test_a_seed_replays_exactly_also_when_every_decision_is_taken_anew() -> None:
    first = run(11)
    fixed.forget()
    again = run(11)
    assert again.scheduler.digest() == first.scheduler.digest()
    assert dict(again.faults) == dict(first.faults)
    assert run(12).scheduler.digest() != first.scheduler.digest()
