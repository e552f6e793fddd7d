"""JavaScript of ours is checked by TypeScript, as strictly as Python by its checker; nothing of it is compiled."""

import subprocess
from pathlib import Path

from tests.contracts.node import FOLDER, node

ROOT = Path(__file__).parents[2]
VENDORED = {"htmx.js", "htmx-sse.js"}
SCRIPTS = sorted(
    file
    for pattern in ("*/truth_*/pages/static/*.js", "*/truth_*/browser/*.js")
    for place in ("libs", "services")
    for file in (ROOT / place).glob(pattern)
    if file.name not in VENDORED
)
STRICT = ("--checkJs", "--noEmit", "--strict", "--noUnusedLocals", "--target", "es2023", "--module", "es2022")


def test_scripts_hold_their_types() -> None:
    in_pages = [file for file in SCRIPTS if file.name != "sw.js"]
    assert {"kit.js", "draft.js", "verify.js"} <= {file.name for file in in_pages}
    _check(in_pages, "es2023,dom,dom.iterable")
    for worker in set(SCRIPTS) - set(in_pages):
        _check([worker], "es2023,webworker")


def test_scripts_are_small_and_say_what_they_are() -> None:
    for file in SCRIPTS:
        lines = file.read_text().splitlines()
        assert len(lines) <= 350, file
        assert lines[0] == "// @ts-check", file
        assert lines[1].startswith("/**"), file


def _check(files: list[Path], libraries: str) -> None:
    options = (*STRICT, "--moduleResolution", "bundler", "--lib", libraries)
    command = [node(), str(FOLDER / "node_modules/typescript/bin/tsc"), *options, *map(str, files)]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)  # noqa: S603 pinned
    assert ran.returncode == 0, ran.stdout
