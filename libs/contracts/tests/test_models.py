"""What holds for every contract: closed, frozen, no floats, no free-form members, times in one form."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from typing import Annotated, Any, get_args, get_origin

import pytest
from pydantic import BaseModel, TypeAdapter, ValidationError
from truth_contracts.base import Contract, Instant, instant_text, read
from truth_contracts.export import FOLDER, schema_files
from truth_contracts.jobs import JobClaimedBody
from truth_contracts.requests import RequestBody, RequestSubmitted
from truth_contracts.service_events import ServiceEventCompletedBody
from truth_contracts.tasks import TaskApprovedBody, TaskAssignedBody
from truth_contracts.topics import TOPICS

EVENTS = sorted({kind for topic in TOPICS for kind in topic.events}, key=lambda kind: kind.__name__)
BODIES = [RequestBody, TaskApprovedBody, TaskAssignedBody, JobClaimedBody, ServiceEventCompletedBody]


def parts(kind: Any) -> Iterator[Any]:
    """A type and every type inside it, models opened."""
    yield kind
    inner = [field.annotation for field in kind.model_fields.values()] if _is_model(kind) else get_args(kind)
    for part in inner:
        yield from parts(part)


def _is_model(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseModel)


@pytest.mark.parametrize("kind", [*EVENTS, *BODIES])
def test_a_contract_holds_no_float_no_free_form_member_and_only_ascii_names(kind: type[Contract]) -> None:
    for part in parts(kind):
        assert part not in (float, Any, object, dict)
        if _is_model(part):
            assert part.model_config.get("extra") == "forbid"
            assert part.model_config.get("frozen") is True
            assert all(name.isascii() for name in part.model_fields)


def texts(kind: Any) -> Iterator[Any]:
    """Every text inside a type, with what constrains it."""
    if kind is str or (get_origin(kind) is Annotated and get_args(kind)[0] is str):
        yield kind
    elif _is_model(kind):
        for field in kind.model_fields.values():
            inner = [field.annotation, *field.metadata]
            yield from texts(Annotated[*inner] if field.metadata else field.annotation)
    else:
        for part in get_args(kind):
            yield from texts(part)


def takes_nul(text: Any) -> bool:
    """With what a text may have to begin with, and in every length that one of ours could need."""
    for given in ("a\0b", "\0" * 22 + "==", "\0" * 64, "person:a\0b"):
        try:
            TypeAdapter(text).validate_python(given)
        except ValidationError:
            continue
        return True
    return False


@pytest.mark.parametrize("kind", [*EVENTS, *BODIES])
def test_no_text_that_a_stranger_writes_takes_what_postgresql_cannot_keep(kind: type[Contract]) -> None:
    # Bare texts are our services' own, made of what was checked; at the door there is none.
    bare = () if kind is RequestSubmitted else (str,)
    assert [text for text in texts(kind) if text not in bare and takes_nul(text)] == []


@pytest.mark.parametrize("kind", EVENTS)
def test_a_type_is_written_into_every_event_and_named_in_its_schema(kind: type[Contract]) -> None:
    if kind is RequestSubmitted:  # upstreams write it; its type stands in the envelope
        return
    schema = TypeAdapter(kind).json_schema(mode="serialization")
    assert "type" in schema["required"]
    assert schema["properties"]["type"]["const"].startswith("truth.")


def test_the_committed_schemas_are_fresh() -> None:
    committed = {path.name: path.read_text() for path in FOLDER.glob("*.json")}
    assert committed == schema_files(), "run `python -m truth_contracts.export`"


def test_a_reader_drops_unknown_members_at_any_depth_and_a_writer_refuses_them() -> None:
    newer = {
        "request_key": "k-1", "surface": "kitchen-repairs", "summary": "Tap drips", "description": "",
        "requester": {"name": "Rita", "pronouns": "she"}, "urgency": "high",
    }  # fmt: skip
    assert read(RequestSubmitted, json.dumps(newer).encode()).requester.name == "Rita"
    with pytest.raises(ValidationError):
        RequestSubmitted.model_validate(newer)


@pytest.mark.parametrize(
    ("given", "text"),
    [
        (datetime(2026, 1, 2, 3, 4, 5, 0, UTC), "2026-01-02T03:04:05.000Z"),
        (datetime(2026, 1, 2, 3, 4, 5, 123999, UTC), "2026-01-02T03:04:05.123Z"),
        (datetime(2026, 1, 2, 3, 4, 5, 7000, timezone(timedelta(hours=2))), "2026-01-02T01:04:05.007Z"),
        (datetime(999, 1, 2, 3, 4, 5, 0, UTC), "0999-01-02T03:04:05.000Z"),
    ],
)
def test_an_instant_is_utc_in_milliseconds(given: datetime, text: str) -> None:
    assert instant_text(given) == text
    adapter = TypeAdapter[datetime](Instant)
    assert adapter.dump_json(adapter.validate_python(given)) == f'"{text}"'.encode()


@pytest.mark.parametrize(
    "given",
    [
        '"2026-01-02T03:04:05"',
        "1767323045",
        '"yesterday"',
        "null",
        "1.5",
        '"9999-12-31T23:59:59-12:00"',
        '"0001-01-01T00:00:00+12:00"',
    ],
)
def test_what_is_no_instant_is_refused(given: str) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter[datetime](Instant).validate_json(given)


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("request_key", "k" * 65),
        ("request_key", ""),
        ("request_key", "a\nb"),
        ("summary", "s" * 201),
        ("summary", ""),
        ("description", "d" * 8001),
        ("description", "a\u0000b"),
        ("place", "p" * 501),
        ("details", [{"name": "n", "value": "v"}] * 51),
        ("details", [{"name": "n", "value": {"free": "form"}}]),
        ("details", [{"name": "n" * 65, "value": "v"}]),
        ("details", [{"name": "n", "value": "v" * 4001}]),
        ("requester", {"contact": "nobody"}),
        ("wanted_by", 12345),
    ],
)
def test_a_request_beyond_a_limit_is_refused(member: str, value: object) -> None:
    request = {
        "request_key": "k-1", "surface": "kitchen-repairs", "summary": "Tap drips", "description": "",
        "requester": {"name": "Rita"},
    }  # fmt: skip
    RequestSubmitted.model_validate_json(json.dumps(request))
    with pytest.raises(ValidationError):
        RequestSubmitted.model_validate_json(json.dumps(request | {member: value}))
