"""Pytest plugin: one real infrastructure, and one whole system, for a test run.

Load it with `-p truth_local.testing`. `--backend` says which Kafka and PostgreSQL a run uses.
"""

import os
import shutil
import tempfile
import uuid
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import obstore
import pytest
from truth_kit.blobs import Folder
from truth_kit.blobs.s3 import s3_store
from truth_kit.connections import BlobStore

from truth_local import store
from truth_local.backends import AUTO, KINDS, Backend, BackendError, Kind, choose, described
from truth_local.given import AddressError
from truth_local.starting import start_infrastructure, start_services, stop_all
from truth_local.system import Evidence, System
from truth_local.watch import Watch

_BACKEND = pytest.StashKey[Backend]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Which Kafka and PostgreSQL to use (TRUTH_TEST_BACKEND is the default), and where photos are kept."""
    default = os.environ.get("TRUTH_TEST_BACKEND") or AUTO
    told = "url: those of TRUTH_TEST_KAFKA and TRUTH_TEST_POSTGRES; local: processes; containers; auto"
    parser.addoption("--backend", choices=(*KINDS, AUTO), default=default, help=told)
    parser.addoption("--evidence", choices=("folder", "s3"), default="folder", help="where photos are kept")


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
def local_infrastructure(pytestconfig: pytest.Config) -> Generator[System]:
    """As `infrastructure`, always of local processes: for tests of these processes themselves."""
    with _running("local", pytestconfig.option.evidence) as system:
        yield system


@pytest.fixture(scope="session")
def infrastructure(request: pytest.FixtureRequest) -> Generator[System]:
    """Kafka, PostgreSQL and the issuer, in a temporary folder on free ports, without the services."""
    kind = request.config.stash[_BACKEND].kind
    if kind == "local":
        yield request.getfixturevalue("local_infrastructure")
        return
    with _running(kind, request.config.option.evidence) as system:
        yield system


@pytest.fixture(scope="session")
def system(infrastructure: System) -> System:
    """The infrastructure with the five services, registered operators and surfaces."""
    start_services(infrastructure, Watch())
    return infrastructure


@pytest.fixture(scope="module")
def own_system(request: pytest.FixtureRequest) -> Generator[System]:
    """A whole system of a module's own: for tests that break it, or leave behind what no replay may meet.

    Where Kafka and PostgreSQL are given, there are no others: it is the run's.
    """
    kind = request.config.stash[_BACKEND].kind
    if kind == "url":
        yield request.getfixturevalue("system")
        return
    with _running(kind, request.config.option.evidence) as own:
        start_services(own, Watch())
        yield own


@dataclass(frozen=True, slots=True)
class Stores:
    """Fresh stores of bytes, of the kind that `--evidence` names."""

    at: Callable[[str], BlobStore]
    """The settings of the store of this name; empty at first."""

    def names(self, name: str) -> list[str]:
        """The digests under which it keeps bytes, sorted; what lies elsewhere in it, too."""
        settings = self.at(name)
        if settings.folder is not None:
            return sorted(path.name for path in settings.folder.rglob("*") if path.is_file())
        listed = obstore.list(s3_store(settings)).collect()  # pyright: ignore[reportUnknownMemberType] one overload gives arrow
        return sorted(found["path"].rpartition("/")[2] for found in listed)

    def lose(self, name: str, sha256: str) -> None:
        """Delete the bytes of a digest, as a fault of the store would."""
        settings = self.at(name)
        if settings.folder is not None:
            Folder(settings.folder).path(sha256).unlink()
        else:
            obstore.delete(s3_store(settings), f"{sha256[:2]}/{sha256}")


@pytest.fixture
def stores(request: pytest.FixtureRequest, tmp_path: Path) -> Stores:
    """Stores that are this test's own."""
    if request.config.option.evidence == "folder":
        return Stores(lambda name: BlobStore(folder=tmp_path / name))
    system: System = request.getfixturevalue("infrastructure")
    prefix = uuid.uuid4().hex
    return Stores(
        lambda name: store.bucket(system.layout, system.ports, "execution", "execution", f"{prefix}/{name}")
    )


@contextmanager
def _running(kind: Kind, evidence: Evidence) -> Generator[System]:
    folder = Path(tempfile.mkdtemp(prefix="truth-"))
    try:
        with described(kind, folder, evidence) as system:
            try:
                start_infrastructure(system, Watch())
                yield system
            finally:
                stop_all(system, lambda _part, _what: None)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
