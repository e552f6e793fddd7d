"""Writes everything that is generated from the contracts: schemas, samples, AsyncAPI document, pages.

Samples of a version that is there already are left alone: what is released is only ever added to.
"""

from collections.abc import Mapping
from pathlib import Path

from truth_contracts.envelope import type_of
from truth_contracts.export import FOLDER, schema_files
from truth_contracts.manifest import contracts

from truth_gate.asyncapi import document
from truth_gate.glossary import glossary
from truth_gate.golden import samples_of
from truth_gate.places import CONTRACTS, SAMPLES, short
from truth_gate.upstreams import page


def generated() -> Mapping[Path, str]:
    """Each generated file and its text, samples apart."""
    files = {FOLDER / name: text for name, text in schema_files().items()}
    return files | {
        CONTRACTS / "asyncapi.json": document(),
        CONTRACTS / "GLOSSARY.md": glossary(),
        CONTRACTS / "UPSTREAMS.md": page(),
    }


def sample_files() -> dict[Path, str]:
    """Each sample file of the present versions and its text."""
    return {
        SAMPLES / short(type_of(kind)) / kind.VERSION / f"{name}.json": sample.text()
        for kind in contracts()
        for name, sample in samples_of(kind).items()
    }


def export() -> int:
    """Write what differs; returns how many files were written."""
    written = [file for file, text in generated().items() if _write(file, text)]
    fresh = {file: text for file, text in sample_files().items() if not file.exists()}
    return len(written) + sum(_write(file, text) for file, text in fresh.items())


def _write(file: Path, text: str) -> bool:
    if file.exists() and file.read_text() == text:
        return False
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    return True
