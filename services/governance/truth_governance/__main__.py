"""The command line: serve (default), migrate, health."""

import sys

from truth_kit.lifecycle import main

from truth_governance.app import service


def run() -> int:
    """Do what the arguments say; the exit status."""
    return main("governance", service)


if __name__ == "__main__":
    sys.exit(run())
