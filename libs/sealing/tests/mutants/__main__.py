"""Takes each single check out of the verifier and shows which test notices: `python libs/sealing/tests/mutants`.

Prints a table (Markdown) and ends with 1 when a mutant survives that is not known to be equivalent. With
module names as arguments, only those are tried. Not collected by pytest: it takes minutes.
"""

import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cryptography.hazmat.primitives.serialization  # noqa: F401 loaded once, before the forks
import orjson  # noqa: F401 likewise
import pytest

sys.path.insert(0, str(Path(__file__).parent))
from equivalent import EQUIVALENT
from operators import Mutant, mutants

TESTS = Path(__file__).parent.parent
PACKAGE = TESTS.parent / "truth_sealing"
SECONDS_MAX = 120
ALL = (
    "verify",
    "tamper",
    "bundle",
    "note",
    "proof",
    "policy",
    "passkey",
    "signal",
    "tree",
    "strict",
    "steps",
)
MODULES: dict[str, tuple[str, ...]] = {
    # module, and the tests that are asked first
    "strict": ("strict",),
    "steps": ("steps", "tamper"),
    "bundle": ("bundle",),
    "sealed": ("tamper",),
    "shown": ("tamper",),
    "facts": ("tamper",),
    "path": ("tamper", "verify"),
    "evidence": ("verify", "tamper"),
    "passkey": ("passkey",),
    "instants": ("tamper", "policy"),
    "logged": ("tamper", "verify"),
    "verify": ("tamper", "verify"),
    "findings": ("tamper", "verify"),
    "note": ("note",),
    "checkpoint": ("note", "proof"),
    "cosignature": ("note",),
    "proof": ("proof",),
    "policy": ("policy",),
    "keyring": ("policy",),
    "tree": ("tree",),
    "signal": ("signal",),
}
OF_STEPS = ("read_body", "facts_of", "check_signature")
"""What of steps.py the verifier uses; the rest checks hand-offs on arrival."""


@dataclass
class Tally:
    """How many mutants of a module met which end."""

    killed: int = 0
    equivalent: int = 0
    survived: int = 0


def main(chosen: Sequence[str]) -> int:
    """Try all mutants of the chosen modules; returns the exit code."""
    survivors: list[str] = []
    print_row("module", "checks taken out", "noticed", "equivalent", "survived")
    print_row(*["---"] * 5)
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "truth_sealing"
        shutil.copytree(PACKAGE, copy)
        if is_noticed(Path(folder), ALL):
            raise SystemExit("the tests fail without any mutant")
        for module in chosen or MODULES:
            tally = Tally()
            for mutant in mutants(
                (PACKAGE / f"{module}.py").read_text(), OF_STEPS if module == "steps" else ()
            ):
                (copy / f"{module}.py").write_text(mutant.source)
                count(tally, module, mutant, Path(folder), survivors)
            shutil.copy(PACKAGE / f"{module}.py", copy)
            total = tally.killed + tally.equivalent + tally.survived
            print_row(
                f"{module}.py", *(str(n) for n in (total, tally.killed, tally.equivalent, tally.survived))
            )
    sys.stdout.write("".join(f"\nSURVIVED {survivor}" for survivor in survivors) + "\n")
    return 1 if survivors else 0


def count(tally: Tally, module: str, mutant: Mutant, folder: Path, survivors: list[str]) -> None:
    """Run the tests against one mutant."""
    if is_noticed(folder, MODULES[module]) or is_noticed(folder, ALL):
        tally.killed += 1
    elif (module, mutant.what) in EQUIVALENT:
        tally.equivalent += 1
    else:
        tally.survived += 1
        survivors.append(f"{module}.py:{mutant.line}: {mutant.what}")


def is_noticed(folder: Path, tests: Sequence[str]) -> bool:
    """Whether a test fails, in a process of its own that has the mutated package first on its path."""
    child = os.fork()
    if child == 0:
        run(folder, tests)
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status) != 0


def run(folder: Path, tests: Sequence[str]) -> None:
    """Be that process; a mutant that loops for ever ends by the alarm."""
    signal.alarm(SECONDS_MAX)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    sys.dont_write_bytecode = True
    sys.path.insert(0, str(folder))
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    files = [str(TESTS / f"test_{name}.py") for name in tests]
    options = ["-x", "-q", "-p", "no:cacheprovider", "-c", os.devnull, "--rootdir", str(TESTS)]
    os._exit(int(pytest.main([*options, "-k", "not slow_tree and not up_to_300 and not million", *files])))


def print_row(*cells: str) -> None:
    """One row of the table."""
    sys.stdout.write(f"| {' | '.join(cells)} |\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
