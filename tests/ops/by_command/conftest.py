"""What only `make ops` brings along."""

from pathlib import Path

import pytest

from tests.ops.by_command.debian import unpacked
from tests.ops.conftest import env, truth, who

__all__ = ["env", "truth", "who"]


@pytest.fixture(scope="session")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where `prometheus` and `promtool` are."""
    return unpacked(tmp_path_factory.mktemp("prometheus"))
