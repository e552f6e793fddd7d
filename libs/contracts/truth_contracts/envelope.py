"""CloudEvents on Kafka: how an event leaves and how a message comes in (CloudEvents 1.0, Kafka binding).

The CloudEvents library is not used here: it invents an id for a message that has none, and then every
redelivery would be a new event.
"""

import base64
import binascii
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Generic, TypeAlias, TypeVar, cast

from pydantic import TypeAdapter, ValidationError
from truth_sealing.canonical import Json, sha256_hex
from truth_sealing.strict import StrictError, strict_object

from truth_contracts.base import Contract, ForeignId, instant_text, read
from truth_contracts.ids import derived_id
from truth_contracts.refusals import Refusal
from truth_contracts.steps import Event, PathEvent
from truth_contracts.topics import REQUESTS_SUBMITTED, TOPICS, UPSTREAM, Topic

EventT_co = TypeVar("EventT_co", bound=Contract, covariant=True)

PLAIN_SOURCE = "/upstreams/unnamed"
"""Source of a plain JSON message, which names none."""

_UPSTREAM_SOURCE = re.compile(r"/upstreams/[a-z0-9][a-z0-9-]{0,63}")
_VERSIONED_TYPE = re.compile(r"(?P<base>[a-z0-9.-]+)\.v(?P<major>[1-9][0-9]{0,3})")
_FOREIGN_ID: TypeAdapter[str] = TypeAdapter(ForeignId)
_SPECVERSION = "1.0"
_PREFIX = "ce_"


class NeedsUpgradeError(Exception):
    """A newer major version on one of our own topics. Not poison: the partition waits for a newer release."""


@dataclass(frozen=True, slots=True)
class Coordinates:
    """Where in Kafka a message lies."""

    topic: str
    partition: int
    offset: int


Headers: TypeAlias = tuple[tuple[str, bytes], ...]


@dataclass(frozen=True, slots=True)
class Message:
    """A Kafka message: what `to_kafka` makes and what `from_kafka` reads."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: Headers


@dataclass(frozen=True, slots=True)
class Received(Generic[EventT_co]):
    """An event as it came in. `body` is its data as received, with members that this reader does not know."""

    event: EventT_co
    source: str
    event_id: str
    body: Mapping[str, Json]
    message: Message
    coordinates: Coordinates
    appended_at: datetime  # the broker's clock


def source_of(service: str) -> str:
    """The CloudEvents source of a service."""
    return f"/runtime-truth/{service}"


def type_of(kind: type[Contract]) -> str:
    """The CloudEvents type of a contract: its `type`, or for what upstreams write the topic's own."""
    field = kind.model_fields.get("type")
    return cast(str, field.default) if field else "truth.requests.submitted.v1"


_TOPIC_OF: Mapping[type[Contract], Topic] = {kind: topic for topic in TOPICS for kind in topic.events}
_KINDS: Mapping[str, Mapping[str, type[Contract]]] = {
    topic.name: {type_of(kind): kind for kind in topic.events} for topic in TOPICS
}


def to_kafka(event: Event, *, key: bytes | None = None) -> Message:
    """`event` in binary mode for its topic. The key is the request's id unless another one is given."""
    topic, fixed = _sent_as(type(event))
    headers = (
        *fixed,
        ("ce_id", str(event.event_id).encode()),
        ("ce_time", instant_text(event.at).encode()),
    )
    if isinstance(event, PathEvent):
        request_id = str(event.request_id).encode()
        key = key or request_id
        headers = (*headers, ("ce_subject", request_id), ("ce_partitionkey", request_id))
    return Message(topic, key, event.model_dump_json().encode(), headers)


@cache
def _sent_as(kind: type[Event]) -> tuple[str, Headers]:
    """The topic of such an event, and the headers that all of them have."""
    topic = _TOPIC_OF[kind]
    named = {
        "ce_specversion": _SPECVERSION,
        "ce_source": source_of(topic.owner),
        "ce_type": type_of(kind),
        "ce_dataschema": f"urn:runtime-truth:{topic.name}:{kind.VERSION}",
        "content-type": "application/json",
    }
    return topic.name, tuple((name, value.encode()) for name, value in named.items())


def from_kafka(
    topic: Topic, message: Message, coordinates: Coordinates, appended_at: datetime
) -> Received[Contract] | Refusal:
    """The event in `message`, or why there is none. Nothing is repaired.

    On `requests.submitted` binary, structured and plain JSON are read, elsewhere binary only. Raises
    NeedsUpgradeError for a newer major version on one of our own topics.
    """
    try:
        envelope = _open(topic, message)
        kind = _kind(topic, envelope.type)
        body = strict_object(envelope.octets)
        event = read(kind, envelope.octets)
        _check_agreement(topic, message, envelope, event)
    except _RefusedError as refused:
        return refused.refusal
    except StrictError as error:
        return Refusal("body_invalid", f"The body cannot be read: {error}.", "data", "a JSON object")
    except ValidationError as error:
        return invalid(error)
    return Received(event, envelope.source, envelope.id, body, message, coordinates, appended_at)


def invalid(error: ValidationError) -> Refusal:
    """`body_invalid` for the first thing wrong with a body: field, expected, received without its value."""
    first = error.errors(include_url=False, include_context=False)[0]
    field = ".".join(str(part) for part in first["loc"]) or "data"
    more = f" ({error.error_count()} fields are wrong)" if error.error_count() > 1 else ""
    told = "nothing" if first["type"] == "missing" else described(first["input"])
    return Refusal("body_invalid", f"{field}: {first['msg']}{more}.", field, first["msg"], told)


def described(value: object) -> str:
    """JSON type and length of a value, never the value itself."""
    match value:
        case None:
            return "null"
        case bool():
            return "a boolean"
        case int() | float():
            return "a number"
        case str():
            return f"a string of {len(value)} characters"
        case list() | tuple():
            return f"an array of {len(cast(list[object], value))}"
        case dict():
            return f"an object of {len(cast(dict[str, object], value))} members"
        case _:
            return "something else"


@dataclass(frozen=True, slots=True)
class _Envelope:
    id: str
    source: str
    type: str
    partitionkey: str | None
    octets: bytes  # the event's data, JSON


class _RefusedError(Exception):
    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.code)
        self.refusal = refusal


def _refuse(field: str, expected: str, received: str | None = None) -> _RefusedError:
    detail = f"{field}: expected {expected}."
    return _RefusedError(Refusal("envelope_invalid", detail, field, expected, received))


def _open(topic: Topic, message: Message) -> _Envelope:
    if message.value is None:
        raise _refuse("value", "a JSON object", "null")
    if len(message.value) > topic.bytes_max:
        expected, received = f"at most {topic.bytes_max} bytes", f"{len(message.value)} bytes"
        detail = f"The body is larger than the {topic.bytes_max} bytes that {topic.name} takes."
        raise _RefusedError(Refusal("body_too_large", detail, "value", expected, received))
    attributes, content_type = _attributes(message)
    at_the_door = topic is REQUESTS_SUBMITTED
    if at_the_door and content_type.startswith("application/cloudevents"):
        return _structured(content_type, message.value)
    if "specversion" in attributes:
        return _envelope(attributes, message.value)
    if at_the_door:
        return _plain(message.value)
    raise _refuse("ce_specversion", "a CloudEvents header", "nothing")


def _attributes(message: Message) -> tuple[dict[str, str], str]:
    """What CloudEvents headers say, and the content type. Others are not ours and may hold anything."""
    attributes: dict[str, str] = {}
    content_type = ""
    for name, octets in message.headers:
        if name.startswith(_PREFIX):
            attribute = name[len(_PREFIX) :]
            if attribute in attributes:
                raise _refuse(name, "one header of this name", "more than one")
            attributes[attribute] = _text(name, octets)
        elif name == "content-type":
            content_type = _text(name, octets).lower()
    return attributes, content_type


def _text(name: str, octets: bytes) -> str:
    try:
        return octets.decode("utf-8")
    except UnicodeDecodeError:
        raise _refuse(name, "UTF-8", f"{len(octets)} bytes that are not") from None


def _structured(content_type: str, value: bytes) -> _Envelope:
    if content_type.startswith("application/cloudevents-batch"):
        raise _refuse("content-type", "one event a message", "a batch")
    members = strict_object(value)
    if "data_base64" in members:
        try:
            octets = base64.b64decode(cast(str, members["data_base64"]), validate=True)
        except (binascii.Error, TypeError, ValueError):
            raise _refuse("data_base64", "base64", described(members["data_base64"])) from None
    else:
        octets = json.dumps(members.get("data")).encode()
    return _envelope({n: v for n, v in members.items() if isinstance(v, str)}, octets)


def _plain(value: bytes) -> _Envelope:
    # Not the request key: other content under a known key would pass for a repeat, and be lost unheard.
    strict_object(value)
    event_id = str(derived_id(PLAIN_SOURCE, sha256_hex(value), "request"))
    return _Envelope(event_id, PLAIN_SOURCE, type_of(REQUESTS_SUBMITTED.events[0]), None, value)


def _envelope(attributes: Mapping[str, str], octets: bytes) -> _Envelope:
    if attributes.get("specversion") != _SPECVERSION:
        raise _refuse("ce_specversion", _SPECVERSION, described(attributes.get("specversion")))
    for name in ("id", "source", "type"):
        if not attributes.get(name):
            raise _refuse(f"ce_{name}", "a value", "nothing")
    try:
        event_id = _FOREIGN_ID.validate_python(attributes["id"])
    except ValidationError:
        received = described(attributes["id"])
        raise _refuse("ce_id", "1 to 64 characters, no control characters", received) from None
    partition_key = attributes.get("partitionkey")
    return _Envelope(event_id, attributes["source"], attributes["type"], partition_key, octets)


def _kind(topic: Topic, named: str) -> type[Contract]:
    kinds = _KINDS[topic.name]
    if named in kinds:
        return kinds[named]
    wanted = _VERSIONED_TYPE.fullmatch(named)
    for known in kinds:
        ours = _VERSIONED_TYPE.fullmatch(known)
        if wanted and ours and wanted["base"] == ours["base"]:
            if topic.owner != UPSTREAM and int(wanted["major"]) > int(ours["major"]):
                raise NeedsUpgradeError(f"needs upgrade to {named}")
            detail = f"This version is not known here; {known} is."
            raise _RefusedError(Refusal("version_unknown", detail, "ce_type", known, f"v{wanted['major']}"))
    expected = ", ".join(kinds)
    detail = f"{topic.name} carries {expected}."
    raise _RefusedError(Refusal("type_unknown", detail, "ce_type", expected, described(named)))


def _check_agreement(topic: Topic, message: Message, envelope: _Envelope, event: Contract) -> None:
    """Envelope, key and body must tell one story."""
    if envelope.partitionkey is not None and message.key != envelope.partitionkey.encode():
        received = "nothing" if message.key is None else f"{len(message.key)} other bytes"
        detail = "The Kafka key differs from the partition key."
        raise _RefusedError(Refusal("key_mismatch", detail, "key", "ce_partitionkey's value", received))
    if not isinstance(event, Event):
        if not _UPSTREAM_SOURCE.fullmatch(envelope.source):
            detail = "ce_source: expected /upstreams/<name>, the name in lower case, digits and dashes."
            received = described(envelope.source)
            refusal = Refusal("source_invalid", detail, "ce_source", "/upstreams/<name>", received)
            raise _RefusedError(refusal)
        return
    if envelope.source != source_of(topic.owner):
        raise _refuse("ce_source", source_of(topic.owner), described(envelope.source))
    if envelope.id != str(event.event_id):
        raise _refuse("ce_id", "the body's event_id", "another id")
    if isinstance(event, PathEvent) and message.key != str(event.request_id).encode():
        detail = "The Kafka key is not the request's id."
        raise _RefusedError(Refusal("key_mismatch", detail, "key", "the body's request_id", "something else"))
