"""A short storm with a fixed seed, over real processes: every checker passes. `make chaos` has the long ones."""

from pathlib import Path

import pytest

from tests.faults.chaos.history import read
from tests.faults.chaos.nemesis import plan
from tests.faults.chaos.report import lines, report
from tests.faults.chaos.storm import storm

SEED = 8
SECONDS = 40.0


def test_a_short_storm_loses_doubles_and_skips_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told: list[str] = []
    one = report(SECONDS, storm(SEED, SECONDS, tmp_path, told.append))
    with capsys.disabled():
        print("\n" + "\n".join(lines(one)))  # noqa: T201 what this test is for
    assert one.violations == {name: [] for name in one.violations}
    assert sum(one.faults.values()) == len(plan(SEED, SECONDS))
    assert one.accepted
    assert one.records
    assert one.signals
    assert read(tmp_path / "history.jsonl").settled is not None
