"""`truth trace REF` follows one request over all services and topics.

Exit codes: 0 it is at its end, with a person or on its way; 1 it is stuck; 2 something is not known; 3 nobody
knows it.
"""

import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

import typer
from pydantic_core import to_json
from rich.console import Console
from rich.table import Table
from rich.text import Text

from truth_console.exits import Exit
from truth_console.flow.command import LATE_SECONDS_MAX
from truth_console.flow.show import seconds
from truth_console.options import LOCAL, AsJson, Where, opened
from truth_console.trace.path import Standing
from truth_console.trace.traced import Line, Traced, trace

_console = Console()


def follow(
    ref: Annotated[UUID, typer.Argument(help="id of a request, Task, Job, ServiceEvent, Record or Signal")],
    where: Where = LOCAL,
    as_json: AsJson = False,
) -> None:
    """Follow one request. Exit code 0: at its end or with a person, 1: stuck, 2: unknown, 3: no such."""
    with opened(where) as console:
        found = trace(console.places, console.services, ref, datetime.now(UTC))
    if not isinstance(found, Traced):
        _tell_nothing(ref, found)
        raise typer.Exit(Exit.NOT_FOUND if found is None else Exit.UNKNOWN)
    if as_json:
        sys.stdout.write(to_json(found).decode() + "\n")
    else:
        _show(found)
    raise typer.Exit(judged(found))


def judged(found: Traced) -> Exit:
    """What the process ends with."""
    broken = [line for line in found.lines if line.message and _is_broken(line.message.check)]
    if broken or is_stuck(found.standing, found.at):
        return Exit.NOT_WELL
    if found.standing.waits_for == "unknown" or found.silent or found.kafka_silent:
        return Exit.UNKNOWN
    return Exit.WELL


def is_stuck(standing: Standing, now: datetime) -> bool:
    """Whether somebody of ops should look: a hop of the last minute is no reason."""
    if standing.waits_for == "a hop" and standing.since is not None:
        return (now - standing.since).total_seconds() > LATE_SECONDS_MAX
    return standing.waits_for in ("a hop", "missing bytes", "somebody to redrive it")


def _is_broken(check: str) -> bool:
    return check != "holds" and not check.startswith("not checked")


def words(standing: Standing, now: datetime) -> str:
    """Where it stands, in a sentence."""
    since = f", for {seconds((now - standing.since).total_seconds())}" if standing.since else ""
    if standing.waits_for == "the end":
        return f"At its end: {standing.words}"
    return f"Stands at {standing.service}{since}: {standing.words}"


def _tell_nothing(ref: UUID, silent: Mapping[str, str] | None) -> None:
    told = "; ".join(f"{name} {why}" for name, why in (silent or {}).items())
    typer.echo(f"Nobody who answers knows {ref}. {told}" if told else f"Nobody knows {ref}.", err=True)


def _show(found: Traced) -> None:
    _console.print(Text(words(found.standing, found.at), style="bold"))
    _console.print(f"request {found.request_id}", highlight=False, style="dim")
    table = Table("step", "state", "id", "at (UTC)", "after", "by", "message", "check", expand=False)
    for line in found.lines:
        table.add_row(*_cells(line, found.silent.get(line.owner)))
    _console.print(table)
    for name, why in found.silent.items():
        _console.print(f"{name} {why}", style="yellow", highlight=False)
    if found.kafka_silent:
        _console.print(found.kafka_silent, style="yellow", highlight=False)


def _cells(line: Line, silent: str | None) -> tuple[str, ...]:
    step, message = line.step, line.message
    if step is None:
        return (line.title, "unknown" if silent else "not yet", *[""] * 6)
    where = f"{message.topic}/{message.partition}/{message.offset}" if message else ""
    return (
        line.title,
        step.state,
        step.id,
        f"{step.at:%H:%M:%S.%f}"[:-3],
        "" if line.seconds is None else seconds(line.seconds),
        step.actor or "",
        where,
        message.check if message else "",
    )
