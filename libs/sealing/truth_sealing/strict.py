"""The only JSON reader on a path that is hashed: what it accepts has exactly one meaning."""

import json
import re
from collections.abc import Sequence
from typing import NoReturn

from truth_sealing.canonical import INTEGER_MAX, Json

NESTING_MAX = 64
"""Deepest nesting read. Our contracts need 6; a hostile text must not exhaust the stack."""


# A quoted text that never ends runs to the end of all, lest each quote in it be tried as a beginning.
_NOT_BRACKETS = re.compile(r'"(?:[^"\\]|\\.)*(?:"|\\?\Z)|[^\[\]{}]', re.DOTALL)


class StrictError(ValueError):
    """The text is not JSON with exactly one meaning; the message says why."""


def strict(text: bytes | str) -> Json:
    """The JSON value of `text` (UTF-8), read without tolerance.

    Refused with StrictError, though common readers let some of it through: duplicate keys, integers beyond
    ±(2^53 - 1), NaN and Infinity, numbers that overflow (1e400), lone surrogates, a byte-order mark, bad
    UTF-8, nesting deeper than NESTING_MAX (I-JSON, RFC 7493 section 2).
    """
    if isinstance(text, bytes):
        try:
            text = text.decode("utf-8")
        except UnicodeDecodeError as error:
            raise StrictError(f"not UTF-8: {error.reason} at byte {error.start}") from error
    if text.startswith("\ufeff"):
        raise StrictError("starts with a byte-order mark")
    _check_nesting(text)
    try:
        value: Json = _DECODER.decode(text)
    except json.JSONDecodeError as error:
        raise StrictError(f"not JSON: {error.msg} at character {error.pos}") from error
    _check_surrogates(text, value)
    return value


def strict_object(text: bytes | str) -> dict[str, Json]:
    """Like `strict`, and the value must be an object."""
    value = strict(text)
    if not isinstance(value, dict):
        raise StrictError("not a JSON object")
    return value


def _check_nesting(text: str) -> None:
    # Cheap upper bound first: only a text with that many brackets can nest that deep.
    if text.count("[") + text.count("{") <= NESTING_MAX:
        return
    depth = 0
    for bracket in _NOT_BRACKETS.sub("", text):
        depth += 1 if bracket in "[{" else -1
        if depth > NESTING_MAX:
            raise StrictError(f"nested deeper than {NESTING_MAX}")


def _check_surrogates(text: str, value: Json) -> None:
    # A surrogate can only come in through a \u escape, or through a str that was never UTF-8.
    if "\\u" not in text and text.isascii():
        return
    try:
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError as error:
        raise StrictError("holds a lone surrogate") from error


def _object(pairs: Sequence[tuple[str, Json]]) -> dict[str, Json]:
    members = dict(pairs)
    if len(members) != len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise StrictError(f"a key of {len(key)} characters occurs twice")
            seen.add(key)
    return members


def _integer(digits: str) -> int:
    # Length first: int() of a very long text is slow, and refuses beyond 4,300 digits with its own error.
    if len(digits) > len(str(-INTEGER_MAX)) or abs(int(digits)) > INTEGER_MAX:
        raise StrictError("an integer beyond ±(2^53 - 1)")
    return int(digits)


def _float(digits: str) -> float:
    number = float(digits)
    if number in (float("inf"), float("-inf")):
        raise StrictError("a number that overflows")
    return number


def _constant(name: str) -> NoReturn:
    raise StrictError(f"{name} is not JSON")


_DECODER = json.JSONDecoder(
    object_pairs_hook=_object, parse_int=_integer, parse_float=_float, parse_constant=_constant
)
