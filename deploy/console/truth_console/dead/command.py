"""`truth dead` lists what services refused, shows one, and has them redriven or dismissed.

The console itself may only look. What changes something is done by the owning service for a person of the
role ops, whose token is given in the environment (TRUTH_TOKEN) or a file, never as a word of the command.

Exit codes: 0 done, or nothing is dead; 1 something is dead, or was refused again; 2 not known; 3 no such.
"""

import sys
from collections.abc import Mapping, Sequence
from uuid import UUID

import typer
from pydantic_core import to_json
from rich.console import Console
from rich.table import Table

from truth_console.asking import Services, Silence
from truth_console.dead import doors
from truth_console.dead.doors import Found
from truth_console.dead.letters import Group, groups
from truth_console.exits import Exit
from truth_console.options import LOCAL, AsJson, Where, opened

app = typer.Typer(help=__doc__, no_args_is_help=True)
_console = Console()


@app.command("list")
def list_all(where: Where = LOCAL, as_json: AsJson = False) -> None:
    """Open dead letters of all services, grouped by cause and contract."""
    with opened(where) as console:
        told = doors.list_open(console.services)
    known = {name: one for name, one in told.items() if not isinstance(one, Silence)}
    silent = {name: one.reason for name, one in told.items() if isinstance(one, Silence)}
    found = groups(known)
    if as_json:
        sys.stdout.write(to_json({"groups": found, "silent": silent}).decode() + "\n")
    else:
        _console.print(_table(found, silent) if found or silent else "No dead letters.")
    raise typer.Exit(Exit.UNKNOWN if silent else Exit.NOT_WELL if found else Exit.WELL)


@app.command("show")
def show(letter_id: UUID, where: Where = LOCAL, as_json: AsJson = False) -> None:
    """One dead letter: where it lies, why it was refused, what was done about it. Never its contents."""
    with opened(where) as console:
        found = owned(console.services, letter_id)
    if as_json:
        sys.stdout.write(to_json(found).decode() + "\n")
        return
    for name, value in found.letter.model_dump(exclude_none=True).items():
        _console.print(f"{name:>12}  {value}", markup=False, highlight=False)
    for action in found.actions:
        words = (
            f"{action['at']}  {action['what']} by {action['by']}: {action['outcome']} ({action['reason']})"
        )
        _console.print(words, markup=False, highlight=False)


def owned(services: Services, letter_id: UUID) -> Found:
    """The dead letter and its service; else the command ends: exit code 3, or 2 when somebody is silent."""
    found = doors.find(services, letter_id)
    if isinstance(found, Found):
        return found
    silent = {name: one.reason for name, one in found.items() if "dead_letter_unknown" not in one.reason}
    told = "; ".join(f"{name} {why}" for name, why in silent.items())
    typer.echo(f"Nobody who answers has {letter_id}. {told}".rstrip(), err=True)
    raise typer.Exit(Exit.UNKNOWN if silent else Exit.NOT_FOUND)


def _table(found: Sequence[Group], silent: Mapping[str, str]) -> Table:
    table = Table("service", "cause", "topic", "contract", "count", "first", "last", "newest", expand=False)
    for one in found:
        times = f"{one.first_at:%Y-%m-%d %H:%M:%S}", f"{one.last_at:%Y-%m-%d %H:%M:%S}"
        what = one.service, one.code, one.topic, one.type or "none named", str(one.count)
        table.add_row(*what, *times, str(one.sample))
    for name, why in silent.items():
        table.add_row(name, f"unknown: {why}", style="yellow")
    return table
