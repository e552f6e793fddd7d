"""`truth verify` checks a Record's bundle offline: the published tool under the name that operators know."""

import typer
from truth_sealing.__main__ import main

ANYTHING: dict[str, bool | list[str]] = {
    "allow_extra_args": True,
    "ignore_unknown_options": True,
    "help_option_names": [],
}
"""The tool reads its own words, `--help` among them."""


def verify(context: typer.Context) -> None:
    """Check a Record's bundle offline (`truth verify --help`). Exit code 0: holds, 1: not, 2: unusable."""
    raise typer.Exit(main(["verify", *context.args]))
