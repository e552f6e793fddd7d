"""The command line: serve (default), migrate, health."""

import sys

from truth_kit.lifecycle import main

from truth_execution.app import service


def run() -> int:
    """Do what the arguments say; the exit status."""
    return main("execution", service)


if __name__ == "__main__":
    sys.exit(run())
