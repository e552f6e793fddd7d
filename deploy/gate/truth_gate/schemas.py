"""Proof by schemas: whether everything that a writer may write can be read by a reader.

jsoncompat judges, with two exceptions that the forty changes of tests/changes.py brought to light: it takes
`format` for a remark and lets patterns pass, though our readers insist on both. So these are compared here: a
reader's form of a text must be the writer's, word for word. What cannot be compared counts as a break.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any, cast

import jsoncompat

Schema = Mapping[str, Any]

_TOLD_MAX = 120
_CLOSED = frozenset({"Link"})
"""Parts whose members are exactly these even when read: truth_sealing.steps checks them on arrival."""


def breaks(writer: Schema, reader: Schema) -> list[str]:
    """Where a reader would refuse what this writer may write; nothing when it reads everything.

    `writer` is a serialization schema, `reader` a validation schema; a reader drops members that it does not
    know. Each text begins with the path of what differs, as far as it can be told.
    """
    opened = _opened(reader)
    written, demanded = _flat(writer), _flat(opened)
    found = [*_formats(written, demanded, "")]
    try:
        fits = jsoncompat.check_compat(_comparable(writer), _comparable(opened), "deserializer")
    except ValueError as error:
        return [*found, f"$: cannot be compared ({error})"]
    if fits:
        return found
    return found or _differences(written, demanded) or ["$: jsoncompat says no, without a reason"]


def _comparable(schema: Schema) -> str:
    """Without the names that jsoncompat would look for elsewhere."""
    return json.dumps({key: value for key, value in schema.items() if key not in ("$id", "$schema")})


def _opened(reader: Schema) -> dict[str, Any]:
    """The reader's schema as `truth_contracts.base.read` reads: closed objects are open, at any depth."""

    def opened(value: Any, name: str = "") -> Any:  # noqa: ANN401 any JSON
        if isinstance(value, list):
            return [opened(each) for each in cast("list[Any]", value)]
        if not isinstance(value, dict):
            return value
        members = cast("dict[str, Any]", value)
        if name in _CLOSED:
            return members | {"required": sorted(members["properties"])}
        return {
            key: opened(member, key)
            for key, member in members.items()
            if not (key == "additionalProperties" and member is False)
        }

    return opened(dict(reader))


def _flat(schema: Schema) -> dict[str, Any]:
    """A schema with its references replaced by what they refer to. Our contracts are not recursive."""
    parts = cast("dict[str, Any]", schema.get("$defs", {}))

    def flat(value: Any) -> Any:  # noqa: ANN401 any JSON
        if isinstance(value, list):
            return [flat(each) for each in cast("list[Any]", value)]
        if not isinstance(value, dict):
            return value
        members = cast("dict[str, Any]", value)
        name = str(members.get("$ref", "")).removeprefix("#/$defs/")
        if name in parts:
            return flat(parts[name])
        return {key: flat(member) for key, member in members.items() if key != "$defs"}

    return flat(dict(schema))


def _formats(written: Schema, demanded: Schema, path: str) -> Iterator[str]:
    """Places where the reader insists on a form of text that the writer does not promise."""
    if written.get("type") == "string" and not written.keys() & {"anyOf", "const", "enum"}:
        for form in ("format", "pattern"):
            wanted, promised = demanded.get(form), written.get(form)
            if wanted not in (None, promised):
                told = f"the writer writes {promised or 'any text'}"
                yield f"{path or '$'}: the reader insists on {wanted}, {told}"
    for name, member in cast("dict[str, Any]", written.get("properties", {})).items():
        known = cast("dict[str, Any]", demanded.get("properties", {})).get(name)
        if known is not None:
            yield from _formats(member, known, f"{path}/{name}")
    if "items" in written and "items" in demanded:
        yield from _formats(written["items"], demanded["items"], f"{path}/*")
    yield from _choices(written, demanded, path)


def _choices(written: Schema, demanded: Schema, path: str) -> Iterator[str]:
    if "anyOf" not in written and "anyOf" not in demanded:
        return
    for choice in written.get("anyOf", [written]):
        reasons = [
            list(_formats(choice, option, path))
            for option in demanded.get("anyOf", [demanded])
            if option.get("type") == choice.get("type")
        ]
        if reasons and all(reasons):
            yield from reasons[0]


def _differences(written: Schema, demanded: Schema) -> list[str]:
    """What differs between the two, as reasons for a no: the smallest parts that do not fit by themselves."""
    return [*_walk(written, demanded, "")]


def _walk(written: Schema, demanded: Schema, path: str) -> Iterator[str]:
    if _fits(written, demanded):
        return
    inner: list[str] = []
    mine = cast("dict[str, Any]", written.get("properties", {}))
    theirs = cast("dict[str, Any]", demanded.get("properties", {}))
    for name in demanded.get("required", []):
        if name not in written.get("required", []):
            told = "may leave it out" if name in mine else "does not write it"
            inner.append(f"{path}/{name}: the reader demands it, the writer {told}")
    if demanded.get("additionalProperties") is False:
        inner += [f"{path}/{name}: no other members are admitted here" for name in mine if name not in theirs]
    for name, member in mine.items():
        if name in theirs:
            inner += _walk(member, theirs[name], f"{path}/{name}")
    if "items" in written and "items" in demanded:
        inner += _walk(written["items"], demanded["items"], f"{path}/*")
    yield from inner or [f"{path or '$'}: {_told(written)} is written, {_told(demanded)} is read"]


def _fits(written: Schema, demanded: Schema) -> bool:
    try:
        return jsoncompat.check_compat(_comparable(written), _comparable(demanded), "deserializer")
    except ValueError:
        return False


def _told(schema: Schema) -> str:
    """A schema in a few words: what limits it."""
    limits = {key: value for key, value in schema.items() if key not in ("title", "description", "default")}
    text = json.dumps(limits, ensure_ascii=False)
    return text if len(text) <= _TOLD_MAX else f"{text[:_TOLD_MAX]}…"
