"""Pytest plugin: one real infrastructure, and one whole system, for a test run.

Load it with `-p truth_local.testing`. `--backend` says which Kafka and PostgreSQL a run uses.
"""

import os
import shutil
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest

from truth_local.backends import AUTO, KINDS, Backend, BackendError, Kind, choose, described
from truth_local.given import AddressError
from truth_local.starting import start_infrastructure, start_services, stop_all
from truth_local.system import System
from truth_local.watch import Watch

_BACKEND = pytest.StashKey[Backend]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Which Kafka and PostgreSQL to use; TRUTH_TEST_BACKEND is the default."""
    default = os.environ.get("TRUTH_TEST_BACKEND") or AUTO
    told = "url: those of TRUTH_TEST_KAFKA and TRUTH_TEST_POSTGRES; local: processes; containers; auto"
    parser.addoption("--backend", choices=(*KINDS, AUTO), default=default, help=told)


def pytest_configure(config: pytest.Config) -> None:
    """Choose the backend; one that was asked for and is not to be had ends the run."""
    try:
        config.stash[_BACKEND] = choose(str(config.getoption("--backend")), os.environ)
    except (BackendError, AddressError) as error:
        raise pytest.UsageError(str(error)) from error


def pytest_report_header(config: pytest.Config) -> str:
    """The backend, and why it is this one."""
    backend = config.stash[_BACKEND]
    return f"backend: {backend.kind}: {backend.why}"


@pytest.fixture(scope="session")
def local_infrastructure() -> Generator[System]:
    """As `infrastructure`, always of local processes: for tests of these processes themselves."""
    with _running("local") as system:
        yield system


@pytest.fixture(scope="session")
def infrastructure(request: pytest.FixtureRequest) -> Generator[System]:
    """Kafka, PostgreSQL and the issuer, in a temporary folder on free ports, without the services."""
    kind = request.config.stash[_BACKEND].kind
    if kind == "local":
        yield request.getfixturevalue("local_infrastructure")
        return
    with _running(kind) as system:
        yield system


@pytest.fixture(scope="session")
def system(infrastructure: System) -> System:
    """The infrastructure with the five services, registered operators and surfaces."""
    start_services(infrastructure, Watch())
    return infrastructure


@contextmanager
def _running(kind: Kind) -> Generator[System]:
    folder = Path(tempfile.mkdtemp(prefix="truth-"))
    try:
        with described(kind, folder) as system:
            try:
                start_infrastructure(system, Watch())
                yield system
            finally:
                stop_all(system, lambda _part, _what: None)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
