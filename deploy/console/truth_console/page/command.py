"""`truth serve` shows the same as a page, on this machine alone: whoever is at it sees with its login."""

from typing import Annotated

import typer

from truth_console.options import LOCAL, Where, opened

_LIVE_SECONDS_MAX = 1  # an open stream is cut off after this when the process is told to stop


def serve(
    where: Where = LOCAL, port: Annotated[int, typer.Option(min=1, max=65535, help="on localhost")] = 8090
) -> None:
    """Show flow, traces, dead letters and invariants as a page on localhost. Read-only; Ctrl-C ends it."""
    import uvicorn  # noqa: PLC0415 the other commands are done before a web server is imported

    from truth_console.page.app import page  # noqa: PLC0415 as above

    with opened(where) as console:
        typer.echo(f"http://localhost:{port}/")
        uvicorn.run(
            page(console),
            host="127.0.0.1",
            port=port,
            log_level="warning",
            server_header=False,
            timeout_graceful_shutdown=_LIVE_SECONDS_MAX,
        )
