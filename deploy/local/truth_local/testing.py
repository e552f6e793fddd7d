"""Pytest plugin: one real infrastructure, and one whole system, for a test run.

Load it with `pytest_plugins = ["truth_local.testing"]` in the top conftest.py.
"""

import shutil
import tempfile
from collections.abc import Generator
from pathlib import Path

import pytest

from truth_local import ports
from truth_local.starting import start_infrastructure, start_services, stop_all
from truth_local.system import System, describe
from truth_local.watch import Watch


@pytest.fixture(scope="session")
def infrastructure() -> Generator[System]:
    """Kafka, PostgreSQL and the issuer, in a temporary folder on free ports, without the services."""
    folder = Path(tempfile.mkdtemp(prefix="truth-"))
    system = describe(folder, ports.free())
    try:
        start_infrastructure(system, Watch())
        yield system
    finally:
        stop_all(system, lambda _part, _what: None)
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def system(infrastructure: System) -> System:
    """The infrastructure with the five services, registered operators and surfaces."""
    start_services(infrastructure, Watch())
    return infrastructure
