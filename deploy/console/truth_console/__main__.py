"""The `truth` command."""

import typer

from truth_console import can_i_deploy, topics

app = typer.Typer(help="Runtime Truth from the command line.", no_args_is_help=True)
app.add_typer(topics.app, name="topics")
app.command("can-i-deploy")(can_i_deploy.answer)


def main() -> None:
    """Run the command line."""
    app()


if __name__ == "__main__":
    main()
