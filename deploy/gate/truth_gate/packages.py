"""Proof by samples: messages of one version through the code of another, in its own environment."""

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from truth_gate import reading
from truth_gate.samples import Sample


@dataclass(frozen=True, slots=True)
class Package:
    """The contracts as somebody runs them: the Python of an environment that holds them."""

    python: Path

    def refusals(self, messages: Sequence[tuple[str, Sample]]) -> list[str | None]:
        """Why this code does not read each of these messages (type and sample); None for those it reads."""
        lines = [
            json.dumps(
                {
                    "topic": sample.topic,
                    "type": type_name,
                    "key": sample.key,
                    "headers": dict(sample.headers),
                    "value": sample.octets.decode(),
                }
            )
            for type_name, sample in messages
        ]
        command = [str(self.python), "-I", str(reading.__file__)]
        ran = subprocess.run(  # noqa: S603 our own script
            command, input="\n".join(lines) + "\n", capture_output=True, text=True, timeout=120, check=True
        )
        return [json.loads(line) for line in ran.stdout.splitlines()]


PRESENT = Package(Path(sys.executable))
"""The contracts of this checkout."""


def install(wheels: Path, into: Path) -> Package:
    """An environment with the wheels of a folder, and all else as its requirements.txt pins it."""
    uv = str(Path(sys.prefix) / "bin" / "uv")
    python = into / "bin" / "python"
    pinned, built = wheels / "requirements.txt", sorted(map(str, wheels.glob("*.whl")))
    for command in (
        [uv, "venv", "--quiet", "--python", sys.executable, str(into)],
        [uv, "pip", "install", "--quiet", "--python", str(python), "--requirements", str(pinned)],
        [uv, "pip", "install", "--quiet", "--python", str(python), "--no-deps", *built],
    ):
        subprocess.run(command, check=True, timeout=300)  # noqa: S603 our own commands
    return Package(python)
