"""The command line: serve, migrate, health."""

import sys

from truth_kit.lifecycle import main

from truth_signals.app import service


def run() -> int:
    """Do what the arguments say."""
    return main("signals", service)


if __name__ == "__main__":
    sys.exit(run())
