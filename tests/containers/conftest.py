"""An engine that answers, and the compose system on it. These run when they are asked for: `make test-containers`.

Without an engine they fail; they are never skipped.
"""

from collections.abc import Generator
from pathlib import Path

import pytest
from truth_local.container_engine import unavailable

from tests.containers.compose import Composed, up

SECONDS = pytest.StashKey[dict[str, float]]()


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """`make test` needs no engine, so it does not look in here."""
    asked = any("containers" in Path(argument).parts for argument in config.args)
    return None if asked or collection_path.name == "conftest.py" else True


@pytest.fixture(scope="session")
def seconds() -> Generator[dict[str, float]]:
    """What was measured, by name; shown at the end."""
    measured: dict[str, float] = {}
    yield measured
    for name, value in measured.items():
        print(f"measured: {name}: {value:.1f}")  # noqa: T201 shown on purpose


@pytest.fixture(scope="session")
def running(seconds: dict[str, float]) -> Generator[Composed]:
    """The compose system, up; needs the images that `python -m tests.containers` builds."""
    why_not = unavailable()
    assert why_not is None, why_not
    with up(seconds) as composed:
        yield composed
