"""The command line: serve, migrate, health, audit."""

import sys

from truth_kit.lifecycle import main

from truth_records.app import audit, service


def run() -> int:
    """Do what the arguments say; `audit` is this service's own."""
    if sys.argv[1:2] == ["audit"]:
        return audit(sys.argv[2:])
    return main("records", service)


if __name__ == "__main__":
    sys.exit(run())
