"""Lays the present state down as released. Adds files; what is there already stays as it is."""

import json
import os
import subprocess
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

from truth_contracts.envelope import type_of
from truth_contracts.export import schema_text
from truth_contracts.manifest import Manifest, contracts, contracts_sha256, manifest
from truth_contracts.topics import SERVICES, TOPICS

from truth_gate.export import export
from truth_gate.places import CONTRACTS, RELEASED, ROOT, SAMPLES, short
from truth_gate.released import digest

_DISTRIBUTIONS = ("truth-contracts", "truth-sealing")


def release() -> int:
    """Lay down manifests, schemas, samples and built contracts of this state; returns how many were new."""
    export()
    texts = schemas_now(RELEASED) | {
        RELEASED / "services" / told.name / f"{told.version}.json": told.model_dump_json(indent=1) + "\n"
        for told in map(manifest_now, SERVICES)
    }
    new = {file: text for file, text in texts.items() if not file.exists()}
    for file, text in new.items():
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    built = _build(RELEASED / "packages" / version("truth-contracts"))
    _write_index()
    return len(new) + built


def manifest_now(service: str) -> Manifest:
    """The manifest of the code as it is."""
    reads = [topic for topic in TOPICS if service in topic.readers and topic.cleanup == "delete"]
    return manifest(service, version(f"truth-{service}"), reads)


def schemas_now(folder: Path) -> dict[Path, str]:
    """What each contract's present version writes and demands, by its file under `folder`."""
    return {
        folder / "schemas" / short(type_of(kind)) / f"{kind.VERSION}.{side}.json": schema_text(kind, side)
        for kind in contracts()
        for side in ("write", "read")
    }


def _build(folder: Path) -> int:
    """Wheels of the contracts, and the versions of all they need, unless they lie there already."""
    if folder.exists():
        return 0
    uv = Path(sys.prefix) / "bin" / "uv"
    with tempfile.TemporaryDirectory() as made:
        for name in _DISTRIBUTIONS:
            command = [uv, "build", "--quiet", "--wheel", "--package", name, "--out-dir", made]
            # A fixed time in the archive, so that the same source gives the same bytes.
            environment = {**os.environ, "SOURCE_DATE_EPOCH": "1767225600"}
            subprocess.run(command, cwd=ROOT, check=True, env=environment)  # noqa: S603 our own build
        folder.mkdir(parents=True)
        for wheel in sorted(Path(made).glob("*.whl")):
            (folder / wheel.name).write_bytes(wheel.read_bytes())
    exporting = [uv, "export", "--quiet", "--frozen", "--no-emit-workspace", "--no-header", "--no-annotate"]
    exporting += ["--no-dev", "--package", "truth-contracts"]
    told = subprocess.run(exporting, cwd=ROOT, check=True, capture_output=True, text=True)  # noqa: S603
    (folder / "requirements.txt").write_text(told.stdout)
    (folder / "contracts.sha256").write_text(contracts_sha256() + "\n")
    return len(_DISTRIBUTIONS) + 2


def _write_index() -> None:
    files = [file for folder in (RELEASED, SAMPLES) for file in folder.rglob("*") if file.is_file()]
    index = {
        file.relative_to(CONTRACTS).as_posix(): digest(file)
        for file in sorted(files)
        if file.parent != RELEASED  # the index itself, and waivers, which may be withdrawn
    }
    (RELEASED / "index.json").write_text(json.dumps(index, indent=1) + "\n")
