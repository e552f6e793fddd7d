"""What a path costs, counted: the same on every machine. Text, to be compared with what was agreed."""

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from truth_contracts.topics import SERVICES
from truth_kit.testing import FreshDatabase
from truth_local.system import System

from tests.budget.nodes import Node, nodes
from tests.budget.path import Walk, prepare
from tests.budget.wire import COLUMNS, Cost
from tests.security.table import table

EXPECTED = Path(__file__).parent / "expected.txt"
MANY = 20

_LISTED = """
import sys
at_start = set(sys.modules)  # some distributions' Python brings a sitecustomize
import importlib
importlib.import_module(sys.argv[1])
if len(sys.argv) > 2:
    importlib.import_module(sys.argv[2])
found = {name.partition(".")[0] for name in set(sys.modules) - at_start} - set(sys.stdlib_module_names)
print(*sorted(name for name in found - {"cython_runtime"} if not name.startswith("_")))
"""


async def budgets(system: System, fresh_database: FreshDatabase) -> str:
    """Statements, round trips and rows of each command and hop, bytes of each message, packages imported."""
    async with nodes(system, fresh_database) as made:
        await prepare(made)
        one, many = await _walked(made, 1), await _walked(made, MANY)
    hops = {name: cost for name, cost in many.cost.items() if name in one.cost and _is_batch(name)}
    return "\n".join(
        (
            _costs("One request: a command, or a hop with one message", one.cost),
            _costs(f"{MANY} requests: a hop with {MANY} messages in one batch", hops),
            table(
                "Bytes of a message: key, value and headers",
                sorted(one.bytes_of),
                ("bytes",),
                {(topic, "bytes"): [str(size)] for topic, size in one.bytes_of.items()},
            ),
            _imports(),
        )
    )


async def _walked(made: Mapping[str, Node], count: int) -> Walk:
    """The second walk of two: by then every statement is prepared on its connection."""
    walk = Walk(made, count)
    for _ in range(2):
        await walk.knock()
        await walk.whole()
    return walk


def _is_batch(name: str) -> bool:
    return " > " in name or name == "seal"


def _costs(title: str, costs: Mapping[str, Cost]) -> str:
    cells = {(name, column): words for name, cost in costs.items() for column, words in cost.words.items()}
    return table(title, tuple(costs), COLUMNS, cells)


def _imports() -> str:
    lines = ["# Packages imported before the first statement of `migrate` and `health`, and by `serve`"]
    for service in SERVICES:
        command, app = f"truth_{service}.__main__", f"truth_{service}.app"
        lines += [
            f"{service} migrate: {_packages(command, 'truth_kit.lifecycle.command')}",
            f"{service} serve: {_packages(app, 'truth_kit.lifecycle.serving')}",
        ]
    return "\n".join(lines) + "\n"


def _packages(*modules: str) -> str:
    ran = subprocess.run(  # noqa: S603 our own modules
        [sys.executable, "-c", _LISTED, *modules], capture_output=True, text=True, check=True, timeout=120
    )
    return ran.stdout.strip()
