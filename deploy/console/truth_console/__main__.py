"""The `truth` command."""

import typer

from truth_console import topics

app = typer.Typer(help="Runtime Truth from the command line.", no_args_is_help=True)
app.add_typer(topics.app, name="topics")


@app.callback()
def truth() -> None:
    """Keep `topics` a command of its own while it is the only one."""


def main() -> None:
    """Run the command line."""
    app()


if __name__ == "__main__":
    main()
