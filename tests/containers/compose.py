"""`docker compose` over this checkout's docker-compose.yml, on free ports and with secrets of its own."""

import os
import shutil
import tempfile
import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import cast

import docker
from docker.models.containers import Container
from truth_contracts.topics import SERVICES
from truth_local import ports
from truth_local.compose_secrets import make_secrets
from truth_local.composed import composed, environment
from truth_local.register import register
from truth_local.system import System

from tests.containers.running import ROOT, run

_COMPOSE = ROOT / ".venv" / "bin" / "docker-compose"
_PROJECT = "com.docker.compose.project"
_SERVICE = "com.docker.compose.service"


@dataclass(frozen=True)
class Composed:
    """A running compose system: its containers, and its doors as a System."""

    project: str
    settings: Mapping[str, str]
    system: System

    def compose(self, *words: str, **settings: str) -> str:
        """Run a compose command; raises CommandError."""
        return run([_COMPOSE, "--project-name", self.project, *words], {**self.settings, **settings})

    @cached_property
    def engine(self) -> docker.DockerClient:
        """The engine's API."""
        return docker.from_env()

    def containers(self, *, once: bool = False) -> dict[str, Container]:
        """The containers by service: those that run, or with `once` those that ran once, too."""
        label: dict[str, str | list[str] | bool] = {"label": f"{_PROJECT}={self.project}"}
        return {
            found.labels[_SERVICE]: found for found in self.engine.containers.list(all=once, filters=label)
        }

    def inside(self, service: str, *command: str) -> str:
        """What a command prints in a running container; raises AssertionError when it fails."""
        done = self.containers()[service].exec_run(list(command))
        output = cast(bytes, done.output).decode()
        assert done.exit_code == 0, f"{command} in {service}: {output}"
        return output

    def rows(self, service: str, query: str) -> list[list[str]]:
        """Rows of one service's database, by way of the database's own container."""
        psql = 'PGPASSWORD=$(cat /run/secrets/postgres) exec psql -qAtX -U postgres -d "$1" -c "$2"'
        told = self.inside("postgres", "bash", "-c", psql, "psql", service, query)
        return [line.split("|") for line in told.splitlines()]


@contextmanager
def up(tell_seconds: dict[str, float]) -> Generator[Composed]:
    """The whole system, ready, with operators and surfaces; afterwards nothing of it is left."""
    folder = Path(tempfile.mkdtemp(prefix="truth-compose-"))
    chosen = ports.free()
    make_secrets(folder, chosen)
    running = Composed(
        f"truth-{folder.name[-8:].lower()}", environment(folder, chosen), composed(folder, chosen)
    )
    started = time.monotonic()
    try:
        try:
            running.compose(
                "up", "--detach", "--wait", "--wait-timeout", "180", "--no-build", "--pull", "never"
            )
        except Exception:
            print(running.compose("ps", "--all"), running.compose("logs", "--tail", "30"))  # noqa: T201 why
            raise
        tell_seconds["up"] = time.monotonic() - started
        register(running.system)
        yield running
    finally:
        if os.environ.get("TRUTH_KEEP") is None:
            running.compose("down", "--volumes", "--timeout", "30", "--remove-orphans")
        running.engine.close()
        shutil.rmtree(folder, ignore_errors=True)


def port_setting(service: str) -> str:
    """The variable by which docker-compose.yml is told another image of a service."""
    assert service in SERVICES
    return f"TRUTH_{service.upper()}_VERSION"
