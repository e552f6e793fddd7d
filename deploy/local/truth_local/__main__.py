"""`python -m truth_local`: the local system from the command line.

Exit codes: 0 done, 1 not done, 2 wrong use, 130 Ctrl-C.
"""

import argparse
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

from rich.console import Console
from truth_issuer.people import ACCOUNTS

from truth_local import compose_secrets, show
from truth_local.commands import down, find, up
from truth_local.failures import FAILURES
from truth_local.ports import BASE, REPLICAS_MAX, from_environment
from truth_local.processes import tail
from truth_local.watch import Watch

_INTERRUPTED = 130


def main() -> None:
    """Run one command."""
    arguments = _parser().parse_args()
    commands: dict[str, Callable[[argparse.Namespace, Console], int]] = {
        "up": _up,
        "down": _down,
        "status": _status,
        "token": _token,
        "secrets": _secrets,
        "logs": _logs,
    }
    console = Console(stderr=arguments.command == "token")
    # SIGINT too: whoever is started in the background by a shell inherits it ignored.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    try:
        sys.exit(commands[arguments.command](arguments, console))
    except KeyboardInterrupt:
        console.print("Given up; nothing was left running.")
        sys.exit(_INTERRUPTED)
    except FAILURES as failure:
        console.print(str(failure), style="red", markup=False, highlight=False, soft_wrap=True)
        sys.exit(1)


def _interrupt(_number: int, _frame: object) -> NoReturn:
    raise KeyboardInterrupt


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m truth_local", description=__doc__)
    folder = Path(os.environ.get("TRUTH_FOLDER") or ".truth")
    parser.add_argument(
        "--folder", type=Path, default=folder, help="where the system lives (TRUTH_FOLDER, .truth)"
    )
    commands = parser.add_subparsers(dest="command", required=True)
    start = commands.add_parser("up", help="start everything; returns when it is ready")
    start.add_argument(
        "--replicas", type=int, choices=range(1, REPLICAS_MAX + 1), default=1, help="of each service"
    )
    commands.add_parser("down", help="stop everything; nothing is lost")
    commands.add_parser("status", help="show each part; exit code 1 unless all are ready")
    token = commands.add_parser("token", help="print a bearer token")
    token.add_argument("name", choices=sorted(ACCOUNTS), metavar="NAME", help=", ".join(ACCOUNTS))
    commands.add_parser("secrets", help="make the secrets of docker-compose.yml, in deploy/secrets")
    logs = commands.add_parser("logs", help="show the end of the logs")
    logs.add_argument("part", nargs="?", help="one part; all when left out")
    return parser


def _up(arguments: argparse.Namespace, console: Console) -> int:
    with show.board(console) as board:
        came = up(arguments.folder, arguments.replicas, os.environ, Watch(board.tell))
    console.print("It was up already." if came.was_up else "Up.")
    console.print(show.links(came.system))
    return 0


def _down(arguments: argparse.Namespace, console: Console) -> int:
    with show.board(console) as board:
        ran = down(arguments.folder, board.tell)
    console.print("Down." if ran else "It was not up.")
    return 0


def _status(arguments: argparse.Namespace, console: Console) -> int:
    system = find(arguments.folder)
    if system is None:
        console.print("It was never up.")
        return 1
    table, whole = show.states(system)
    console.print(table)
    return 0 if whole else 1


def _token(arguments: argparse.Namespace, console: Console) -> int:
    system = find(arguments.folder)
    if system is None:
        console.print("It was never up, so there is nobody to vouch for.")
        return 1
    sys.stdout.write(system.token(arguments.name) + "\n")
    return 0


def _secrets(_arguments: argparse.Namespace, console: Console) -> int:
    single = {name: value for name, value in os.environ.items() if name != BASE}  # compose cannot count
    folder = Path(os.environ.get("TRUTH_SECRETS") or compose_secrets.FOLDER)
    layout = compose_secrets.make_secrets(folder, from_environment(single))
    console.print(
        f"{layout.secrets} and {layout.trust} hold all that docker-compose.yml asks for.", soft_wrap=True
    )
    return 0


def _logs(arguments: argparse.Namespace, console: Console) -> int:
    logs = sorted((arguments.folder / "logs").glob(f"{arguments.part or '*'}.log"))
    for log in logs:
        console.print(tail(log), markup=False, highlight=False, soft_wrap=True)
    return 0 if logs else 1


if __name__ == "__main__":
    main()
