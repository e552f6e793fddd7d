"""`make simulate SEED=n RUNS=m`: interleavings of the whole system in memory, from a seed on; or with a bug planted."""

import argparse
import sys
import time
from collections import Counter

from tests.faults.simulation.scheduler import ViolationError
from tests.faults.simulation.world import PLANTABLE, run


def main() -> int:
    """Run; 1 when an invariant was broken, told with the seed that shows it again."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.simulation", description=__doc__)
    parser.add_argument("--seed", type=int, default=0, help="the first seed")
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--plant", action="append", default=[], choices=PLANTABLE, help="a bug to be found")
    given = parser.parse_args()
    began, steps, faults = time.monotonic(), 0, Counter[str]()
    for seed in range(given.seed, given.seed + given.runs):
        try:
            world = run(seed, frozenset(given.plant))
        except ViolationError as violation:
            tell(f"{violation}\nagain: make simulate SEED={seed} RUNS=1")
            return 1
        steps += len(world.scheduler.trace)
        faults.update(world.faults)
    seconds = time.monotonic() - began
    told = ", ".join(f"{count} {fault}" for fault, count in sorted(faults.items()))
    tell(
        f"{given.runs} runs from seed {given.seed}, {steps} steps, {steps / seconds:,.0f} a second; faults: {told}"
    )
    return 0


def tell(line: str) -> None:
    """One line, at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
