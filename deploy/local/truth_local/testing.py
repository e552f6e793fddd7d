"""Pytest plugin: one real infrastructure, and one whole system, for a test run.

Load it with `pytest_plugins = ["truth_local.testing"]` in the top conftest.py.
"""

import shutil
import tempfile
import uuid
from collections.abc import Callable, Generator
from dataclasses import dataclass
from pathlib import Path

import obstore
import pytest
from truth_kit.blobs import Folder
from truth_kit.blobs.s3 import s3_store
from truth_kit.connections import BlobStore

from truth_local import ports, store
from truth_local.starting import start_infrastructure, start_services, stop_all
from truth_local.system import System, describe
from truth_local.watch import Watch


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--evidence s3`: photos in buckets of a real S3 server instead of a folder."""
    parser.addoption("--evidence", choices=("folder", "s3"), default="folder", help="where photos are kept")


@pytest.fixture(scope="session")
def infrastructure(pytestconfig: pytest.Config) -> Generator[System]:
    """Kafka, PostgreSQL and the issuer, in a temporary folder on free ports, without the services."""
    folder = Path(tempfile.mkdtemp(prefix="truth-"))
    system = describe(folder, ports.free(), evidence=pytestconfig.option.evidence)
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
