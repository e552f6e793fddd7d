"""What was released: read from its folder, never changed.

- `services/<name>/<version>.json`: a release's manifest.
- `schemas/<type>/<version>.write.json`, `.read.json`: what its writers make and its readers demand.
- `packages/<version>/`: the contracts as they were built, and the versions they ran with.
- `index.json`: the digest of every one of these files and of every sample; they are only ever added to.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, TypeAdapter
from truth_contracts.base import read
from truth_contracts.manifest import Manifest

from truth_gate.places import short

Side = Literal["write", "read"]


class UnknownReleaseError(Exception):
    """Nothing is laid down about this release, so nothing can be said of it."""


class Waiver(BaseModel):
    """A pair of which the schema proof says no, and which somebody answers for."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    type: str
    writer: str
    """Version of the contract that is written."""
    reader: str
    """Version of the contract that it is read by."""
    path: str
    """Where the two differ, as the proof tells it."""
    reason: str


@dataclass(frozen=True, slots=True)
class Released:
    """The folder of what was released."""

    folder: Path

    def manifest(self, service: str, version: str) -> Manifest:
        """What a release of a service reads and writes. Raises UnknownReleaseError."""
        file = self.folder / "services" / service / f"{version}.json"
        if not file.exists():
            raise UnknownReleaseError(f"no release {service} {version} is laid down")
        return read(Manifest, file.read_bytes())

    def last(self, service: str) -> Manifest:
        """The newest release of a service. Raises UnknownReleaseError."""
        files = list((self.folder / "services" / service).glob("*.json"))
        if not files:
            raise UnknownReleaseError(f"no release of {service} is laid down")
        newest = max(files, key=lambda file: tuple(int(part) for part in file.stem.split(".")))
        return self.manifest(service, newest.stem)

    def schema(self, type_name: str, version: str, side: Side) -> dict[str, Any]:
        """What writers of this version make, or its readers demand. Raises UnknownReleaseError."""
        file = self.folder / "schemas" / short(type_name) / f"{version}.{side}.json"
        if not file.exists():
            raise UnknownReleaseError(f"no schema of {type_name} {version} is laid down")
        return json.loads(file.read_text())

    def versions(self, base: str) -> list[tuple[str, str]]:
        """Type and version of everything ever released under this name, whatever its major version."""
        folders = (self.folder / "schemas").glob(f"{short(base)}.v*")
        found = [(folder, file) for folder in folders for file in folder.glob("*.write.json")]
        return sorted(
            (f"truth.{folder.name}", file.name.removesuffix(".write.json")) for folder, file in found
        )

    def packages(self) -> list[Path]:
        """The folders of the released contracts, each with wheels and the versions they ran with."""
        return sorted((self.folder / "packages").iterdir())

    def package(self, contracts: str) -> Path:
        """The folder of the contracts with this digest. Raises UnknownReleaseError."""
        for folder in self.packages():
            if (folder / "contracts.sha256").read_text().strip() == contracts:
                return folder
        raise UnknownReleaseError(f"no package of the contracts {contracts[:12]}… is laid down")

    def samples(self, type_name: str, version: str) -> list[Path]:
        """The golden samples of a version. Raises UnknownReleaseError when it has none."""
        found = sorted((self.folder.parent / "samples" / short(type_name) / version).glob("*.json"))
        if not found:
            raise UnknownReleaseError(f"there are no samples of {type_name} {version}")
        return found

    def waivers(self) -> list[Waiver]:
        """Pairs that somebody answers for."""
        file = self.folder / "waivers.json"
        return TypeAdapter(list[Waiver]).validate_json(file.read_bytes()) if file.exists() else []

    def index(self) -> Mapping[str, str]:
        """Each released file's digest, by its path from the folder above."""
        return json.loads((self.folder / "index.json").read_text())


def digest(file: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    return hashlib.sha256(file.read_bytes()).hexdigest()


def base_of(type_name: str) -> str:
    """A type without its major version."""
    return type_name.rpartition(".v")[0]
