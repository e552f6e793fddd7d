"""The command line that all five services have: serve, migrate, health."""

import argparse
import asyncio
from collections.abc import Callable, Sequence
from importlib.metadata import version

import structlog
from asyncpg.exceptions import PostgresError
from pydantic import ValidationError
from sqlalchemy.exc import SQLAlchemyError

from truth_kit import health, migrations, telemetry
from truth_kit.database import Database
from truth_kit.lifecycle.parts import Service
from truth_kit.lifecycle.serving import serve
from truth_kit.telemetry import described

log = structlog.get_logger()


def main(name: str, service: Callable[[], Service], argv: Sequence[str] | None = None) -> int:
    """Do what the arguments say and return the exit status; 2 means wrong arguments or settings.

    `serve` (the default) ends with 0 after a drain. `migrate` brings the database to this release, as its
    owner; `migrate --check` only says, by 0 or 1, whether it is there; `health` asks the running process.
    """
    parser = argparse.ArgumentParser(prog=f"truth-{name}")
    commands = parser.add_subparsers(dest="command", metavar="serve | migrate | health")
    commands.add_parser("serve", help="run the service (default)")
    migrating = commands.add_parser("migrate", help="bring the database to this release")
    migrating.add_argument("--check", action="store_true", help="only say whether it is there")
    commands.add_parser("health", help="ask the running process whether it is ready")
    given = parser.parse_args(argv)
    telemetry.set_up(name, version(f"truth-{name}"))
    try:
        built = service()
    except ValidationError as error:  # of the settings; their values may be secrets
        wrong = {
            ".".join(map(str, found["loc"])): found["msg"] for found in error.errors(include_input=False)
        }
        log.error("settings.refused", wrong=wrong)
        return 2
    match given.command:
        case "migrate":
            return asyncio.run(_check(built) if given.check else _migrate(built))
        case "health":
            return _ask_health(built)
        case _:
            asyncio.run(serve(built))
            return 0


async def _migrate(service: Service) -> int:
    await migrations.migrate(service.database, service.name, migrations.folder(f"truth_{service.name}"))
    log.info("database.migrated")
    return 0


async def _check(service: Service) -> int:
    database = Database(service.database, service.name)
    try:
        async with database.connect() as conn:
            unfit = await migrations.check(conn, migrations.folder(f"truth_{service.name}"))
    except (SQLAlchemyError, PostgresError, OSError) as error:
        unfit = described(error)
    finally:
        await database.close()
    if unfit is None:
        return 0
    log.error("database.unfit", reason=unfit)
    return 1


def _ask_health(service: Service) -> int:
    unready = health.ask(service.http.host, service.http.port)
    if unready is None:
        return 0
    log.warning("health.not_ready", reason=unready)
    return 1
