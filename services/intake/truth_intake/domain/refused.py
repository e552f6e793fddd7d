"""What upstreams are told of messages that became no Intake: their own ids, never another value they sent."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from pydantic import StringConstraints, TypeAdapter, ValidationError
from truth_contracts.base import ForeignId, instant_text
from truth_contracts.envelope import Coordinates, Message, source_of
from truth_contracts.ids import EventId, derived_id
from truth_contracts.refusals import Refusal
from truth_contracts.requests import RequestRefused
from truth_sealing.canonical import Json
from truth_sealing.strict import StrictError, strict_object

from truth_intake.domain.intake import OWN_ACTOR

KEY_BYTES_MAX = 1024
"""Longest Kafka key that is given back; a foreign one may be as long as a whole message."""

_ID: TypeAdapter[str] = TypeAdapter(ForeignId)
_SOURCE: TypeAdapter[str] = TypeAdapter(
    Annotated[str, StringConstraints(pattern=r"^[^\u0000-\u001f\u007f]{1,256}$")]
)


@dataclass(frozen=True, slots=True)
class RefusedMessage:
    """A message on `requests.submitted` and why it became no Intake."""

    message: Message
    coordinates: Coordinates
    appended_at: datetime
    refusal: Refusal
    source: str | None = None  # both only if the message could be read
    event_id: str | None = None


def request_refused(refused: RefusedMessage, now: datetime) -> RequestRefused:
    """What is told of it. Its id follows from where and since when the message lies, so it is told once."""
    place, refusal = refused.coordinates, refused.refusal
    where = f"{place.topic}/{place.partition}/{place.offset}/{instant_text(refused.appended_at)}"
    envelope, submitted = _read(refused.message)
    return RequestRefused(
        event_id=EventId(derived_id(source_of("intake"), where, "request_refused")),
        at=now,
        actor=OWN_ACTOR,
        source=refused.source or _given(_SOURCE, envelope.get("source")),
        refused_event_id=refused.event_id or _given(_ID, envelope.get("id")),
        request_key=_given(_ID, submitted.get("request_key")),
        code=refusal.code,
        detail=refusal.detail,
        field=refusal.field,
        expected=refusal.expected,
        received=refusal.received,
        partition=place.partition,
        offset=place.offset,
    )


def key_of(refused: RefusedMessage, told: RequestRefused) -> bytes | None:
    """The refused message's Kafka key, or its request key where it has none that can be given back."""
    key = refused.message.key
    if key and len(key) <= KEY_BYTES_MAX:
        return key
    return told.request_key.encode() if told.request_key else None


def _read(message: Message) -> tuple[Mapping[str, Json], Mapping[str, Json]]:
    """What can be made out of the envelope and of the data; what cannot is left out."""
    headers = {name: octets.decode(errors="replace") for name, octets in message.headers}
    try:
        members = strict_object(message.value or b"")
    except StrictError:
        members = {}
    if headers.get("content-type", "").lower().startswith("application/cloudevents"):
        within = members.get("data")
        return members, within if isinstance(within, dict) else {}
    return {"source": headers.get("ce_source"), "id": headers.get("ce_id")}, members


def _given(kind: TypeAdapter[str], told: Json) -> str | None:
    try:
        return kind.validate_python(told)
    except ValidationError:
        return None
