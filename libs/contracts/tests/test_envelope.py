"""The envelope both ways, with the CloudEvents library as a second opinion, and everything that it refuses."""

import base64
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

import pytest
from cloudevents.core.bindings.kafka import KafkaMessage, from_binary_event
from cloudevents.core.formats.json import JSONFormat
from truth_contracts.base import Contract
from truth_contracts.envelope import (
    PLAIN_SOURCE,
    Coordinates,
    Message,
    NeedsUpgradeError,
    Received,
    from_kafka,
    to_kafka,
)
from truth_contracts.ids import EventId, RequestId, TaskId
from truth_contracts.refusals import Refusal
from truth_contracts.requests import RequestSubmitted
from truth_contracts.tasks import TaskChanged
from truth_contracts.topics import REQUESTS_SUBMITTED, TASKS_CHANGED, Topic

AT = datetime(2026, 11, 24, 16, 0, 0, 123000, UTC)
REQUEST_ID = RequestId(UUID("0193a1b2-0000-7000-8000-000000000001"))
CHANGED = TaskChanged(
    event_id=EventId(UUID("0193a1b2-0000-7000-8000-000000000002")), at=AT, actor="person:ada",
    request_id=REQUEST_ID, id=TaskId(UUID("0193a1b2-0000-7000-8000-000000000003")), version=1, state="approved",
)  # fmt: skip
REQUEST = {
    "request_key": "k-1", "surface": "kitchen-repairs", "summary": "Tap drips", "description": "All night.",
    "requester": {"name": "Rita"},
}  # fmt: skip
BINARY = {
    "ce_specversion": b"1.0", "ce_id": b"e-1", "ce_source": b"/upstreams/acme",
    "ce_type": b"truth.requests.submitted.v1", "content-type": b"application/json",
}  # fmt: skip


def received(topic: Topic, message: Message) -> Received[Contract] | Refusal:
    return from_kafka(topic, message, Coordinates(topic.name, 0, 7), AT)


def submitted(
    headers: dict[str, bytes] | None = None, value: bytes | None = json.dumps(REQUEST).encode(),
    key: bytes | None = None, more: tuple[tuple[str, bytes], ...] = (),
) -> Message:  # fmt: skip
    pairs = tuple((BINARY if headers is None else headers).items())
    return Message(REQUESTS_SUBMITTED.name, key, value, (*pairs, *more))


def accepted(message: Message) -> Received[Contract]:
    result = received(REQUESTS_SUBMITTED, message)
    assert isinstance(result, Received), result
    assert isinstance(result.event, RequestSubmitted)
    return result


def test_what_leaves_comes_in_again() -> None:
    message = to_kafka(CHANGED)
    assert message.key == str(REQUEST_ID).encode()
    result = received(TASKS_CHANGED, message)
    assert isinstance(result, Received)
    assert result.event == CHANGED
    assert (result.source, result.event_id) == ("/runtime-truth/governance", str(CHANGED.event_id))


def test_the_cloudevents_library_reads_what_leaves() -> None:
    message = to_kafka(CHANGED)
    assert message.value is not None
    event = from_binary_event(
        KafkaMessage(headers=dict(message.headers), key=message.key, value=message.value), JSONFormat()
    )
    assert event.get_id() == str(CHANGED.event_id)
    assert event.get_type() == "truth.tasks.changed.v1"
    assert event.get_subject() == str(REQUEST_ID)
    assert event.get_dataschema() == "urn:runtime-truth:tasks.changed:1.0"
    assert event.get_time() == AT
    assert event.get_data()["state"] == "approved"  # pyright: ignore[reportOptionalSubscript, reportIndexIssue, reportCallIssue, reportArgumentType] JSON data


def test_a_request_is_read_in_binary_form() -> None:
    result = accepted(submitted())
    assert (result.source, result.event_id) == ("/upstreams/acme", "e-1")
    assert result.body == REQUEST


@pytest.mark.parametrize(
    "inner", [{"data": REQUEST}, {"data_base64": base64.b64encode(json.dumps(REQUEST).encode()).decode()}]
)
def test_a_request_is_read_in_structured_form(inner: dict[str, object]) -> None:
    attributes = {
        name.removeprefix("ce_"): text.decode() for name, text in BINARY.items() if name.startswith("ce_")
    }
    value = json.dumps(attributes | inner).encode()
    result = accepted(submitted({"content-type": b"application/cloudevents+json; charset=UTF-8"}, value))
    assert (result.source, result.event_id, result.body) == ("/upstreams/acme", "e-1", REQUEST)


def test_a_request_is_read_as_plain_json_and_its_id_follows_from_its_bytes() -> None:
    result, again = accepted(submitted({})), accepted(submitted({}))
    other = accepted(submitted({}, json.dumps(REQUEST | {"summary": "Roof leaks"}).encode()))
    assert result.source == PLAIN_SOURCE
    assert result.event_id == again.event_id != other.event_id


def test_a_foreign_header_may_hold_anything() -> None:
    assert accepted(submitted(more=(("x-trace", b"\xff\xfe"), ("x-trace", b"again"))))


def without(name: str) -> Message:
    return submitted({n: v for n, v in BINARY.items() if n != name})


def with_header(name: str, octets: bytes) -> Message:
    return submitted(BINARY | {name: octets})


@pytest.mark.parametrize(
    ("message", "code", "field"),
    [
        pytest.param(submitted(value=None), "envelope_invalid", "value", id="tombstone"),
        pytest.param(submitted(value=b"{" * 100), "body_invalid", "data", id="bad JSON"),
        pytest.param(submitted(value=b"\xff"), "body_invalid", "data", id="bad UTF-8 in the body"),
        pytest.param(submitted(value=b"[]"), "body_invalid", "data", id="no object"),
        pytest.param(submitted(value=b'{"request_key":"a","request_key":"b"}'), "body_invalid", "data", id="duplicate key"),
        pytest.param(submitted(value=b'{"request_key":"\\ud800"}'), "body_invalid", "data", id="lone surrogate"),
        pytest.param(submitted(value=b" " * (64 * 1024 + 1)), "body_too_large", "value", id="too large"),
        pytest.param(submitted(value=b"{}"), "body_invalid", "request_key", id="no member"),
        pytest.param(without("ce_id"), "envelope_invalid", "ce_id", id="no id"),
        pytest.param(with_header("ce_id", b""), "envelope_invalid", "ce_id", id="empty id"),
        pytest.param(with_header("ce_id", b"x" * 65), "envelope_invalid", "ce_id", id="id too long"),
        pytest.param(with_header("ce_id", b"a\x00b"), "envelope_invalid", "ce_id", id="control character in the id"),
        pytest.param(with_header("ce_id", b"\xff"), "envelope_invalid", "ce_id", id="bad UTF-8 in a header"),
        pytest.param(without("ce_source"), "envelope_invalid", "ce_source", id="no source"),
        pytest.param(with_header("ce_source", b"/runtime-truth/intake"), "source_invalid", "ce_source", id="our source"),
        pytest.param(without("ce_type"), "envelope_invalid", "ce_type", id="no type"),
        pytest.param(with_header("ce_type", b"truth.requests.submitted.v2"), "version_unknown", "ce_type", id="newer major"),
        pytest.param(with_header("ce_type", b"truth.jobs.created.v1"), "type_unknown", "ce_type", id="another type"),
        pytest.param(with_header("ce_specversion", b"0.3"), "envelope_invalid", "ce_specversion", id="old CloudEvents"),
        pytest.param(submitted(more=(("ce_id", b"e-2"),)), "envelope_invalid", "ce_id", id="repeated header"),
        pytest.param(with_header("content-type", b"application/cloudevents-batch+json"), "envelope_invalid", "content-type", id="batch"),
        pytest.param(submitted({"content-type": b"application/cloudevents+json"}, b"{}"), "envelope_invalid", "ce_specversion", id="empty structured"),
        pytest.param(submitted(BINARY | {"ce_partitionkey": b"k"}, key=b"other"), "key_mismatch", "key", id="another key"),
    ],
)  # fmt: skip
def test_a_message_at_the_door_is_refused_with_its_reason(message: Message, code: str, field: str) -> None:
    refusal = received(REQUESTS_SUBMITTED, message)
    assert isinstance(refusal, Refusal)
    assert (refusal.code, refusal.field) == (code, field)
    assert refusal.detail.endswith(".")


def test_a_refusal_never_repeats_the_value() -> None:
    secret = "+49 151 0000000"
    value = json.dumps(REQUEST | {"requester": {"name": {"secret": secret}}}).encode()
    refusal = received(REQUESTS_SUBMITTED, submitted(value=value))
    assert isinstance(refusal, Refusal)
    assert (refusal.field, refusal.received) == ("requester.name", "an object of 1 members")
    assert secret not in repr(refusal)


def changed_headers(change: Callable[[dict[str, bytes]], None]) -> Message:
    message = to_kafka(CHANGED)
    headers = dict(message.headers)
    change(headers)
    return Message(message.topic, message.key, message.value, tuple(headers.items()))


@pytest.mark.parametrize(
    ("message", "field"),
    [
        pytest.param(changed_headers(lambda h: h.clear()), "ce_specversion", id="plain JSON"),
        pytest.param(changed_headers(lambda h: h.update(ce_id=b"other")), "ce_id", id="another id than the body"),
        pytest.param(changed_headers(lambda h: h.update(ce_source=b"/runtime-truth/intake")), "ce_source", id="another owner"),
    ],
)  # fmt: skip
def test_our_own_topics_carry_binary_events_of_their_owner_only(message: Message, field: str) -> None:
    refusal = received(TASKS_CHANGED, message)
    assert isinstance(refusal, Refusal)
    assert (refusal.code, refusal.field) == ("envelope_invalid", field)


def test_a_key_that_is_not_the_requests_id_is_refused() -> None:
    message = changed_headers(lambda headers: headers.__delitem__("ce_partitionkey"))
    refusal = received(TASKS_CHANGED, Message(message.topic, b"other", message.value, message.headers))
    assert isinstance(refusal, Refusal)
    assert refusal.code == "key_mismatch"


@pytest.mark.parametrize("name", ["id", "source", "type", "partitionkey"])
def test_only_a_header_with_the_prefix_is_an_attribute(name: str) -> None:
    message = changed_headers(lambda headers: headers.update({name: b"of somebody else"}))
    assert isinstance(received(TASKS_CHANGED, message), Received)


def test_a_newer_major_on_our_own_topic_waits_for_an_upgrade() -> None:
    message = changed_headers(lambda headers: headers.update(ce_type=b"truth.tasks.changed.v2"))
    with pytest.raises(NeedsUpgradeError, match=r"truth\.tasks\.changed\.v2"):
        received(TASKS_CHANGED, message)


def test_a_major_that_no_release_will_ever_have_is_refused_and_not_waited_for() -> None:
    # Python reads no number of so many digits; the error would stop every partition, for ever.
    named = b"truth.tasks.changed.v" + b"9" * 5_000
    refusal = received(TASKS_CHANGED, changed_headers(lambda headers: headers.update(ce_type=named)))
    assert isinstance(refusal, Refusal)
    assert refusal.code == "type_unknown"


@pytest.mark.parametrize("version", [True, "1", 1.0])
def test_a_value_of_another_type_is_refused_and_not_made_to_fit(version: object) -> None:
    message = to_kafka(CHANGED)
    body = json.loads(message.value or b"") | {"version": version}
    refusal = received(TASKS_CHANGED, replace(message, value=json.dumps(body).encode()))
    assert isinstance(refusal, Refusal)
    assert (refusal.code, refusal.field) == ("body_invalid", "version")
