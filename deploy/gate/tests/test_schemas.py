"""The proof by schemas against changes whose consequences are known."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from pydantic import TypeAdapter
from truth_contracts.base import Contract
from truth_gate.schemas import breaks


def _changes() -> ModuleType:
    spec = importlib.util.spec_from_file_location(
        "truth_gate_changes", Path(__file__).with_name("changes.py")
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


changes: Any = _changes()
FALSE_ALARMS = {("a text gains a pattern", "forward")}
"""Where the proof says no although it would do: patterns are compared word for word."""


def told(writer: type[Contract], reader: type[Contract]) -> list[str]:
    written = TypeAdapter(writer).json_schema(mode="serialization")
    return breaks(written, TypeAdapter(reader).json_schema(mode="validation"))


def test_there_are_forty_of_them() -> None:
    assert len(changes.CHANGES) == 40
    assert len({change.name for change in changes.CHANGES}) == 40


@pytest.mark.parametrize("change", changes.CHANGES, ids=lambda change: change.name)
def test_no_break_is_missed_and_false_alarms_are_known(change: Any) -> None:
    old, new = changes.model(changes.BASE), change.make()
    for direction, writer, reader, readable in (
        ("backward", old, new, change.backward),
        ("forward", new, old, change.forward),
    ):
        reasons = told(writer, reader)
        if not readable:
            assert reasons, f"{direction}: a break was missed"
        elif (change.name, direction) in FALSE_ALARMS:
            assert reasons, f"{direction}: no false alarm any more; take it off the list"
        else:
            assert reasons == [], direction


def test_a_reason_names_the_path() -> None:
    old, new = changes.model(changes.BASE), changes.part(more=(str, ...))()
    assert told(old, new) == ["/parts/*/more: the reader demands it, the writer does not write it"]


def test_what_cannot_be_compared_is_a_break() -> None:
    reader = {"type": "object", "properties": {"a": {"$ref": "elsewhere.json"}}, "required": ["a"]}
    assert any("cannot be compared" in one for one in breaks({"type": "object", "properties": {}}, reader))
