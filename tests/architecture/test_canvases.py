"""The README of a service names every setting that the service reads."""

import importlib
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import BaseModel
from truth_contracts.topics import SERVICES

ROOT = Path(__file__).parents[2]


def fields(model: type[BaseModel], prefix: str) -> Iterator[str]:
    """Every environment variable that a Settings class reads."""
    for name, field in model.model_fields.items():
        if isinstance(field.validation_alias, str):
            yield field.validation_alias
        elif isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from fields(field.annotation, f"{prefix}{name.upper()}_")
        else:
            yield f"{prefix}{name.upper()}"


def named(line: str, prefix: str) -> Iterator[str]:
    """The variables that a line names: whole, without the prefix, or by an ending (`_PORT`) of one before it."""
    heads: set[str] = set()
    for word in re.findall(r"`([A-Z0-9_]+)`", line):
        if word.startswith("_"):
            yield from (f"{head}{word}" for head in heads)
        else:
            whole = word if word.startswith("TRUTH_") else f"{prefix}{word}"
            heads |= {whole[: cut.start()] for cut in re.finditer("_", whole)}
            yield whole


@pytest.mark.parametrize("service", SERVICES)
def test_the_readme_of_a_service_names_every_setting(service: str) -> None:
    prefix = f"TRUTH_{service.upper()}_"
    text = (ROOT / "services" / service / "README.md").read_text()
    told = {name for line in text.splitlines() for name in named(line, prefix)}
    model = importlib.import_module(f"truth_{service}.settings").Settings
    assert set(fields(model, prefix)) - told == set()
