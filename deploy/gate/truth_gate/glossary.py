"""The glossary of events: who writes each, who reads it, when, and its members with units and meaning."""

import inspect
import json
from collections.abc import Iterator, Mapping
from typing import Any, cast

from truth_contracts.base import Contract
from truth_contracts.envelope import type_of
from truth_contracts.export import schema_text
from truth_contracts.manifest import contracts, written_by
from truth_contracts.topics import SERVICES, TOPICS, Topic

_HEAD = """# Glossary of events

What is said on the topics: for each contract who writes it, who reads it, when, and what its members mean.
Generated from the contracts by `make schemas`; change the docstrings there, not this file.
"""


def glossary() -> str:
    """The page, in Markdown."""
    return "\n".join([_HEAD, *(line for kind in contracts() for line in _about(kind))])


def _about(kind: type[Contract]) -> Iterator[str]:
    topics = [topic for topic in TOPICS if kind in topic.events]
    carried = [topic.name for topic in TOPICS if kind in topic.carries]
    schema = json.loads(schema_text(kind, "write"))
    yield f"## {kind.__name__}\n"
    yield f"`{type_of(kind)}`, version {kind.VERSION}\n"
    yield inspect.cleandoc(kind.__doc__ or "") + "\n"
    for topic in topics:
        yield from _told_on(topic)
    if not topics:
        (writer,) = (service for service in SERVICES if kind in written_by(service))
        yield f"- Written by {writer} as a step of the path; it has no topic of its own."
    if carried:
        yield f"- Travels as a text in `steps` on {', '.join(f'`{name}`' for name in carried)}."
    yield ""
    yield from _members(schema)
    for name, part in cast("dict[str, Any]", schema.get("$defs", {})).items():
        yield f"**{name}**: {part.get('description', '')}\n"
        yield from _members(part)


def _told_on(topic: Topic) -> Iterator[str]:
    kept = "for ever" if topic.retention_ms < 0 else f"{topic.retention_ms // 86_400_000} days"
    yield f"- Topic `{topic.name}`, kept {kept}, at most {topic.bytes_max // 1024} KiB."
    yield f"- Written by {topic.owner}; read by {', '.join(topic.readers)}."


def _members(schema: Mapping[str, Any]) -> Iterator[str]:
    yield "| member | what it holds | meaning |"
    yield "| --- | --- | --- |"
    required = schema.get("required", [])
    for name, member in cast("dict[str, Any]", schema["properties"]).items():
        told = " ".join(member["description"].split())
        optional = "" if name in required else ", may be absent"
        yield f"| `{name}` | {_shape(member)}{optional} | {told} |"
    yield ""


def _shape(member: Mapping[str, Any]) -> str:
    """A member's type and limits in a few words."""
    if "const" in member:
        return f"`{member['const']}`"
    if "enum" in member:
        return " or ".join(f"`{value}`" for value in member["enum"])
    if "$ref" in member:
        return str(member["$ref"]).rpartition("/")[2]
    if "anyOf" in member:
        return " or ".join(_shape(one) for one in member["anyOf"])
    if member.get("type") == "array":
        return f"list of {_shape(member['items'])}"
    words = {"date-time": "time", "uuid": "UUID"}
    base = words.get(member.get("format", ""), member.get("type", "object").replace("string", "text"))
    longest = member.get("maxLength")
    return f"{base} ≤ {longest}" if longest else str(base)
