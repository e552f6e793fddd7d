"""What the world is told of a sealed batch."""

from datetime import datetime

from truth_contracts.envelope import Message, source_of, to_kafka
from truth_contracts.ids import EventId, derived_id
from truth_contracts.records import CheckpointSigned, RecordSealed

from truth_records.domain.log import Batch, SealedDraft

ACTOR = "service:records"


def messages(batch: Batch, now: datetime) -> list[Message]:
    """RecordSealed for each Record, in the order of the log, then CheckpointSigned."""
    origin = batch.checkpoint.origin
    head = to_kafka(_checkpoint_signed(batch, now), key=origin.encode())
    return [*(to_kafka(record_sealed(sealed, now)) for sealed in batch.sealed), head]


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
