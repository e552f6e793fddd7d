"""A request's messages in Kafka: sought by time in the one partition that its key leads to."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, cast

# Services publish with this one; librdkafka keeps its own to itself.
from aiokafka.partitioner import murmur2  # pyright: ignore[reportUnknownVariableType] it has no types
from confluent_kafka import Consumer, KafkaException, Message, TopicPartition
from truth_contracts.ops import Step
from truth_contracts.steps import arrived
from truth_sealing.canonical import Json, sha256_hex
from truth_sealing.keys import StepKeys
from truth_sealing.strict import StrictError, strict_object
from truth_topology.connection import BrokerError, Login

from truth_console.reader import reader
from truth_console.trace.path import PATH, Place

MESSAGES_MAX = 50_000
"""Read from one partition before giving up."""

_BEFORE = timedelta(seconds=2)  # a step's time is its owner's clock, the broker has its own
_AFTER = timedelta(minutes=10)  # what was published later than this after its step is not looked for
_REQUEST_SECONDS = 5
_UNSIGNED = "not checked here"


@dataclass(frozen=True, slots=True)
class Published:
    """A message of the request, and whether it holds."""

    topic: str
    partition: int
    offset: int
    event_id: str
    published_at: datetime
    check: str  # "holds", what is broken, or why it was not checked


class NotReadError(Exception):
    """Kafka does not answer, so nothing is known of messages."""


def find_messages(
    login: Login, request_id: str, steps: Mapping[str, Step], keys: StepKeys | None
) -> dict[str, Published]:
    """By step, those that are there. Raises NotReadError."""
    found: dict[str, Published] = {}
    key = request_id.encode()
    try:
        with reader(login) as consumer:
            for place in PATH:
                step = steps.get(place.step)
                if place.topic is None or step is None or step.waits_for is not None:
                    continue
                message = _find(consumer, place.topic, key, step.at)
                if message is not None:
                    found[place.step] = _published(place, message, keys)
    except (BrokerError, KafkaException) as error:
        raise NotReadError(f"Kafka does not answer ({error})") from error
    return found


def partition_of(key: bytes, partitions: int) -> int:
    """Where services' producers put a key."""
    hashed: int = cast("Any", murmur2)(key)
    return (hashed & 0x7FFFFFFF) % partitions


def _find(consumer: Consumer, topic: str, key: bytes, at: datetime) -> Message | None:
    partitions = len(consumer.list_topics(topic, timeout=_REQUEST_SECONDS).topics[topic].partitions)
    number = partition_of(key, partitions)
    asked = TopicPartition(topic, number, int((at - _BEFORE).timestamp() * 1000))
    (start,) = consumer.offsets_for_times([asked], timeout=_REQUEST_SECONDS)
    _, end = consumer.get_watermark_offsets(TopicPartition(topic, number), timeout=_REQUEST_SECONDS)
    if start.offset < 0:
        return None
    consumer.assign([TopicPartition(topic, number, start.offset)])
    until_ms = int((at + _AFTER).timestamp() * 1000)
    return _until(consumer, key, min(end, start.offset + MESSAGES_MAX), until_ms)


def _until(consumer: Consumer, key: bytes, end: int, until_ms: int) -> Message | None:
    while (message := consumer.poll(_REQUEST_SECONDS)) is not None:
        if message.error() is not None:
            continue
        if message.key() == key:
            return message
        if int(message.offset() or 0) + 1 >= end or message.timestamp()[1] > until_ms:
            return None
    raise NotReadError("Kafka sends nothing")


def _published(place: Place, message: Message, keys: StepKeys | None) -> Published:
    headers = dict(message.headers() or [])
    event_id = headers.get("ce_id") or b""
    return Published(
        topic=str(message.topic()),
        partition=int(message.partition() or 0),
        offset=int(message.offset() or 0),
        event_id=event_id.decode("utf-8", "replace") if isinstance(event_id, bytes) else event_id,
        published_at=datetime.fromtimestamp(message.timestamp()[1] / 1000, UTC),
        check=check(place, message.value(), keys),
    )


def check(place: Place, value: bytes | str | None, keys: StepKeys | None) -> str:
    """Digests and signatures of a hand-off, the digest of a Record; a Signal's is for `truth verify`."""
    try:
        body = strict_object(value if isinstance(value, bytes) else b"")
    except StrictError as error:
        return f"cannot be read: {error}"
    if place.body is not None:
        return _chain(place.body, body, keys)
    record = body.get("record")
    if isinstance(record, str):
        return (
            "holds" if sha256_hex(record.encode()) == body.get("sha256") else "the Record has another digest"
        )
    return _UNSIGNED


def _chain(step: str, body: Mapping[str, Json], keys: StepKeys | None) -> str:
    if keys is None:
        return "not checked: no step keys"
    refusal = arrived(cast("dict[str, Json]", body), step, keys, every_signature=True)
    return "holds" if refusal is None else refusal.detail
