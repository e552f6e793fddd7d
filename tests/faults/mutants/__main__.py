"""`make mutants-hop`: takes each protection of the hop out, in a copy of the tree, and shows what notices.

Prints a table (Markdown) and ends with 1 when a mutant is not noticed. With words as arguments, only mutants
whose name holds one of them are tried.
"""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

from tests.faults.mutants.patches import MUTANTS, Mutant, Patch

ROOT = Path(__file__).parents[3]
SECONDS_MAX = 900


class PatchError(LookupError):
    """What a patch replaces is not there exactly once."""


def main(chosen: Sequence[str]) -> int:
    """Try the mutants; returns the exit status."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)
    mutants = [one for one in MUTANTS if not chosen or any(word in one.name for word in chosen)]
    tell("| taken out | noticed by | how | seconds |\n| --- | --- | --- | --- |")
    survivors = 0
    with tempfile.TemporaryDirectory(prefix="truth-mutant-") as folder:
        tree = Path(folder) / "tree"
        copy_tree(tree)
        for mutant in mutants:
            began = time.monotonic()
            with_patches(tree, mutant.patches)
            noticed, told = is_noticed(tree, mutant)
            restore(tree, mutant.patches)
            survivors += not noticed
            by = mutant.noticed_by if noticed else "**nothing**"
            tell(f"| {mutant.name} | {by} | {told} | {time.monotonic() - began:.0f} |")
    return 1 if survivors else 0


def copy_tree(tree: Path) -> None:
    """Everything that is, or would be, committed."""
    listed = subprocess.run(
        ("git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"),  # noqa: S607 the caller's own
        cwd=ROOT, capture_output=True, check=True,
    )  # fmt: skip
    for name in listed.stdout.decode().split("\0"):
        if name and (ROOT / name).is_file():
            (tree / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, tree / name)


def with_patches(tree: Path, patches: Iterable[Patch]) -> None:
    """Apply patches; each must find its text exactly once, in this very code."""
    for patch in patches:
        text = (tree / patch.file).read_text()
        if text.count(patch.old) != 1:
            raise PatchError(f"{patch.file} has {patch.old!r} {text.count(patch.old)} times")
        (tree / patch.file).write_text(text.replace(patch.old, patch.new))


def restore(tree: Path, patches: Iterable[Patch]) -> None:
    """The files as they were."""
    for patch in patches:
        shutil.copy(ROOT / patch.file, tree / patch.file)


def is_noticed(tree: Path, mutant: Mutant) -> tuple[bool, str]:
    """Whether the mutant's check fails, and the line that says why. It is known to pass without the mutant."""
    packages = [
        str(path) for pattern in ("libs/*", "services/*", "deploy/*") for path in sorted(tree.glob(pattern))
    ]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(packages), "PYTHONDONTWRITEBYTECODE": "1"}
    ran = subprocess.run(  # noqa: S603 our own commands
        (sys.executable, "-m", *mutant.check),
        cwd=tree, env=environment, capture_output=True, text=True, timeout=SECONDS_MAX, check=False,
    )  # fmt: skip
    lines = [line for line in ran.stdout.splitlines() if any(word in line for word in mutant.words)]
    told = (
        lines[0].strip().replace("|", "/")[:160]
        if lines
        else f"exit {ran.returncode}, unexpected:\n{ran.stdout[-3000:]}{ran.stderr[-1000:]}"
    )
    return ran.returncode == 1 and bool(lines), told


def tell(line: str) -> None:
    """One line, at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
