"""`python -m truth_intake serve | migrate | health`."""

import sys
from typing import TYPE_CHECKING

from truth_kit.lifecycle import main

from truth_intake.settings import Settings

if TYPE_CHECKING:
    from truth_kit.lifecycle import Service


def run() -> int:
    """Serve, migrate or ask for health, as the arguments say."""
    return main("intake", Settings, _service)


def _service() -> "Service":
    from truth_intake.app import service  # noqa: PLC0415 migrate and health are done before all that is imported

    return service()


if __name__ == "__main__":
    sys.exit(run())
