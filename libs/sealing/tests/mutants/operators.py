"""The ways in which a check is taken out of a module's source."""

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass


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
    for parent in ast.walk(tree):
        for name, value in ast.iter_fields(parent):
            if value is old:
                setattr(parent, name, new)
            elif isinstance(value, list) and old in value:
                value[value.index(old)] = new
