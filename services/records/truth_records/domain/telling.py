"""What the world is told of a sealed batch."""

from datetime import datetime

from truth_contracts.base import instant_text
from truth_contracts.envelope import Message, source_of, to_kafka
from truth_contracts.ids import EventId, derived_id
from truth_contracts.records import CheckpointSigned, RecordSealed
from truth_contracts.topics import RECORDS_SEALED
from truth_sealing.canonical import canonical

from truth_records.domain.log import Batch, SealedDraft

ACTOR = "service:records"

_RECORD_SEALED = (
    b'{"event_id":"%b","at":"%b","actor":"service:records","request_id":"%b","type":"truth.records.sealed.v1",'
    b'"record_id":"%b","record":%b,"sha256":"%b","index":%d,"proof":%b}'
)


def messages(batch: Batch, now: datetime) -> list[Message]:
    """RecordSealed for each Record, in the order of the log, then CheckpointSigned.

    RecordSealed is filled into its form: a tenth of the time that its contract takes, in the one place that
    cannot be spread over processes. A test compares what comes out with the contract.
    """
    origin = batch.checkpoint.origin
    headers = dict(to_kafka(record_sealed(batch.sealed[0], now)).headers)
    head = to_kafka(_checkpoint_signed(batch, now), key=origin.encode())
    at = instant_text(now).encode()
    return [*(_filled(sealed, headers, at) for sealed in batch.sealed), head]


def _filled(sealed: SealedDraft, headers: dict[str, bytes], at: bytes) -> Message:
    draft = sealed.draft
    event_id, request_id = str(draft.event_id).encode(), str(draft.request_id).encode()
    value = _RECORD_SEALED % (
        event_id,
        at,
        request_id,
        str(draft.record_id).encode(),
        canonical(draft.body.decode()),
        draft.sha256.hex().encode(),
        sealed.index,
        canonical(sealed.proof),
    )
    own = headers | {"ce_id": event_id, "ce_subject": request_id, "ce_partitionkey": request_id}
    return Message(RECORDS_SEALED.name, request_id, value, tuple(own.items()))


def record_sealed(sealed: SealedDraft, now: datetime) -> RecordSealed:
    """The event over one Record; its id is derived from the completion, so that it is the same for ever."""
    draft = sealed.draft
    return RecordSealed(
        event_id=draft.event_id,
        at=now,
        actor=ACTOR,
        request_id=draft.request_id,
        record_id=draft.record_id,
        record=draft.body.decode(),
        sha256=draft.sha256.hex(),
        index=sealed.index,
        proof=sealed.proof,
    )


def _checkpoint_signed(batch: Batch, now: datetime) -> CheckpointSigned:
    origin, size = batch.checkpoint.origin, batch.checkpoint.size
    event_id = EventId(derived_id(source_of("records"), f"{origin} {size}", "checkpoint_signed"))
    return CheckpointSigned(event_id=event_id, at=now, actor=ACTOR, origin=origin, size=size, note=batch.note)
