"""Samples written by hand: what a reader meets at the edges of a contract."""

from collections.abc import Mapping
from typing import Any, cast

_SMALLEST = {
    "request_key": "k",
    "surface": "s",
    "summary": "x",
    "description": "",
    "requester": {"name": "R"},
}
_WORDS = {
    "request_key": "Schlüssel-№1/Ж:ß",
    "surface": "kitchen-repairs",
    "summary": "Wasserhahn tropft 🚰 — يقطر الصنبور",
    "description": "Zeile 1\nLine 2\ttab\u2028separator, e\u0301, 👩\u200d🔧, \ufeffBOM, \u007f, \u0001",
    "requester": {"name": "O'Neil-Åström, 李", "contact": None, "subject": "sub|42"},
    "place": "",
    "wanted_by": "2026-12-24T18:00:00+14:00",
    "submitted_at": "2026-11-24T16:00:00.123456789Z",
    "details": [{"name": "zero", "value": ""}, {"name": "zero", "value": "0"}],
}
_FULL = {
    "request_key": "k" * 64,
    "surface": "s" * 64,
    "summary": "ä" * 200,
    "description": "d" * 8000,
    "requester": {"name": "n" * 200, "contact": "c" * 200, "subject": "s" * 128},
    "place": "p" * 500,
    "wanted_by": "9999-12-31T23:59:59.999Z",
    "submitted_at": "0001-01-01T00:00:00Z",
    "details": [{"name": "d" * 64, "value": "v" * 400} for _ in range(50)],
}
_TYPE = "truth.requests.submitted.v1"
_BINARY = {
    "ce_specversion": "1.0",
    "ce_id": "e-1",
    "ce_source": "/upstreams/acme",
    "ce_type": _TYPE,
    "content-type": "application/json",
}
_STRUCTURED = {"content-type": "application/cloudevents+json; charset=UTF-8"}


def _event(**data: object) -> dict[str, object]:
    return {"specversion": "1.0", "id": "e-2", "source": "/upstreams/acme", "type": _TYPE, **data}


DOOR_EDGES: Mapping[str, tuple[Mapping[str, str], Any]] = {
    "smallest": (_BINARY, _SMALLEST),
    "words": (_BINARY, _WORDS),
    "full": (_BINARY, _FULL),
    "extra-headers": (
        {**_BINARY, "ce_acmetenant": "7", "x-trace": "abc", "ce_time": "2026-11-24T16:00:00Z"}, _SMALLEST
    ),
    "structured": (_STRUCTURED, _event(data=_WORDS, datacontenttype="application/json")),
    "structured-base64": (
        _STRUCTURED,
        _event(data_base64="eyJyZXF1ZXN0X2tleSI6ImIiLCJzdXJmYWNlIjoicyIsInN1bW1hcnkiOiJ4IiwiZGVzY3JpcHRpb24iOiIiLCJyZXF1ZXN0ZXIiOnsibmFtZSI6IlIifX0="),
    ),
    "plain": ({}, _SMALLEST),
    "plain-with-a-type": ({"content-type": "application/json"}, _WORDS),
}  # fmt: skip
"""Name to headers and value: requests as upstreams may send them, all of them accepted by the contract."""


def newer(value: Any) -> Any:  # noqa: ANN401 any JSON
    """`value` as a writer of a newer minor version sends it: one more member in every object.

    Where the keys are data (a link's facts) and in the links, which admit no other members, none is added.
    """
    if isinstance(value, list):
        return [newer(each) for each in cast("list[Any]", value)]
    if not isinstance(value, dict):
        return value
    members = cast("dict[str, Any]", value)
    if "sig" in members:
        return members
    return {name: newer(member) for name, member in members.items()} | {"of_a_newer_minor": [{"n": 1}, None]}
