"""A request's messages in Kafka, and whether they hold."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import cast

from confluent_kafka import KafkaException, Message
from truth_contracts.ops import Step
from truth_contracts.steps import arrived
from truth_sealing.canonical import Json, sha256_hex
from truth_sealing.keys import StepKeys
from truth_sealing.strict import StrictError, strict_object
from truth_topology.connection import BrokerError, Login

from truth_console.reader import reader
from truth_console.trace.path import PATH, Place
from truth_console.trace.seeking import NotReadError, first_messages

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


def find_messages(
    login: Login, request_id: str, steps: Mapping[str, Step], keys: StepKeys | None
) -> dict[str, Published]:
    """By step, those that are there. Raises NotReadError."""
    sent = [(place, steps[place.step].at) for place in PATH if _is_sent(place, steps.get(place.step))]
    times = {place.topic: at for place, at in sent if place.topic}
    try:
        with reader(login) as consumer:
            found = first_messages(consumer, request_id.encode(), times)
    except (BrokerError, KafkaException) as error:
        raise NotReadError(f"Kafka does not answer ({error})") from error
    return {
        place.step: _published(place, found[place.topic], keys) for place, _ in sent if place.topic in found
    }


def _is_sent(place: Place, step: Step | None) -> bool:
    return place.topic is not None and step is not None and step.waits_for is None


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
