"""Requests: what upstreams submit, what intake makes of it, and what it refuses."""

from typing import Annotated, Literal

from pydantic import Field

from truth_contracts.base import Contract, Digest, ForeignId, Instant, Subject, text
from truth_contracts.steps import Event, StepBody, SurfaceName

BODY_BYTES_MAX = 32 * 1024
"""Largest canonical `request` body, so that no accepted request outgrows a later message's limit."""


class Requester(Contract, frozen=True):
    """Who wants the work done."""

    name: Annotated[str, text(longest=200, shortest=1)]
    contact: Annotated[str, text(longest=200)] | None = None
    subject: Subject | None = None
    """The requester's sign-in, when they have one: whoever it is cannot approve the Task."""


class Detail(Contract, frozen=True):
    """One more thing the upstream tells. Values are texts: there is no free-form JSON on the path."""

    name: Annotated[str, text(longest=64, shortest=1)]
    value: Annotated[str, text(longest=4000)]


class RequestSubmitted(Contract, frozen=True):
    """What somebody asks for, through whatever door.

    Written by upstreams to `requests.submitted`, or posted to `POST /api/requests`. The same `request_key`
    from the same source is the same request, however often it is sent.
    """

    request_key: ForeignId
    surface: SurfaceName
    summary: Annotated[str, text(longest=200, shortest=1)]
    description: Annotated[str, text(longest=8000)]
    requester: Requester
    place: Annotated[str, text(longest=500)] | None = None
    wanted_by: Instant | None = None
    submitted_at: Instant | None = None
    """The upstream's clock."""
    details: Annotated[tuple[Detail, ...], Field(max_length=50)] = ()


class RequestBody(StepBody, frozen=True):
    """The `request` step: what was asked, by whom, through which door."""

    type: Literal["truth.requests.received.v1"] = "truth.requests.received.v1"
    step: Literal["request"] = "request"
    event_id: ForeignId
    """As received from the upstream."""
    source: str
    door: Literal["kafka", "api", "form", "intake-page"]
    received_sha256: Digest
    """Digest of the bytes as received."""
    request_key: ForeignId
    surface: SurfaceName
    summary: str
    description: str
    requester: Requester
    place: str | None
    wanted_by: Instant | None
    submitted_at: Instant | None
    details: tuple[Detail, ...]


class RequestRefused(Event, frozen=True):
    """A message on `requests.submitted` that became no Intake, and why.

    Written by intake to `requests.refused`; upstreams may read it in a group of their own. The Kafka key is
    the refused message's, if it had one. `received` is a JSON type and a length, never the value.
    """

    type: Literal["truth.requests.refused.v1"] = "truth.requests.refused.v1"
    source: str | None
    """The source that the message claimed; Kafka does not tell who produced it."""
    refused_event_id: str | None
    request_key: str | None
    code: str
    detail: str
    field: str | None
    expected: str | None
    received: str | None
    partition: int
    offset: int
