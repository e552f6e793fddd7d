"""`python -m truth_intake serve | migrate | health`."""

import sys

from truth_kit.lifecycle import main

from truth_intake.app import service


def run() -> int:
    """Serve, migrate or ask for health, as the arguments say."""
    return main("intake", service)


if __name__ == "__main__":
    sys.exit(run())
