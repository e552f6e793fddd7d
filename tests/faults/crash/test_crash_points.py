"""A few of the crash points in every run of the tests; `make crash-points` tries all of them."""

import ast
import os
import subprocess
import sys
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path

import pytest
from truth_contracts.topics import SERVICES
from truth_local.system import System

from tests.faults.crash.checking import ends
from tests.faults.crash.launch import VARIABLE, PointError, points_by_module, weave
from tests.faults.crash.points import POINTS, Point, cases
from tests.faults.crash.rounds import Done, plan, run, wait_until_settled, wrong_at_the_end
from tests.faults.crash.woven import woven

ROOT = Path(__file__).parents[3]
CHOSEN = {
    "intake: batch committed, offsets not",
    "governance: create: Task promoted",
    "execution: complete: told in the outbox",
    "records: sealer: checkpoint signed",
    "signals: acknowledged, not marked sent",
    "intake: dead letter written",
    "governance: offsets committed past a dead letter",
    "execution: dead letter told",
    "records: dead letter committed, offsets not",
    "signals: dead letter decided, not written",
}


def source_of(module: str) -> str:
    spec = find_spec(module)
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).read_text()


def test_every_point_has_its_statement() -> None:
    for module, points in points_by_module().items():
        compile(weave(source_of(module), module, points), module, "exec")
    names = [point.name for point in POINTS]
    assert len(names) == len(set(names))
    assert set(SERVICES) == {case.service for case in cases()}


def test_a_point_whose_statement_is_gone_or_doubled_is_an_error() -> None:
    point = Point("p", "m", "f", "after", "g()")
    assert "_crash_here('p')" in ast.unparse(weave("def f():\n    g()", "m", [point]))
    for body in ("h()", "g()\n    g()"):
        with pytest.raises(PointError):
            weave(f"def f():\n    {body}", "m", [point])


def test_no_distribution_holds_a_point_or_the_launcher() -> None:
    packages = [
        path for pattern in ("libs/*", "services/*", "deploy/*") for path in ROOT.glob(f"{pattern}/truth_*")
    ]
    texts = {file: file.read_text() for package in packages for file in package.rglob("*.py")}
    assert len(texts) > 100
    assert [file for file, text in texts.items() if VARIABLE in text or "tests.faults" in text] == []


def test_a_service_without_the_launcher_knows_nothing_of_points(tmp_path: Path) -> None:
    armed = tmp_path / "armed"
    armed.write_text("\n".join(point.name for point in POINTS))
    told = "import truth_intake.app, truth_kit.relay, sys; print('_crash_here' in vars(truth_kit.relay))"
    ran = subprocess.run(  # noqa: S603 our own command
        (sys.executable, "-c", told),
        env={**os.environ, VARIABLE: str(armed)}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert ran.stdout.strip() == "False"
    refused = subprocess.run(
        (sys.executable, "-m", "tests.faults.crash.launch", "truth_intake", "serve"),
        cwd=ROOT, env={name: value for name, value in os.environ.items() if name != VARIABLE},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert VARIABLE in refused.stderr
    assert refused.returncode == 1


@pytest.fixture
def crashing(system: System) -> Generator[System]:
    """The same system with woven services; afterwards the services as they were."""
    other = woven(system)
    names = [f"{service}-1" for service in SERVICES]
    with ThreadPoolExecutor(len(names)) as pool:
        list(pool.map(system.stop, names))
        list(pool.map(other.start, names))
        yield other
        list(pool.map(other.stop, names))
        list(pool.map(system.start, names))


def test_killed_at_a_point_in_each_service_nothing_is_lost_doubled_or_skipped(crashing: System) -> None:
    chosen = [case for case in cases() if case.name in CHOSEN]
    assert len(chosen) == len(CHOSEN)
    since, done = ends(crashing), Done()
    for tried in plan(chosen, at_once=1):
        verdict = run(crashing, tried, done)
        assert verdict.wrong == []
        assert verdict.deaths == len(tried.cases)
    wait_until_settled(crashing)
    assert wrong_at_the_end(crashing, since, done) == []
