"""Canonical JSON (RFC 8785) of the documents that our contracts allow, and digests over it."""

import hashlib
import json
from typing import TypeAlias, cast

import orjson

Json: TypeAlias = "bool | int | str | list[Json] | dict[str, Json] | None"

INTEGER_MAX = 2**53 - 1
"""Largest integer that every JSON reader keeps exactly (RFC 8785 section 3.2.2.3, I-JSON)."""


class NotCanonicalError(ValueError):
    """The document holds something that no contract of ours allows, so it has no canonical form here."""


def canonical(document: object) -> bytes:
    """RFC 8785 bytes of `document`, UTF-8.

    Allowed are strings, booleans, null, integers within ±(2^53 - 1), arrays, and objects with ASCII keys.
    For these an ordinary encoder with sorted keys gives RFC 8785's bytes: ASCII keys sort alike by code
    point and by UTF-16 unit, and no floating-point number needs ECMAScript's notation. Anything else raises
    NotCanonicalError. Strings are sealed as given, without Unicode normalisation.
    """
    if not _is_allowed(document):
        _refuse(document, "$")
    try:
        return orjson.dumps(document, option=orjson.OPT_SORT_KEYS)
    except orjson.JSONEncodeError as error:
        # Lone surrogates, and nesting deeper than the encoder's limit.
        raise NotCanonicalError(str(error)) from error


def is_same(one: Json, other: Json) -> bool:
    """Whether two values that have a canonical form are the same JSON; to Python, true is also 1."""
    return canonical([one]) == canonical([other])


def said(value: Json) -> str:
    """A text itself, anything else in its canonical form: for reasons."""
    return value if isinstance(value, str) else canonical(value).decode()


def sha256_hex(octets: bytes) -> str:
    """SHA-256 of `octets`, as 64 lowercase hexadecimal digits."""
    return hashlib.sha256(octets).hexdigest()


def _is_allowed(document: object) -> bool:
    """Whether every value has a form here. Exact types: a subclass may be written otherwise than it is."""
    left = [document]
    while left:
        value = left.pop()
        kind = type(value)
        if kind is str or kind is bool or value is None:
            continue
        if kind is dict:
            members = cast(dict[object, object], value)
            if not all(type(key) is str and key.isascii() for key in members):
                return False
            left.extend(members.values())
        elif kind is list or kind is tuple:
            left.extend(cast(list[object], value))
        elif kind is not int or not -INTEGER_MAX <= cast(int, value) <= INTEGER_MAX:
            return False
    return True


def _refuse(value: object, at: str) -> None:
    """Raise NotCanonicalError for the first thing in `value` that has no form here, and where it is."""
    if isinstance(value, dict):
        for key, member in cast(dict[object, object], value).items():
            if type(key) is not str or not key.isascii():
                raise NotCanonicalError(f"{at}: the key {json.dumps(key)} is not an ASCII string")
            _refuse(member, f"{at}.{key}")
    elif isinstance(value, list | tuple):
        for index, member in enumerate(cast(list[object], value)):
            _refuse(member, f"{at}[{index}]")
    elif not _is_allowed(value):
        kind = type(value).__name__
        what = "an integer beyond ±(2^53 - 1)" if kind == "int" else f"{kind} has no canonical form here"
        raise NotCanonicalError(f"{at}: {what}")
