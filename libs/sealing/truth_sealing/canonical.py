"""Canonical JSON (RFC 8785) of the documents that our contracts allow, and digests over it."""

import hashlib
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
    _walk(document, "$")
    try:
        return orjson.dumps(document, option=orjson.OPT_SORT_KEYS)
    except orjson.JSONEncodeError as error:
        # Lone surrogates, and nesting deeper than the encoder's limit.
        raise NotCanonicalError(str(error)) from error


def sha256_hex(octets: bytes) -> str:
    """SHA-256 of `octets`, as 64 lowercase hexadecimal digits."""
    return hashlib.sha256(octets).hexdigest()


def _walk(value: object, at: str) -> None:
    # Exact types: a subclass (an enum, a numpy integer) may be written differently than it compares.
    kind = type(value)
    if kind is str or kind is bool or value is None:
        return
    if isinstance(value, int) and kind is int:
        if not -INTEGER_MAX <= value <= INTEGER_MAX:
            raise NotCanonicalError(f"{at}: an integer beyond ±(2^53 - 1)")
    elif isinstance(value, list | tuple):
        for index, member in enumerate(cast(list[object], value)):
            _walk(member, f"{at}[{index}]")
    elif isinstance(value, dict):
        _walk_object(cast(dict[object, object], value), at)
    else:
        raise NotCanonicalError(f"{at}: {kind.__name__} has no canonical form here")


def _walk_object(members: dict[object, object], at: str) -> None:
    for key, member in members.items():
        if type(key) is not str or not key.isascii():
            raise NotCanonicalError(f"{at}: the key {key!r} is not an ASCII string")
        _walk(member, f"{at}.{key}")
