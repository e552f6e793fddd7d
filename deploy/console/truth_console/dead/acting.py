"""`truth dead redrive` and `dismiss`: by the owning service, for a person of the role ops, audited there."""

import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, TypeAlias
from uuid import UUID

import typer

from truth_console.asking import Services, Silence
from truth_console.dead import doors
from truth_console.dead.command import owned
from truth_console.dead.letters import Letter, chosen
from truth_console.exits import Exit
from truth_console.options import LOCAL, Opened, Where, opened

TOKEN = "TRUTH_TOKEN"  # noqa: S105 a variable's name
"""Environment variable with the person's own token: what stands in a command can be read by others."""

Reason: TypeAlias = Annotated[str, typer.Option("--reason", help="kept with who did it", prompt=True)]
TokenFile: TypeAlias = Annotated[
    Path | None, typer.Option(help=f"file with your own token; else {TOKEN} in the environment")
]


def redrive(  # noqa: PLR0913 one parameter for each option
    letter_id: Annotated[
        UUID | None, typer.Argument(help="one; or --service and --code for all of a group")
    ] = None,
    *,
    reason: Reason,
    service: Annotated[str | None, typer.Option(help="whose group")] = None,
    code: Annotated[str | None, typer.Option(help="the group's cause")] = None,
    topic: Annotated[str | None, typer.Option(help="only those from this topic")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="do not ask after the dry run")] = False,
    per_second: Annotated[float, typer.Option(min=0.1, max=50, help="at most so many a second")] = 5,
    token_file: TokenFile = None,
    where: Where = LOCAL,
) -> None:
    """Have services decide again, after a dry run that changes nothing. Twice has one effect."""
    with opened(where) as console:
        owner, letters = _targets(console.services, letter_id, service, code, topic)
        person = _person(console, token_file)
        would = _each(person, owner, letters, per_second, {"dry_run": True, "reason": reason})
        if would.get("would_redrive", 0) == 0:
            raise typer.Exit(_exit(would))
        if not yes:
            typer.confirm(f"Redrive {len(letters)} at {owner}?", abort=True)
        did = _each(person, owner, letters, per_second, {"reason": reason})
    raise typer.Exit(_exit(did))


def dismiss(letter_id: UUID, reason: Reason, token_file: TokenFile = None, where: Where = LOCAL) -> None:
    """Close one without acting on it. The row stays, with who did it and why."""
    with opened(where) as console:
        found = owned(console.services, letter_id)
        person = _person(console, token_file)
        told = doors.act(person, found.service, letter_id, "dismiss", {"reason": reason})
    typer.echo(f"{letter_id}  {told.reason if isinstance(told, Silence) else told['outcome']}")
    raise typer.Exit(Exit.NOT_WELL if isinstance(told, Silence) else Exit.WELL)


def _exit(outcomes: Mapping[str, int]) -> Exit:
    if "unknown" in outcomes:
        return Exit.UNKNOWN
    return Exit.WELL if set(outcomes) <= {"redriven"} else Exit.NOT_WELL


def _targets(
    services: Services, letter_id: UUID | None, service: str | None, code: str | None, topic: str | None
) -> tuple[str, Sequence[Letter]]:
    if letter_id is not None:
        found = owned(services, letter_id)
        return found.service, [found.letter]
    if service is None or code is None:
        raise typer.BadParameter("give a dead letter's id, or --service and --code")
    told = doors.list_of(services, service)
    if isinstance(told, Silence):
        typer.echo(f"{service} {told.reason}", err=True)
        raise typer.Exit(Exit.UNKNOWN)
    letters = chosen(told, code, topic)
    if not letters:
        typer.echo(f"{service} has no open dead letter with {code}.", err=True)
        raise typer.Exit(Exit.NOT_FOUND)
    return service, letters


def _person(console: Opened, token_file: Path | None) -> Services:
    """The services, asked as the person who runs this."""
    try:
        token = token_file.read_text().strip() if token_file else os.environ.get(TOKEN, "")
    except OSError as error:
        raise typer.BadParameter(f"cannot read {token_file}: {error.strerror}") from error
    if not token:
        raise typer.BadParameter(f"put your own token into {TOKEN}, or name its file with --token-file")
    return Services(console.places, lambda: token, console.http)


def _each(
    person: Services, service: str, letters: Sequence[Letter], per_second: float, body: Mapping[str, object]
) -> dict[str, int]:
    """One after the other, each with its line; returns how often each outcome came."""
    outcomes: dict[str, int] = {}
    due = time.monotonic()
    for letter in letters:
        time.sleep(max(0.0, due - time.monotonic()))
        due = time.monotonic() + 1 / per_second
        told = doors.act(person, service, letter.id, "redrive", body)
        outcome = _outcome(told)
        typer.echo(f"{letter.id}  {outcome}  {_why(told)}".rstrip())
        outcomes[outcome] = outcomes.get(outcome, 0) + 1
    return outcomes


def _outcome(told: Mapping[str, object] | Silence) -> str:
    """Without an answer it may have been done; a second time has no second effect."""
    if isinstance(told, Silence):
        return "not allowed" if told.is_answer else "unknown"
    return str(told["outcome"])


def _why(told: Mapping[str, object] | Silence) -> str:
    if isinstance(told, Silence):
        return told.reason
    return f"{told['code']}: {told['detail']}" if told["code"] else ""
