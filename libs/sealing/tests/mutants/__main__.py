"""Takes each single check out of the verifier and shows which test notices: `python libs/sealing/tests/mutants`.

Prints a table (Markdown) and ends with 1 when a mutant survives that is not known to be equivalent. With
module names as arguments, only those are tried. Not collected by pytest: it takes minutes.
"""

import ast
import compileall
import importlib
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import pytest

TESTS = Path(__file__).parent.parent
PACKAGE = TESTS.parent / "truth_sealing"
SECONDS_MAX = 120
ALL = ("tamper", "verify", "bundle", "passkey", "signal", "note")
"""The tests that are asked when those of the module notice nothing."""
MODULES: dict[str, tuple[str, ...]] = {
    # module, and the tests that are asked first
    "strict": ("strict",),
    "steps": ("steps", "tamper"),
    "bundle": ("bundle",),
    "sealed": ("sealed", "tamper"),
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


LOADED_ONCE = (
    "orjson",
    "cryptography.hazmat.primitives.serialization",
    "cryptography.hazmat.primitives.asymmetric.ec",
    "cryptography.hazmat.primitives.asymmetric.rsa",
    "cryptography.hazmat.primitives.asymmetric.ed25519",
)
"""What every fork would have to load; nothing of ours, since that is what mutates."""
EQUIVALENT: dict[tuple[str, str], str] = {
    ("strict", "if text.count('[') + text.count('{') <= NESTING_MAX"): "saves the walk over a flat text",
    ("strict", "if '\\\\u' not in text and text.isascii()"): "saves the walk where no surrogate can be",
}
"""Mutants that no input can tell from the verifier, and why."""


@dataclass(frozen=True, slots=True)
class Mutant:
    """A module with one check less. `what` is the check, as one line of source."""

    line: int
    what: str
    source: str


def mutants(source: str, functions: Sequence[str] = ()) -> Iterator[Mutant]:
    """Every mutant of a module, or only of the named functions."""
    count = len(list(ast.walk(ast.parse(source))))
    spans = _spans(ast.parse(source), functions)
    for position in range(count):
        for choice in range(_choices(_node(ast.parse(source), position))):
            tree = ast.parse(source)
            node = _node(tree, position)
            line = getattr(node, "lineno", 0)
            if not spans or any(line in span for span in spans):
                what = _take_out(tree, node, choice)
                yield Mutant(line, what, ast.unparse(ast.fix_missing_locations(tree)))


def _spans(tree: ast.Module, functions: Sequence[str]) -> list[range]:
    named = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name in functions]
    return [range(node.lineno, (node.end_lineno or node.lineno) + 1) for node in named]


def _node(tree: ast.Module, position: int) -> ast.AST:
    return list(ast.walk(tree))[position]


def _choices(node: ast.AST) -> int:
    """How many checks can be taken out at this node."""
    match node:
        case ast.If() | ast.IfExp():
            return 1
        case ast.BoolOp(values=values):
            return len(values)
        case ast.Expr(value=ast.Yield() | ast.YieldFrom()):
            return 1
        case ast.keyword(arg="wrong" | "missing", value=ast.List(elts=elements)):
            return len(elements)
        case ast.comprehension(ifs=conditions):
            return len(conditions)
        case _:
            return 0


def _take_out(tree: ast.Module, node: ast.AST, choice: int) -> str:
    """Take the check out of `tree`, where `node` is; returns what it was."""
    match node:
        case ast.If() | ast.IfExp():
            what = f"if {ast.unparse(node.test)}"
            node.test = ast.Constant(value=False)
        case ast.BoolOp(values=values):
            whole = ast.unparse(node)
            what = f"{ast.unparse(values.pop(choice))} in {whole}"
            if len(values) == 1:
                _replace(tree, node, values[0])
        case ast.Expr():
            what = ast.unparse(node)
            node.value = ast.Constant(value=None)
        case ast.keyword(value=ast.List(elts=elements)):
            what = f"{node.arg}: {ast.unparse(elements.pop(choice))}"
        case ast.comprehension(ifs=conditions):
            what = f"for {ast.unparse(node.target)} if {ast.unparse(conditions.pop(choice))}"
        case _:
            raise ValueError(ast.dump(node))
    return what


def _replace(tree: ast.Module, old: ast.AST, new: ast.expr) -> None:
    """`new` in the place of `old`, whether that is a member of its parent or stands in a list of it."""
    for parent in ast.walk(tree):
        for name, value in ast.iter_fields(parent):
            if value is old:
                setattr(parent, name, new)
            elif isinstance(value, list):
                nodes = cast(list[ast.AST], value)
                nodes[:] = [new if node is old else node for node in nodes]


@dataclass
class Tally:
    """How many mutants of a module met which end."""

    killed: int = 0
    equivalent: int = 0
    survived: int = 0


def main(chosen: Sequence[str]) -> int:
    """Try all mutants of the chosen modules; returns the exit code."""
    for name in LOADED_ONCE:
        importlib.import_module(name)
    survivors: list[str] = []
    print_row("module", "checks taken out", "noticed", "equivalent", "survived")
    print_row(*["---"] * 5)
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "truth_sealing"
        shutil.copytree(PACKAGE, copy)
        compileall.compile_dir(copy, quiet=1)
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
        sys.stderr.write(f"survived: {survivors[-1]}\n")


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
    options = [
        "-x",
        "-q",
        "--assert=plain",
        "-p",
        "no:cacheprovider",
        "-c",
        os.devnull,
        "--rootdir",
        str(TESTS),
    ]
    os._exit(int(pytest.main([*options, "-k", "not million and not recursive", *files])))


def print_row(*cells: str) -> None:
    """One row of the table."""
    sys.stdout.write(f"| {' | '.join(cells)} |\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
