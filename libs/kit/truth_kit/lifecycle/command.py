"""The command line that all five services have: serve, migrate, health.

What answers, consumes and publishes is imported by `serve` alone: the others are done before it would be.
"""

import argparse
import asyncio
from collections.abc import Callable, Sequence
from importlib.metadata import version
from typing import TYPE_CHECKING, Protocol

import structlog
from pydantic import ValidationError

from truth_kit import health, migrations, telemetry
from truth_kit.connections import DATABASE_ERRORS, DatabaseConnection, HttpServer
from truth_kit.telemetry import described

if TYPE_CHECKING:
    from truth_kit.lifecycle.parts import Service

log = structlog.get_logger()


class Places(Protocol):
    """What `migrate` and `health` need of a service's Settings."""

    @property
    def http(self) -> HttpServer: ...  # noqa: D102 the class says it
    @property
    def database(self) -> DatabaseConnection: ...  # noqa: D102


def main(
    name: str,
    settings: Callable[..., Places],
    service: Callable[[], "Service"],
    argv: Sequence[str] | None = None,
) -> int:
    """Do what the arguments say and return the exit status; 2 means wrong arguments or settings.

    `serve` (the default) ends with 0 after a drain. `migrate` brings the database to this release, as its
    owner; `migrate --check` only says, by 0 or 1, whether it is there; `health` asks the running process.
    """
    given = _arguments(name, argv)
    telemetry.set_up(name, version(f"truth-{name}"))
    try:
        act = _prepared(name, given, settings, service)
    except ValidationError as error:  # of the settings; their values may be secrets
        wrong = {
            ".".join(map(str, found["loc"])): found["msg"] for found in error.errors(include_input=False)
        }
        log.error("settings.refused", wrong=wrong)
        return 2
    return act()


def _prepared(
    name: str, given: argparse.Namespace, settings: Callable[..., Places], service: Callable[[], "Service"]
) -> Callable[[], int]:
    """What is asked for, with its settings read: only they may be refused."""
    match given.command:
        case "migrate":
            database, act = settings().database, _check if given.check else _migrate
            return lambda: asyncio.run(act(name, database))
        case "health":
            http = settings().http
            return lambda: _ask_health(http)
        case _:
            built = service()
            return lambda: _serve(built)


def _arguments(name: str, argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog=f"truth-{name}")
    commands = parser.add_subparsers(dest="command", metavar="serve | migrate | health")
    commands.add_parser("serve", help="run the service (default)")
    migrating = commands.add_parser("migrate", help="bring the database to this release")
    migrating.add_argument("--check", action="store_true", help="only say whether it is there")
    commands.add_parser("health", help="ask the running process whether it is ready")
    return parser.parse_args(argv)


def _serve(service: "Service") -> int:
    from truth_kit.lifecycle.serving import serve  # noqa: PLC0415 see above

    asyncio.run(serve(service))
    return 0


async def _migrate(name: str, database: DatabaseConnection) -> int:
    await migrations.migrate(database, name, migrations.folder(f"truth_{name}"))
    log.info("database.migrated")
    return 0


async def _check(name: str, database: DatabaseConnection) -> int:
    try:
        unfit = await migrations.check_at(database, name, migrations.folder(f"truth_{name}"))
    except DATABASE_ERRORS as error:
        unfit = described(error)
    if unfit is None:
        return 0
    log.error("database.unfit", reason=unfit)
    return 1


def _ask_health(http: HttpServer) -> int:
    unready = health.ask(http.host, http.port)
    if unready is None:
        return 0
    log.warning("health.not_ready", reason=unready)
    return 1
