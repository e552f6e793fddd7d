"""The `truth` command."""

import typer

from truth_console import can_i_deploy, promises, topics, verifying
from truth_console.dead import acting
from truth_console.dead import command as dead
from truth_console.flow import command as flow
from truth_console.page import command as page
from truth_console.trace import command as trace

app = typer.Typer(help="Runtime Truth from the command line.", no_args_is_help=True)
app.add_typer(topics.app, name="topics")
app.command("can-i-deploy")(can_i_deploy.answer)
app.command("flow")(flow.flow)
app.command("trace")(trace.follow)
app.add_typer(dead.app, name="dead")
for name, act in (("redrive", acting.redrive), ("dismiss", acting.dismiss)):
    dead.app.command(name)(act)
app.command("serve")(page.serve)
app.command("invariants")(promises.count)
app.command("verify", context_settings=verifying.ANYTHING)(verifying.verify)


def main() -> None:
    """Run the command line."""
    app()


if __name__ == "__main__":
    main()
