"""The command line: serve (default), migrate, health."""

import sys
from typing import TYPE_CHECKING

from truth_kit.lifecycle import main

from truth_governance.settings import Settings

if TYPE_CHECKING:
    from truth_kit.lifecycle import Service


def run() -> int:
    """Do what the arguments say; the exit status."""
    return main("governance", Settings, _service)


def _service() -> "Service":
    from truth_governance.app import service  # noqa: PLC0415 migrate and health are done before all that is imported

    return service()


if __name__ == "__main__":
    sys.exit(run())
