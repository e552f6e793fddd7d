"""`truth invariants` has every service count how often each promise of the path is broken.

Exit codes: 0 all are kept; 1 one is broken; 2 somebody could not count.
"""

import sys

import typer
from pydantic_core import to_json
from rich.console import Console
from rich.table import Table
from truth_contracts.ops import Invariants

from truth_console.asking import Answers, Silence
from truth_console.exits import Exit
from truth_console.options import LOCAL, AsJson, Where, opened

_console = Console()


def count(where: Where = LOCAL, as_json: AsJson = False) -> None:
    """The guardrails as counts, in each service's own database. Exit code 0: kept, 1: broken, 2: unknown."""
    with opened(where) as console:
        told = console.services.invariants()
    if as_json:
        sys.stdout.write(to_json(told).decode() + "\n")
    else:
        _console.print(_table(told))
    raise typer.Exit(judged(told))


def judged(told: Answers[Invariants]) -> Exit:
    """What the process ends with; broken is said before unknown."""
    known = [one for one in told.values() if not isinstance(one, Silence)]
    if any(promise.violations for one in known for promise in one.invariants):
        return Exit.NOT_WELL
    return Exit.UNKNOWN if len(known) < len(told) else Exit.WELL


def _table(told: Answers[Invariants]) -> Table:
    table = Table("service", "promise", "broken", "counted at (UTC)", "took", expand=False)
    for name, one in told.items():
        if isinstance(one, Silence):
            table.add_row(name, one.reason, "unknown", "", "", style="yellow")
            continue
        for promise in one.invariants:
            style = "bold red" if promise.violations else ""
            at = f"{promise.at:%H:%M:%S}"
            table.add_row(
                name, promise.promise, f"{promise.violations:,}", at, f"{promise.seconds:.3f} s", style=style
            )
    return table
