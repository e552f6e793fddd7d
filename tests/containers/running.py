"""Commands, with their output in a log and their end waited for."""

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).parents[2]


class CommandError(RuntimeError):
    """A command failed; the message ends with what it said last."""


def run(
    command: Sequence[str | Path],
    environment: Mapping[str, str] | None = None,
    *,
    log: Path | None = None,
    folder: Path = ROOT,
    seconds: float = 900,
) -> str:
    """Run to the end and return what it printed; raises CommandError, or TimeoutExpired."""
    ran = subprocess.run(  # noqa: S603 our own commands
        [str(word) for word in command],
        env={**os.environ, **(environment or {})},
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT if log else subprocess.PIPE,
        text=True,
        timeout=seconds,
        check=False,
    )
    if log:
        with log.open("a") as file:
            file.write(f"$ {' '.join(map(str, command))}\n{ran.stdout}\n")
    if ran.returncode != 0:
        told = "\n".join(f"{ran.stdout}{ran.stderr or ''}".splitlines()[-25:])
        raise CommandError(f"`{' '.join(map(str, command))}` failed with {ran.returncode}:\n{told}")
    return ran.stdout
