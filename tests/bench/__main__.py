"""`python -m tests.bench`: measure everything in one run, print a table of ratios, write them as JSON.

Each figure is ours beside a floor or a peer in the same run, in paired rounds. Exit code 0 always: goals are shown
beside the figures, for people to judge.
"""

import argparse
import time
from pathlib import Path

from rich.console import Console

from tests.bench.machine import machine
from tests.bench.parts import PARTS
from tests.bench.results import RESULTS, Measured, Results, table, write
from tests.bench.sizes import QUICK, WHOLE

_QUICK = Path(".truth/bench.json")


def main() -> None:
    """Run what was asked for."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--part", choices=PARTS, help="measure only this")
    parser.add_argument("--quick", action="store_true", help="one round, smaller sizes")
    arguments = parser.parse_args()
    console, started = Console(width=150), time.monotonic()

    def tell(what: str) -> None:
        minutes, seconds = divmod(int(time.monotonic() - started), 60)
        console.print(f"{minutes:2}:{seconds:02}  {what}")

    results: Results = {}
    for name, measure in PARTS.items():
        if arguments.part in (None, name):
            rows = measure(QUICK if arguments.quick else WHOLE, tell)
            results[name] = Measured(machine("dbos"), rows)
    console.print(table(results))
    for name, measured in results.items():
        console.print(f"{name}: {'; '.join(' '.join(told) for told in measured.machine.items())}")
    file = _QUICK if arguments.quick else RESULTS
    write(results, file)
    tell(f"Done; written to {file}.")


if __name__ == "__main__":
    main()
