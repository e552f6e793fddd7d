"""`truth serve` shows the same as a page, on this machine alone: whoever is at it sees with its login."""

from typing import Annotated

import typer

from truth_console.options import LOCAL, Where, opened


def serve(
    where: Where = LOCAL, port: Annotated[int, typer.Option(min=1, max=65535, help="on localhost")] = 8090
) -> None:
    """Show flow, traces, dead letters and invariants as a page on localhost. Read-only; Ctrl-C ends it."""
    from truth_console.page.app import page  # noqa: PLC0415 the other commands need no web server
    from truth_console.page.serving import served  # noqa: PLC0415 as above

    with opened(where) as console:
        typer.echo(f"http://localhost:{port}/")
        served(page(console), port).run()
