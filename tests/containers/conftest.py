"""An engine that answers, and the compose system on it. These run when they are asked for: `make test-containers`.

Without an engine they fail; they are never skipped.
"""

from collections.abc import Generator
from pathlib import Path

import pytest
from truth_local.container_engine import unavailable

from tests.containers.compose import Composed, up

_MEASURED = pytest.StashKey[dict[str, float]]()


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """`make test` needs no engine, so it does not look in here."""
    asked = any("containers" in Path(argument).parts for argument in config.args)
    return None if asked or collection_path.name == "conftest.py" else True


@pytest.fixture(scope="session")
def seconds(request: pytest.FixtureRequest) -> dict[str, float]:
    """What was measured, by name; shown at the end."""
    return request.config.stash.setdefault(_MEASURED, {})


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Show the figures."""
    measured = config.stash.get(_MEASURED, dict[str, float]())
    for name, value in measured.items():
        terminalreporter.write_line(f"measured: {value:8.1f}  {name}")


@pytest.fixture(scope="session")
def running(seconds: dict[str, float]) -> Generator[Composed]:
    """The compose system, up; needs the images that `python -m tests.containers` builds."""
    why_not = unavailable()
    assert why_not is None, why_not
    with up(seconds) as composed:
        yield composed
