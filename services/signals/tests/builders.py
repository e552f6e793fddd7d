"""Builders of what signals receives: a sealed Record with its proof, whole and verified unless told otherwise."""

from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.resources import files
from typing import Any
from uuid import UUID, uuid5

from truth_contracts.ids import EventId, RecordId, RequestId
from truth_contracts.records import RecordSealed
from truth_sealing.canonical import Json, sha256_hex
from truth_sealing.keys import FileSigner
from truth_sealing.samples import Changes, Keys, path, prove, record
from truth_sealing.sealed import read_record
from truth_signals.consumer import Means
from truth_signals.domain.policy import SignalPolicy, read_policy

NOW = datetime(2026, 11, 24, 10, 8, tzinfo=UTC)
KEYS = Keys()
PINNED = KEYS.trust("none")
POLICY = read_policy((files("truth_signals") / "policy.json").read_bytes())
_NAMESPACE = UUID("0c6b7f70-4f0e-4d2b-9d54-7c1d4b8a9c11")


def uuid_of(what: str) -> UUID:
    """The same id for the same words."""
    return uuid5(_NAMESPACE, what)


def means(policy: SignalPolicy = POLICY) -> Means:
    """What the consumer is given."""
    return Means(PINNED, policy, KEYS.signal, KEYS.signal.verify_key.key_id)


def record_sealed(
    number: int = 1,
    *,
    steps: Changes | None = None,
    members: Mapping[str, Json] | None = None,
    signer: FileSigner | None = None,
    **changes: Any,
) -> RecordSealed:
    """The Record of request `number` in a log. `steps` change bodies, `members` the Record, `changes` the event."""
    request_id, record_id = uuid_of(f"request {number}"), uuid_of(f"record {number}")
    text, _ = record(path(KEYS, steps, str(request_id)), {"record_id": str(record_id), **(members or {})})
    return RecordSealed.model_validate(
        {
            "event_id": EventId(uuid_of(f"event {number}")),
            "at": NOW,
            "actor": "service:records",
            "request_id": RequestId(request_id),
            "record_id": RecordId(record_id),
            "record": text,
            "sha256": sha256_hex(text.encode()),
            "index": 3,
            "proof": prove(read_record(text).entry, KEYS, signer=signer),
            **changes,
        }
    )


def incomplete(**completion: Json) -> Changes:
    """A completion that tells otherwise."""
    return {"service_event_completed": completion}


def partial_surface() -> Changes:
    """A path on a partial surface."""
    job = path(KEYS).body("job_created")["job"]
    assert isinstance(job, dict)
    return {"intake": {"maturity": "partial"}, "job_created": {"job": {**job, "maturity": "partial"}}}
