"""Guardrail 5: completion is not settlement, in no contract, table or address."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

from truth_contracts.export import FOLDER

ROOT = Path(__file__).parents[2]
SETTLEMENT = re.compile(r"\b(paid|payment|settled|billed|invoice\w*|captured?)\b", re.IGNORECASE)


def names_and_values(schema: Any) -> Iterator[str]:
    """Every member name, constant and enumerated value of a JSON Schema."""
    if isinstance(schema, dict):
        members = cast(dict[str, Any], schema)
        yield from members.get("properties", {})
        yield from map(str, members.get("enum", []))
        yield str(members.get("const", ""))
        for inner in members.values():
            yield from names_and_values(inner)
    elif isinstance(schema, list):
        for inner in cast(list[Any], schema):
            yield from names_and_values(inner)


def test_guardrail_5_no_contract_speaks_of_settlement() -> None:
    told = {
        name
        for file in FOLDER.glob("*.json")
        for name in names_and_values(json.loads(file.read_text()))
        if SETTLEMENT.search(name.replace("_", " "))
    }
    assert told == {"captured"}  # a photo's origin: taken with the camera, not picked from what was there


def test_guardrail_5_no_table_speaks_of_settlement() -> None:
    for migration in ROOT.glob("services/*/migrations/*.py"):
        told = SETTLEMENT.findall(migration.read_text().replace("_", " "))
        assert set(told) <= {"captured"}, migration
