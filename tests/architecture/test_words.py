"""Guardrail 5: completion is not settlement, in no contract, table, page or message."""

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest
from truth_contracts.export import FOLDER

ROOT = Path(__file__).parents[2]
SETTLEMENT = re.compile(r"\b(paid|payment|settled|settlement|billed|invoice\w*|captured?)\b", re.IGNORECASE)
DENIED = re.compile(r"\b(not settled|nothing of settlement|settlement</dt><dd>not told)\b", re.IGNORECASE)
ORIGIN = re.compile(r"""["']captured["']|\bcapture=""")
"""A photo's: taken with the camera, not picked from what was there."""
PAGES = [
    file
    for package in [
        *ROOT.glob("services/*/truth_*"),
        *ROOT.glob("libs/*/truth_*"),
        *ROOT.glob("deploy/*/truth_*"),
    ]
    for file in [*package.rglob("templates/**/*"), *package.rglob("static/**/*.js")]
    if file.is_file() and not file.name.startswith("htmx")
]
CODE = sorted(file for place in ("services", "libs") for file in ROOT.glob(f"{place}/*/truth_*/**/*.py"))


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


def spoken(file: Path) -> Iterator[str]:
    """The texts in a module: refusals, answers, labels; what only its readers see, the docstrings, left out."""
    tree = ast.parse(file.read_text())
    docstrings = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
            yield f'"{node.value}"'


def of_settlement(text: str) -> list[str]:
    """The words for it that are left when the sentences that deny it, and photos' origins, are taken out."""
    return SETTLEMENT.findall(ORIGIN.sub("", DENIED.sub("", text)))


def test_guardrail_5_no_page_speaks_of_settlement() -> None:
    told = {str(file.relative_to(ROOT)): of_settlement(file.read_text()) for file in PAGES}
    assert len(told) > 60
    assert {file: words for file, words in told.items() if words} == {}


def test_guardrail_5_no_message_speaks_of_settlement() -> None:
    told = {text for file in CODE for text in spoken(file) if of_settlement(text)}
    assert told == set()


@pytest.mark.parametrize(
    "text", ["Completed and settled.", '"Amount captured"', "No settlement is due.", "The invoice was paid."]
)
def test_a_word_of_settlement_is_found_where_it_is_not_denied(text: str) -> None:
    assert of_settlement(text)
