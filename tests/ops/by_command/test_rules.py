"""`make ops PART=rules`: Prometheus' own tool accepts configuration and rules, and every alert fires when it should."""

import subprocess
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[3] / "deploy" / "observability"


@pytest.mark.parametrize(
    ("words", "folder"),
    [
        pytest.param(("check", "config", "prometheus.yml"), FOLDER, id="configuration"),
        pytest.param(("check", "rules", "truth.yml"), FOLDER / "rules", id="rules"),
        pytest.param(("test", "rules", "truth_test.yml"), FOLDER / "rules", id="alerts"),
    ],
)
def test_promtool_accepts(prometheus: Path, words: tuple[str, ...], folder: Path) -> None:
    ran = subprocess.run(  # noqa: S603 Debian's tool over our files
        [prometheus / "promtool", *words],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
