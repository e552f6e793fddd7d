"""Values that a contract's exported JSON Schema allows, at random. Everything comes from one seeded generator."""

import base64
import json
import string
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import cache
from random import Random
from typing import Any
from uuid import UUID

from truth_contracts.base import instant_text
from truth_contracts.export import FOLDER

Json = Any
Schema = Mapping[str, Any]

_WORDS = (
    'Der Hahn tropft die ganze Nacht — 水漏れ, текёт кран, l\'eau goutte, 💧 \t\n"quoted" <b>bold</b> & so on'
)
_START = datetime(2026, 1, 1, tzinfo=UTC)
_TEXT_MAX = 60
_ELEMENTS_MAX = 3


@cache
def schema_of(kind: str) -> Schema:
    """The exported schema of an event type, such as `truth.jobs.created.v1`."""
    return json.loads((FOLDER / f"{kind.removeprefix('truth.')}.json").read_text())


def shaped(kind: str, random: Random) -> dict[str, Json]:
    """An object as the schema of `kind` wants it: its members fit one by one, its story need not."""
    schema = schema_of(kind)
    return _object(schema, schema, random)


def _value(name: str, schema: Schema, root: Schema, random: Random) -> Json:
    if "$ref" in schema:
        return _value(name, root["$defs"][schema["$ref"].rpartition("/")[2]], root, random)
    if "anyOf" in schema:
        return _value(name, random.choice(schema["anyOf"]), root, random)
    if "const" in schema or "enum" in schema:
        return random.choice(schema.get("enum", [schema.get("const")]))
    if schema["type"] == "object":
        return _object(schema, root, random)
    if schema["type"] == "array":
        count = random.randint(0, min(_ELEMENTS_MAX, schema.get("maxItems", _ELEMENTS_MAX)))
        return [_value(name, schema["items"], root, random) for _ in range(count)]
    return _scalar(name, schema, random)


def _scalar(name: str, schema: Schema, random: Random) -> Json:
    match schema["type"]:
        case "string":
            return _string(name, schema, random)
        case "integer":
            lowest = schema.get("minimum", 0)
            return random.randint(lowest, schema.get("maximum", lowest + 1000))
        case "boolean":
            return random.random() < 0.5
        case "null":
            return None
        case other:
            raise KeyError(f"a type of JSON Schema that nothing is made for: {other}")


def _object(schema: Schema, root: Schema, random: Random) -> dict[str, Json]:
    required = schema.get("required", ())
    made = {
        name: _value(name, inner, root, random)
        for name, inner in schema.get("properties", {}).items()
        if name in required or random.random() < 0.5
    }
    more: Any = schema.get("additionalProperties")
    if more:
        made |= {f"fact_{n}": _value("", more, root, random) for n in range(random.randint(0, 2))}
    return made


def _string(name: str, schema: Schema, random: Random) -> str:
    if schema.get("format") == "uuid":
        return str(UUID(int=random.getrandbits(128), version=4))
    if name == "at" or name.endswith(("_at", "wanted_by")):
        return instant_text(_START + timedelta(milliseconds=random.randrange(10**10)))
    pattern = schema.get("pattern", "^[^\\u0000]*$")
    if pattern not in _BY_PATTERN:
        raise KeyError(f"a pattern that nothing is made for: {pattern}")
    return _BY_PATTERN[pattern](schema, random)


def _hex(_: Schema, random: Random) -> str:
    return f"{random.getrandbits(256):064x}"


def _salt(_: Schema, random: Random) -> str:
    return base64.b64encode(random.randbytes(16)).decode()


def _actor(_: Schema, random: Random) -> str:
    return random.choice(
        ("person:ada", "client:acme", "upstream:/upstreams/acme", "service:intake", "anonymous")
    )


def _token(_: Schema, random: Random) -> str:
    return "".join(random.choices(string.ascii_lowercase + string.digits, k=random.randint(1, 40)))


def _text(schema: Schema, random: Random) -> str:
    longest = min(schema.get("maxLength", _TEXT_MAX), _TEXT_MAX)
    length = random.randint(schema.get("minLength", 0), longest)
    return "".join(random.choices(_WORDS, k=length))


_BY_PATTERN = {
    "^[0-9a-f]{64}$": _hex,
    "^[A-Za-z0-9+/]{22}==$": _salt,
    "^(person|client|upstream|service):[^\\s]{1,128}$|^anonymous$": _actor,
    "^[^\\s]{1,128}$": _token,
    "^[^\\u0000-\\u001f\\u007f]{1,64}$": _token,
    "^[^\\u0000]*$": _text,
}
