"""Writes each event's JSON Schema to `schemas/`, byte-stable: `python -m truth_contracts.export`."""

import json
import sys
from pathlib import Path

from pydantic import TypeAdapter

from truth_contracts.base import Contract
from truth_contracts.envelope import type_of
from truth_contracts.topics import TOPICS

FOLDER = Path(__file__).parent / "schemas"


def schema_files() -> dict[str, str]:
    """File name and text of each event's schema, as its writer serializes it (JSON Schema 2020-12)."""
    kinds = sorted({kind for topic in TOPICS for kind in topic.events}, key=type_of)
    return {f"{type_of(kind).removeprefix('truth.')}.json": _text(kind) for kind in kinds}


def _text(kind: type[Contract]) -> str:
    schema = TypeAdapter(kind).json_schema(mode="serialization")
    dialect = {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": type_of(kind)}
    return json.dumps(dialect | schema, indent=2, sort_keys=True) + "\n"


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
