"""Records: the sealed account, and the log that holds it."""

from typing import Literal

from truth_contracts.base import Digest
from truth_contracts.ids import RecordId
from truth_contracts.steps import Event, PathEvent


class RecordSealed(PathEvent, frozen=True):
    """A Record is in the log, for good. Written by records; kept for ever; signals decides over it.

    Everything in it is public: personal values stand in the Record as commitments only.
    """

    type: Literal["truth.records.sealed.v1"] = "truth.records.sealed.v1"
    record_id: RecordId
    record: str
    """The Record's exact canonical text."""
    sha256: Digest
    """Digest of `record`."""
    index: int
    """Position of the Record's entry in the log, from 0."""
    proof: str
    """A c2sp.org/tlog-proof@v1: inclusion under a signed checkpoint."""


class CheckpointSigned(Event, frozen=True):
    """The log's newest signed head, told outside the database so that a restored backup is noticed.

    Written by records to the compacted topic `records.checkpoints`; the Kafka key is the log's origin.
    """

    type: Literal["truth.records.checkpoint-signed.v1"] = "truth.records.checkpoint-signed.v1"
    origin: str
    size: int
    note: str
    """The checkpoint, a C2SP signed note."""
