"""`python -m truth_gate export | release | check`.

Write what is generated from the contracts; lay a release down; hold the contracts against the last release.
"""

import argparse
import sys
from collections.abc import Callable, Mapping

from truth_gate.check import check
from truth_gate.export import export
from truth_gate.release import release

_WRITING: Mapping[str, Callable[[], int]] = {"export": export, "release": release}


def main() -> int:
    """Run one command and return its exit code."""
    parser = argparse.ArgumentParser(prog="python -m truth_gate", description=__doc__)
    parser.add_argument("command", choices=(*_WRITING, "check"))
    command = parser.parse_args().command
    if command == "check":
        return check()
    sys.stdout.write(f"{_WRITING[command]()} files written\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
