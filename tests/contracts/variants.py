"""Other versions of the contracts and the services, built as packages and installed beside each other."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from truth_contracts.topics import SERVICES
from truth_gate.places import ROOT, short

UV = str(Path(sys.prefix) / "bin" / "uv")
_EVERYWHERE = {"class Event(Contract, frozen=True):", "class StepBody(Contract, frozen=True):"}
_SCHEMAS = """
import json
from truth_contracts.envelope import type_of
from truth_contracts.export import schema_text
from truth_contracts.manifest import contracts
print(json.dumps([[type_of(k), k.VERSION, s, schema_text(k, s)] for k in contracts() for s in ("write", "read")]))
"""


@dataclass(frozen=True, slots=True)
class Variant:
    """A version of everything: its own contracts, and services built with them. `minor` is both's."""

    minor: int
    member: str
    """The one member that this version has beyond the released one."""
    annotation: str
    """Its type, and its default if it has one."""
    classes: frozenset[str] = frozenset(_EVERYWHERE)
    """The lines of the classes that have it."""

    def build(self, into: Path) -> Path:
        """Build and install it; returns the Python that runs it."""
        source = into / "source"
        for folder in ("libs", "services"):
            ignored = shutil.ignore_patterns("tests", "__pycache__", "samples", "released", "node_modules")
            shutil.copytree(ROOT / folder, source / folder, ignore=ignored)
        self._change(source)
        return self._install(source, into / "environment")

    def _change(self, source: Path) -> None:
        for project in source.glob("*/*/pyproject.toml"):
            text = project.read_text().replace('version = "1.0.0"', f'version = "1.{self.minor}.0"', 1)
            project.write_text(text)
        contracts = source / "libs/contracts/truth_contracts"
        base = contracts / "base.py"
        base.write_text(
            base.read_text().replace(
                'VERSION: ClassVar[str] = "1.0"', f'VERSION: ClassVar[str] = "1.{self.minor}"'
            )
        )
        changed = 0
        for file in contracts.glob("*.py"):
            text = file.read_text()
            for line in self.classes & set(text.splitlines()):
                head, rest = text.split(line, 1)
                docstring, closing, body = _past_docstring(rest)
                told = f'\n    {self.member}: {self.annotation}\n    """Of the trial."""\n'
                text = head + line + docstring + closing + told + body
                changed += 1
            file.write_text(text)
        assert changed == len(self.classes), f"{changed} of {len(self.classes)} classes were found"
        environment = {**os.environ, "PYTHONPATH": str(contracts.parent)}
        subprocess.run(
            [sys.executable, "-m", "truth_contracts.export"],
            env=environment,
            check=True,
            stdout=subprocess.DEVNULL,
        )

    def _install(self, source: Path, environment: Path) -> Path:
        python = environment / "bin" / "python"
        pinned = environment.with_suffix(".txt")
        packages = [f"--package=truth-{service}" for service in SERVICES]
        exporting = [UV, "export", "--quiet", "--frozen", "--no-dev", "--no-emit-workspace", *packages]
        told = subprocess.run(exporting, cwd=ROOT, check=True, capture_output=True, text=True)  # noqa: S603
        pinned.write_text(told.stdout)
        projects = [str(project.parent) for project in sorted(source.glob("*/*/pyproject.toml"))]
        pip = [UV, "pip", "install", "--quiet", "--compile-bytecode", "--python", str(python)]
        for command in (
            [UV, "venv", "--quiet", "--python", sys.executable, str(environment)],
            [*pip, "--requirements", str(pinned)],
            [*pip, "--no-deps", "--no-sources", *projects],
        ):
            subprocess.run(command, cwd=source, check=True, timeout=600)  # noqa: S603 our own builds
        return python


def _past_docstring(text: str) -> tuple[str, str, str]:
    """What stands after a class line, split behind its docstring."""
    start, _, rest = text.partition('"""')
    told, closing, body = rest.partition('"""')
    return f'{start}"""{told}', closing, body


def lay_down(python: Path, folder: Path) -> None:
    """Lay the schemas of an installed variant down as released."""
    ran = subprocess.run([str(python), "-c", _SCHEMAS], capture_output=True, text=True, check=True)  # noqa: S603
    for type_name, version, side, text in json.loads(ran.stdout):
        file = folder / "schemas" / short(type_name) / f"{version}.{side}.json"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)


def installed(python: Path) -> Mapping[str, Any]:
    """The versions of our packages in an environment."""
    listing = [UV, "pip", "list", "--quiet", "--format", "json", "--python", str(python)]
    ran = subprocess.run(listing, capture_output=True, text=True, check=True)  # noqa: S603
    return {one["name"]: one["version"] for one in json.loads(ran.stdout) if one["name"].startswith("truth-")}
