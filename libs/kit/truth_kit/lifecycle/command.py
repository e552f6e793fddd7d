"""The command line that all five services have: serve, migrate, health."""

import argparse
import asyncio
from collections.abc import Callable, Sequence
from importlib.metadata import version

import httpx
import structlog
from pydantic import ValidationError

from truth_kit import migrations, telemetry
from truth_kit.connections import read_secret
from truth_kit.lifecycle.parts import Service
from truth_kit.lifecycle.serving import serve

log = structlog.get_logger()

_ANYWHERE = {"0.0.0.0": "127.0.0.1", "": "127.0.0.1", "::": "[::1]"}  # noqa: S104 what to ask, not where to listen


def main(name: str, service: Callable[[], Service], argv: Sequence[str] | None = None) -> int:
    """Do what the arguments say and return the exit status; 2 means that arguments or settings are wrong.

    `serve` (the default) ends with 0 after a drain. `migrate` brings the database to this release, as its owner;
    `migrate --check` only says, by 0 or 1, whether it is there. `health` asks the running process, by 0 or 1.
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
        wrong = {".".join(map(str, found["loc"])): found["msg"] for found in error.errors(include_input=False)}
        log.error("settings.refused", wrong=wrong)
        return 2
    match given.command:
        case "migrate":
            return _migrate(built, check_only=given.check)
        case "health":
            return _ask_health(built)
        case _:
            asyncio.run(serve(built))
            return 0


def _migrate(service: Service, *, check_only: bool) -> int:
    folder = migrations.folder(f"truth_{service.name}")
    return asyncio.run(_check(service) if check_only else _upgrade(service))


def _ask_health(service: Service) -> int:
    host = _ANYWHERE.get(service.http.host, service.http.host)
    url = f"http://{host}:{service.http.port}/health/ready"
    try:
        answer = httpx.get(url, timeout=5, trust_env=False)
        failing = answer.json()["failing"]
    except (httpx.HTTPError, ValueError, KeyError) as error:
        log.error("health.unknown", url=url, error=type(error).__name__)
        return 1
    if answer.is_success:
        return 0
    log.warning("health.not_ready", failing=failing)
    return 1
