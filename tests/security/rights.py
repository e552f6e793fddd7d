"""The three matrices of rights, and the files in which they are expected."""

from collections.abc import Callable, Mapping
from pathlib import Path

from truth_local.system import System

from tests.security.database_rights import database_rights
from tests.security.http_rights import http_rights
from tests.security.kafka_rights import kafka_rights

EXPECTED = Path(__file__).parent / "expected"

MATRICES: Mapping[str, Callable[[System], str]] = {
    "kafka": kafka_rights,
    "databases": database_rights,
    "http": http_rights,
}


def file_of(name: str) -> Path:
    """Where a matrix is expected."""
    return EXPECTED / f"{name}.txt"
