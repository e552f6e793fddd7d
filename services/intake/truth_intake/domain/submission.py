"""A submission: what somebody asks for, named and read the same through whatever door it comes."""

import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, TypeAlias

from pydantic import ValidationError
from truth_contracts.base import read
from truth_contracts.envelope import Coordinates, Received, invalid
from truth_contracts.refusals import Refusal
from truth_contracts.requests import RequestSubmitted
from truth_sealing.canonical import canonical, sha256_hex
from truth_sealing.strict import StrictError, strict_object

Door: TypeAlias = Literal["kafka", "api", "form", "intake-page"]
Key: TypeAlias = tuple[str, str]
"""Source and request key: what makes a request the same request."""

_UPSTREAMS = "/upstreams/"
_CLIENT_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")
_ENTERS_FOR_CALLERS = frozenset({"operator", "admin"})


@dataclass(frozen=True, slots=True)
class Entrance:
    """Through which door somebody comes, and under which source their request keys are unique."""

    source: str
    door: Door
    actor: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """A request as it was received. `event_id` is the upstream's; over HTTP it is the request key."""

    submitted: RequestSubmitted
    entrance: Entrance
    event_id: str
    received_at: datetime
    received_sha256: str
    coordinates: Coordinates | None = None

    @property
    def key(self) -> Key:
        """What makes it the same request."""
        return self.entrance.source, self.submitted.request_key

    @property
    def content_sha256(self) -> str:
        """Digest of what is asked, whatever the door, its encoding and members that we do not know."""
        return sha256_hex(canonical(self.submitted.model_dump(mode="json")))


def read_submitted(octets: bytes) -> RequestSubmitted | Refusal:
    """What an HTTP body asks for, read as strictly as what comes by Kafka; `body_invalid` otherwise."""
    try:
        strict_object(octets)
        return read(RequestSubmitted, octets)
    except StrictError as error:
        return Refusal("body_invalid", f"The body cannot be read: {error}.", "data", "a JSON object")
    except ValidationError as error:
        return invalid(error)


def entrance_of_client(client_id: str) -> Entrance | Refusal:
    """A machine client has the source that it has on Kafka, so that both doors meet."""
    if not _CLIENT_ID.fullmatch(client_id):
        detail = "The client's id is no name of an upstream: lower case, digits and dashes, at most 64."
        return Refusal(
            "source_invalid", detail, "client", "an upstream's name", f"{len(client_id)} characters"
        )
    return Entrance(_UPSTREAMS + client_id, "api", f"client:{client_id}")


def entrance_of_person(subject: str, roles: Collection[str], surface: str) -> Entrance:
    """An operator or admin enters for a caller; anybody else asks for themselves."""
    if _ENTERS_FOR_CALLERS.isdisjoint(roles):
        return Entrance(f"/form/{surface}", "api", f"person:{subject}")
    return entrance_of_intake_page(subject)


def entrance_of_form(surface: str, subject: str | None) -> Entrance:
    """The form of a surface takes anybody; `subject` is who is signed in."""
    return Entrance(f"/form/{surface}", "form", f"person:{subject}" if subject else "anonymous")


def entrance_of_intake_page(subject: str) -> Entrance:
    """An operator or admin who enters what a caller asks for."""
    return Entrance("/intake-page", "intake-page", f"person:{subject}")


def submission_by_http(
    submitted: RequestSubmitted, octets: bytes, entrance: Entrance, now: datetime
) -> Submission:
    """A request posted to us. Its key takes the place of an event's id."""
    return Submission(
        submitted=submitted,
        entrance=entrance,
        event_id=submitted.request_key,
        received_at=now,
        received_sha256=sha256_hex(octets),
    )


def submission_by_kafka(received: Received[RequestSubmitted], now: datetime) -> Submission:
    """A request from `requests.submitted`. Kafka does not tell who produced it: the source is a claim."""
    name = received.source.removeprefix(_UPSTREAMS)
    return Submission(
        submitted=received.event,
        entrance=Entrance(received.source, "kafka", f"upstream:{name}"),
        event_id=received.event_id,
        # The broker's clock may run ahead of ours; the steps' times must not go back.
        received_at=min(received.appended_at, now),
        received_sha256=sha256_hex(received.message.value or b""),
        coordinates=received.coordinates,
    )
