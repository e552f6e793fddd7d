"""What a RecordSealed brings, checked with the verifier that strangers use."""

from collections.abc import Mapping
from dataclasses import dataclass

from truth_contracts.records import RecordSealed
from truth_contracts.refusals import Refusal
from truth_sealing.bundle import Bundle
from truth_sealing.canonical import sha256_hex
from truth_sealing.checkpoint import Checkpoint, parse_checkpoint
from truth_sealing.logged import Trust
from truth_sealing.note import parse_note, signed_by
from truth_sealing.proof import parse_proof
from truth_sealing.sealed import SealedRecord, read_record
from truth_sealing.verify import check

_REQUIRED = ("integrity", "logged", "path_complete", "path_signed")


@dataclass(frozen=True, slots=True)
class Sealed:
    """A verified Record, its place in the log, and who cosigned that."""

    event: RecordSealed
    record: SealedRecord
    checkpoint: Checkpoint
    witnesses: int


def verify(event: RecordSealed, pinned: Trust) -> Refusal | None:
    """`record_unverified`, naming what failed, unless the Record is whole, in the log, and its path signed.

    Inclusion, the log's signature, the seven links, their order and all their signatures.
    """
    report = check(Bundle(record=event.record, proof=event.proof), pinned)
    failed = [f"{name}: {report[name].reason}" for name in _REQUIRED if report[name].answer != "yes"]
    found = {**report.subject, "sha256": sha256_hex(event.record.encode())}
    told: Mapping[str, object] = {
        "record_id": str(event.record_id),
        "request_id": str(event.request_id),
        "index": event.index,
        "sha256": event.sha256,
    }
    failed += [f"{name}: the event names another" for name in told if told[name] != found.get(name)]
    return (
        Refusal("record_unverified", f"The Record does not verify: {'; '.join(failed)}.") if failed else None
    )


def read(event: RecordSealed, pinned: Trust) -> Sealed:
    """The parts of an event that `verify` found whole."""
    note = parse_note(parse_proof(event.proof).checkpoint)
    cosigners = signed_by(note, pinned.policy.witnesses.values())
    return Sealed(event, read_record(event.record), parse_checkpoint(note.text), len(cosigners))
