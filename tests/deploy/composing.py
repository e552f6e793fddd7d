"""docker-compose.yml as compose itself reads it: every anchor merged, every variable filled in."""

import json
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
COMPOSE = ROOT / ".venv" / "bin" / "docker-compose"


@cache
def config(*files: str, env_file: str = "", **settings: str) -> dict[str, Any]:
    """The whole file, with every profile; raises CalledProcessError for what compose does not accept."""
    chosen = [word for file in files for word in ("--file", file)]
    command = [
        str(COMPOSE),
        "--project-directory",
        str(ROOT),
        *(("--env-file", env_file) if env_file else ()),
        *chosen,
        "--profile",
        "*",
        "config",
        "--format",
        "json",
    ]
    given = {"PATH": "/usr/bin:/bin", **settings}
    told = subprocess.run(command, cwd=ROOT, env=given, capture_output=True, check=True)  # noqa: S603 our own tool
    return json.loads(told.stdout)


def services(*more: str) -> dict[str, dict[str, Any]]:
    """Every service of the file, by name, with further files laid over it."""
    return config("docker-compose.yml", *more)["services"]
