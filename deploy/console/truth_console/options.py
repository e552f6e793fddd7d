"""Options that the commands share, and what they open by them."""

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, TypeAlias

import httpx
import typer

from truth_console.asking import Services
from truth_console.broker import Broker
from truth_console.exits import Exit
from truth_console.places import Places, PlacesError, read_places

Where: TypeAlias = Annotated[
    Path,
    typer.Option(
        "--env", envvar="TRUTH_ENV", help="where the system runs: a file shaped like .truth/local.json"
    ),
]
AsJson: TypeAlias = Annotated[bool, typer.Option("--json", help="one JSON document instead of tables")]

LOCAL = Path(".truth/local.json")


@dataclass(frozen=True, slots=True)
class Opened:
    """The system as the console may see it."""

    places: Places
    services: Services
    broker: Broker
    http: httpx.Client


@contextmanager
def opened(where: Path) -> Generator[Opened]:
    """Ends the command with exit code 2 where the file cannot be used."""
    try:
        places = read_places(where)
    except PlacesError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(Exit.UNKNOWN) from error
    with httpx.Client(trust_env=False) as http:
        yield Opened(places, Services.of(places, http), Broker(places.login), http)
