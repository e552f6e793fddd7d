"""The form of a request, drawn from the JSON Schema of RequestSubmitted: a new member is a new field."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from pydantic import ValidationError
from truth_contracts.base import read
from truth_contracts.requests import RequestSubmitted
from truth_kit.pages import Typed

Members: TypeAlias = dict[str, Any]
Kind: TypeAlias = Literal["text", "textarea", "date"]

_NOT_TYPED = frozenset({"request_key", "surface", "submitted_at", "requester.subject"})
_LONG_CHARACTERS = 1000
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


@dataclass(frozen=True, slots=True)
class FormField:
    """One text that a person types. `name` is the member's path, as in `requester.name`."""

    name: str
    title: str
    kind: Kind
    is_required: bool
    length_max: int | None


@dataclass(frozen=True, slots=True)
class FieldError:
    """What is wrong with a field; the words are the template's."""

    field: str
    kind: str  # pydantic's
    limit: int | None


def _drawn(schema: Members, definitions: Mapping[str, Members], path: str = "") -> Iterator[FormField]:
    for name, member in schema["properties"].items():
        whole, inner = f"{path}{name}", _resolved(member, definitions)
        if whole in _NOT_TYPED:
            continue
        if inner.get("type") == "object":
            yield from _drawn(inner, definitions, f"{whole}.")
        elif inner.get("type") == "string":
            needed = name in schema.get("required", ()) and inner.get("minLength", 0) > 0
            title = str(member.get("title", name)).capitalize()
            yield FormField(whole, title, _kind(inner), needed, inner.get("maxLength"))


def _resolved(member: Members, definitions: Mapping[str, Members]) -> Members:
    """Without the reference, and without the null that an optional member may be."""
    for choice in member.get("anyOf", ()):
        if choice.get("type") != "null":
            return _resolved(choice, definitions)
    reference: str | None = member.get("$ref")
    return definitions[reference.rpartition("/")[2]] if reference else member


def _kind(schema: Members) -> Kind:
    if schema.get("format") == "date-time":
        return "date"
    return "textarea" if schema.get("maxLength", 0) > _LONG_CHARACTERS else "text"


_SCHEMA = RequestSubmitted.model_json_schema()
FIELDS = tuple(_drawn(_SCHEMA, _SCHEMA["$defs"]))
"""In the schema's order."""


def members_of(typed: Typed) -> Members:
    """What was typed as the members of a RequestSubmitted; what was left empty is left out."""
    members: Members = {"description": ""}
    for field in FIELDS:
        text = typed[field.name]
        if not text:
            continue
        *owners, name = field.name.split(".")
        place = members
        for owner in owners:
            place = place.setdefault(owner, {})
        # A day is meant to its end; what is no day is refused as every wrong time is.
        place[name] = f"{text}T23:59:59Z" if field.kind == "date" and _DAY.fullmatch(text) else text
    return members


def submitted_by(members: Members) -> RequestSubmitted | list[FieldError]:
    """The request, or everything that is wrong with it."""
    try:
        return read(RequestSubmitted, json.dumps(members).encode())
    except ValidationError as error:
        return [_error(found["loc"], found["type"], found.get("ctx", {})) for found in error.errors()]


def _error(place: tuple[int | str, ...], kind: str, context: Members) -> FieldError:
    name = ".".join(str(part) for part in place)
    if name == "requester":  # missing as a whole: its name is
        name = "requester.name"
    return FieldError(name, kind, context.get("max_length"))
