"""The house stays small: sizes of files and functions, printed and held."""

import ast
import statistics
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = [*ROOT.glob("libs/*/truth_*"), *ROOT.glob("services/*/truth_*"), *ROOT.glob("deploy/*/truth_*")]
FILES = sorted(file for package in PACKAGES for file in package.rglob("*.py"))
MIGRATIONS = sorted(ROOT.glob("services/*/migrations/*.py"))


def lines(file: Path) -> int:
    return len(file.read_text().splitlines())


def functions(file: Path) -> Iterator[tuple[str, int]]:
    """Name and length of each function, signature and docstring included, decorators not."""
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield f"{file.relative_to(ROOT)}:{node.name}", (node.end_lineno or 0) - node.lineno + 1


def body_lines(file: Path) -> Iterator[int]:
    """Length of each function's body without its docstring."""
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            told = node.body[1:] if ast.get_docstring(node) is not None else node.body
            yield ((told[-1].end_lineno or 0) - told[0].lineno + 1) if told else 0


def within(limit: int, sizes: list[int]) -> float:
    return sum(size <= limit for size in sizes) / len(sizes)


def test_files_are_small(capsys: pytest.CaptureFixture[str]) -> None:
    sizes = [lines(file) for file in FILES]
    with capsys.disabled():
        told = f"median {statistics.median(sizes):.0f}, within 200: {within(200, sizes):.0%}, largest {max(sizes)}"
        print(f"\n{len(sizes)} files, {sum(sizes)} lines: {told}")  # noqa: T201 the sizes are what this test shows
    assert statistics.median(sizes) <= 80
    assert within(200, sizes) >= 0.9
    assert [str(file) for file in [*FILES, *MIGRATIONS] if lines(file) > 350] == []


def test_functions_are_small(capsys: pytest.CaptureFixture[str]) -> None:
    whole = [found for file in FILES for found in functions(file)]
    bodies = [size for file in FILES for size in body_lines(file)]
    with capsys.disabled():
        told = f"median body {statistics.median(bodies):.0f}, within 25: {within(25, bodies):.0%}"
        print(f"\n{len(bodies)} functions: {told}, longest {max(size for _, size in whole)}")  # noqa: T201 shown on purpose
    assert statistics.median(bodies) <= 8
    assert within(25, bodies) >= 0.9
    assert [name for name, size in whole if size > 50] == []


def code_lines(file: Path) -> int:
    """Lines that hold code: no blank lines, comments or docstrings."""
    told: set[int] = set()
    text = file.read_text()
    for node in ast.walk(ast.parse(text)):
        if (
            isinstance(node, ast.Expr)
            and isinstance(node.value, ast.Constant)
            and isinstance(node.value.value, str)
        ):
            told.update(range(node.lineno, (node.end_lineno or 0) + 1))
    return sum(
        bool(line.strip()) and not line.strip().startswith("#") and number not in told
        for number, line in enumerate(text.splitlines(), start=1)
    )


def test_the_kit_stays_small(capsys: pytest.CaptureFixture[str]) -> None:
    """A limit on code rather than on lines, since half of the kit's lines tell why (libs/kit/README.md)."""
    kit = ROOT / "libs/kit/truth_kit"
    modules = [path for path in kit.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()]
    size = sum(code_lines(file) for file in kit.rglob("*.py"))
    with capsys.disabled():
        print(f"\nkit: {len(modules) - 1} modules, {size} lines of code")  # noqa: T201 shown on purpose
    assert len(modules) - 1 <= 25
    assert size <= 5_000
