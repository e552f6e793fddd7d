"""The command line: serve, migrate, health, audit."""

import sys
from typing import TYPE_CHECKING

from truth_kit.lifecycle import main

from truth_records.settings import Settings

if TYPE_CHECKING:
    from truth_kit.lifecycle import Service


def run() -> int:
    """Do what the arguments say; `audit` is this service's own."""
    if sys.argv[1:2] == ["audit"]:
        from truth_records.app import audit  # noqa: PLC0415 see _service

        return audit(sys.argv[2:])
    return main("records", Settings, _service)


def _service() -> "Service":
    from truth_records.app import service  # noqa: PLC0415 migrate and health are done before all that is imported

    return service()


if __name__ == "__main__":
    sys.exit(run())
