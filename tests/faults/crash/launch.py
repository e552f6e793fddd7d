"""`python -m tests.faults.crash.launch truth_intake serve`: a service, its code woven with crash points.

The points are put into each module while it is loaded, from outside: there is no failpoint in the services,
and none can be switched on where this launcher is not. A point that is armed (its name stands in the file
that TRUTH_CRASH_FILE names) kills the process with SIGKILL, once: it takes itself off the list before.
"""

import ast
import os
import runpy
import signal
import sys
from collections import defaultdict
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from pathlib import Path
from types import CodeType, FrameType, ModuleType

from tests.faults.crash.points import POINTS, Point

VARIABLE = "TRUTH_CRASH_FILE"
_CRASH, _WITHIN = "_crash_here", "_within"


class PointError(LookupError):
    """A point's statement is not there exactly once."""


def arm(file: Path, names: Sequence[str]) -> None:
    """Arm these points, whole or not at all."""
    unfinished = file.with_suffix(".new")
    unfinished.write_text("\n".join(names))
    unfinished.replace(file)


def armed(file: Path) -> list[str]:
    """What is armed and was not reached yet."""
    return file.read_text().splitlines() if file.exists() else []


def weave(source: str, module: str, points: Sequence[Point]) -> ast.Module:
    """The module's syntax tree with a call at each of `points`. Raises PointError."""
    tree = ast.parse(source)
    for point in points:
        _insert(tree, module, point)
    return ast.fix_missing_locations(tree)


def _insert(tree: ast.Module, module: str, point: Point) -> None:
    found = [
        (block, position)
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef) and function.name == point.function
        for block in _blocks(function)
        for position, statement in enumerate(block)
        if ast.unparse(statement).startswith(point.statement)
    ]
    if len(found) != 1:
        where = f"{module}.{point.function}"
        raise PointError(f"{point.name}: {point.statement!r} is {len(found)} times in {where}")
    ((block, position),) = found
    call = ast.parse(f"if {point.when}:\n    {_CRASH}({point.name!r})").body
    place = position if point.side == "before" else position + 1
    while place < len(block) and point.side == "after" and _is_call(block[place]):
        place += 1  # behind the points woven in before: their order is the table's
    block[place:place] = call


def _is_call(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.If) and _CRASH in ast.unparse(statement.body[0])


def _blocks(function: ast.AST) -> list[list[ast.stmt]]:
    """Every list of statements inside a function."""
    return [
        block
        for node in ast.walk(function)
        for name in ("body", "orelse", "finalbody")
        if isinstance(block := getattr(node, name, None), list)
    ]


class _Loader(SourceFileLoader):
    def get_code(self, fullname: str) -> CodeType:
        """Compiled anew at each start: what is woven in must not be cached beside the source."""
        return compile(
            weave(self.get_data(self.path).decode(), fullname, points_by_module()[fullname]),
            self.path,
            "exec",
        )

    def exec_module(self, module: ModuleType) -> None:
        vars(module)[_CRASH] = _crash
        vars(module)[_WITHIN] = _within
        super().exec_module(module)


class _Finder(MetaPathFinder):
    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Take the modules that have points; leave the others to those who come after."""
        if fullname not in points_by_module():
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is not None and spec.origin is not None:
            spec.loader = _Loader(fullname, spec.origin)
        return spec


def points_by_module() -> dict[str, list[Point]]:
    """The modules that have points, with them."""
    found: defaultdict[str, list[Point]] = defaultdict(list)
    for point in POINTS:
        found[point.module].append(point)
    return found


def _crash(name: str) -> None:
    file = Path(os.environ[VARIABLE])
    left = armed(file)
    if name in left:
        left.remove(name)
        arm(file, left)
        os.kill(os.getpid(), signal.SIGKILL)


def _within(module: str, function: str) -> bool:
    """Whether a function of this name and module awaits what runs here."""
    frame: FrameType | None = sys._getframe()  # pyright: ignore[reportPrivateUsage] the stack has no other door
    while frame is not None:
        if frame.f_code.co_name == function and frame.f_globals.get("__name__") == module:
            return True
        frame = frame.f_back
    return False


def main(argv: Sequence[str]) -> None:
    """Run a service's command line, woven."""
    if VARIABLE not in os.environ:
        raise SystemExit(f"{VARIABLE} must name the file that arms points")
    sys.meta_path.insert(0, _Finder())
    package, *arguments = argv
    sys.argv = [package, *arguments]
    runpy.run_module(package, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main(sys.argv[1:])
