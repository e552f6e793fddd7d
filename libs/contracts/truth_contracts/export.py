"""Writes each contract's JSON Schema to `schemas/`, byte-stable: `python -m truth_contracts.export`."""

import json
import sys
from typing import Any, Literal, cast

from pydantic import TypeAdapter

from truth_contracts.base import Contract
from truth_contracts.envelope import type_of
from truth_contracts.manifest import SCHEMAS, contracts
from truth_contracts.words import MEMBERS

FOLDER = SCHEMAS

_MODES: dict[str, Literal["serialization", "validation"]] = {"write": "serialization", "read": "validation"}


def schema_files() -> dict[str, str]:
    """File name and text of each contract's schema, as its writer serializes it (JSON Schema 2020-12).

    What upstreams write is an exception: its schema is the reader's, since they may leave out what has a
    default.
    """
    return {
        f"{type_of(kind).removeprefix('truth.')}.json": schema_text(kind, _told_as(kind))
        for kind in contracts()
    }


def schema_text(kind: type[Contract], side: Literal["write", "read"]) -> str:
    """What a writer of this code makes, or what a reader of it demands; sorted, so always the same bytes.

    A reader drops members that it does not know (`base.read`); its schema names them forbidden all the same.
    """
    schema = TypeAdapter(kind).json_schema(mode=_MODES[side])
    for part in (schema, *cast("dict[str, Any]", schema.get("$defs", {})).values()):
        for name, member in cast("dict[str, Any]", part.get("properties", {})).items():
            if "description" not in member:
                member["description"] = MEMBERS[name]
    dialect = {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": type_of(kind)}
    return json.dumps(dialect | schema, indent=2, sort_keys=True) + "\n"


def _told_as(kind: type[Contract]) -> Literal["write", "read"]:
    return "write" if "type" in kind.model_fields else "read"


def main() -> int:
    """Write what differs; say what was written."""
    FOLDER.mkdir(exist_ok=True)
    wanted = schema_files()
    for path in FOLDER.glob("*.json"):
        if path.name not in wanted:
            path.unlink()
    for name, text in wanted.items():
        (FOLDER / name).write_text(text)
    sys.stdout.write(f"{len(wanted)} schemas written\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
