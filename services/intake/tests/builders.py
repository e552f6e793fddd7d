"""Valid defaults with keyword changes, for the tests of intake."""

import json
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from truth_contracts.envelope import Message
from truth_contracts.ids import EventId, JobId, RecordId, RequestId, ServiceEventId, SignalId, TaskId
from truth_contracts.jobs import JobChanged
from truth_contracts.records import RecordSealed
from truth_contracts.requests import RequestSubmitted
from truth_contracts.service_events import ServiceEventChanged
from truth_contracts.signals import Policy, SignalEmitted
from truth_contracts.steps import Stage
from truth_contracts.tasks import TaskChanged
from truth_intake.domain.intake import Accepted, Fresh, Known, Sealed, Standing, accept, seal
from truth_intake.domain.submission import Entrance, Submission
from truth_intake.domain.surface import Surface
from truth_intake.domain.tracker import Seen
from truth_kit.fresh import new_id, new_salt
from truth_sealing.canonical import sha256_hex
from truth_sealing.keys import FileSigner

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
SIGNER = FileSigner.generate("intake")
KEYS = {"intake": (SIGNER.verify_key,)}
SOURCE = "/upstreams/acme"


def asked(**changes: Any) -> dict[str, Any]:
    """A request as somebody writes it, with a key of its own."""
    members: dict[str, Any] = {
        "request_key": f"key-{uuid4().hex[:12]}",
        "surface": "kitchen-repairs",
        "summary": "Tap drips",
        "description": "All night long.",
        "requester": {"name": "Rita Ramos", "contact": "rita@example.org"},
        "place": "12 Mill Lane",
        "details": [{"name": "tenant", "value": "ML-12-2"}],
    }
    return members | changes


def surface(**changes: Any) -> Surface:
    """A live surface with two stages."""
    members: dict[str, Any] = {
        "name": "kitchen-repairs",
        "version": 1,
        "title": "Kitchen repairs",
        "maturity": "live",
        "stages": (
            Stage(name="inspect", evidence_required=True),
            Stage(name="hand-over", evidence_required=False),
        ),
        "registered_at": NOW,
        "registered_by": "person:ada",
    }
    return Surface(**members | changes)


def submission(*, event_id: str | None = None, source: str = SOURCE, **changes: Any) -> Submission:
    """What acme asks for over HTTP."""
    submitted = RequestSubmitted.model_validate(asked(**changes))
    return Submission(
        submitted=submitted,
        entrance=Entrance(source, "api", "client:acme"),
        event_id=event_id or submitted.request_key,
        received_at=NOW,
        received_sha256=sha256_hex(b"as received"),
    )


def fresh() -> Fresh:
    """What the edge makes for a new Intake."""
    return Fresh(RequestId(new_id()), new_salt(), new_salt(), NOW)


def known_of(one: Submission) -> Known:
    """The Intake that a submission has already."""
    source, request_key = one.key
    content = one.content_sha256
    request_id = RequestId(uuid4())
    return Known(request_id, source, request_key, one.event_id, content, "kitchen-repairs", "live")


def accepted(one: Submission | None = None, on: Surface | None = None) -> Accepted:
    """A submission that was accepted on a live surface."""
    verdict = accept(one or submission(), Standing(on or surface()), fresh())
    assert isinstance(verdict, Accepted)
    return verdict


def sealed(one: Submission | None = None, token_sha256: bytes | None = None) -> Sealed:
    """A new Intake, sealed by intake's own key."""
    return seal(accepted(one), SIGNER, token_sha256)


def published_request(
    members: dict[str, Any] | bytes,
    *,
    event_id: str | None = None,
    source: str = SOURCE,
    key: bytes | None = None,
) -> Message:
    """A request as an upstream publishes it: a CloudEvent in binary mode."""
    headers = {
        "ce_specversion": "1.0",
        "ce_id": event_id or str(uuid4()),
        "ce_source": source,
        "ce_type": "truth.requests.submitted.v1",
        "content-type": "application/json",
    }
    value = members if isinstance(members, bytes) else json.dumps(members).encode()
    encoded = tuple((name, text.encode()) for name, text in headers.items())
    return Message("requests.submitted", key, value, encoded)


def task_changed(request_id: UUID, version: int, state: str, message: str | None = None) -> TaskChanged:
    """What governance tells of a Task."""
    return TaskChanged(
        event_id=EventId(uuid4()),
        at=NOW,
        actor="person:ada",
        request_id=RequestId(request_id),
        id=TaskId(uuid4()),
        version=version,
        state=state,
        message_to_requester=message,
    )


def job_changed(request_id: UUID, version: int, state: str) -> JobChanged:
    """What execution tells of a Job."""
    return JobChanged(
        event_id=EventId(uuid4()),
        at=NOW,
        actor="person:olga",
        request_id=RequestId(request_id),
        id=JobId(uuid4()),
        version=version,
        state=state,
    )


def service_event_changed(request_id: UUID, version: int, state: str) -> ServiceEventChanged:
    """What execution tells of a ServiceEvent."""
    return ServiceEventChanged(
        event_id=EventId(uuid4()),
        at=NOW,
        actor="person:olga",
        request_id=RequestId(request_id),
        id=ServiceEventId(uuid4()),
        version=version,
        state=state,
    )


def record_sealed(request_id: UUID) -> RecordSealed:
    """What records tells of a Record."""
    return RecordSealed(
        event_id=EventId(uuid4()),
        at=NOW,
        actor="service:records",
        request_id=RequestId(request_id),
        record_id=RecordId(uuid4()),
        record="{}",
        sha256=sha256_hex(b"{}"),
        index=0,
        proof="",
    )


def signal_emitted(request_id: UUID) -> SignalEmitted:
    """What signals tells of a Signal."""
    return SignalEmitted(
        event_id=EventId(uuid4()),
        at=NOW,
        actor="service:signals",
        request_id=RequestId(request_id),
        signal_id=SignalId(uuid4()),
        record_id=RecordId(uuid4()),
        record_sha256=sha256_hex(b"{}"),
        policy=Policy(name="default", version="1", sha256=sha256_hex(b"policy")),
        envelope="{}",
    )


def seen_task(version: int, state: str, message: str | None = None) -> Seen:
    """A Task as the projection keeps it."""
    return Seen(RequestId(uuid4()), "task", uuid4(), version, state, NOW, message)
