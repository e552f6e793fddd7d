"""`python -m truth_gate export | release`: write what is generated from the contracts, lay a release down."""

import argparse
import sys
from collections.abc import Callable, Mapping

from truth_gate.export import export
from truth_gate.release import release

_COMMANDS: Mapping[str, Callable[[], int]] = {"export": export, "release": release}


def main() -> int:
    """Run one command; says how many files were written."""
    parser = argparse.ArgumentParser(prog="python -m truth_gate", description=__doc__)
    parser.add_argument("command", choices=_COMMANDS)
    written = _COMMANDS[parser.parse_args().command]()
    sys.stdout.write(f"{written} files written\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
