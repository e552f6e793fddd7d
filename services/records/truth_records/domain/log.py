"""The log: what a batch of drafts makes of it, and whether it may grow at all."""

from collections.abc import Sequence
from dataclasses import dataclass

from truth_contracts.ids import EventId, RecordId, RequestId
from truth_sealing.canonical import sha256_hex
from truth_sealing.checkpoint import Checkpoint, CheckpointError, open_checkpoint, sign_checkpoint
from truth_sealing.edge import Edge, EdgeError, Tile
from truth_sealing.keys import Signer, VerifyKey
from truth_sealing.note import NoteError
from truth_sealing.proof import proof_of_lines
from truth_sealing.record import entry
from truth_sealing.tree import leaf_hash

DOES_NOT_MATCH = "log_does_not_match_its_checkpoint"
BEHIND_ITS_WITNESS = "log_behind_its_witness"


_ENTRY = b'{"kind":"record","record":"%b","sha256":"%b","subject":"%b","v":1}'


class LogStoppedError(Exception):
    """The log may not grow: the message begins with DOES_NOT_MATCH or BEHIND_ITS_WITNESS. Somebody acts."""


@dataclass(frozen=True, slots=True)
class LogKey:
    """What signs the log, and the public keys that may have signed it. The signer's name is the origin."""

    signer: Signer
    key_id: bytes
    pinned: tuple[VerifyKey, ...]

    @property
    def origin(self) -> str:
        """The log's name, the first line of every checkpoint."""
        return self.signer.name


@dataclass(frozen=True, slots=True)
class ReadyDraft:
    """A draft whose evidence is there, as the sealer reads it."""

    n: int  # its place in the queue
    record_id: RecordId
    request_id: RequestId
    event_id: EventId  # of its RecordSealed
    subject: bytes
    body: bytes
    sha256: bytes

    @property
    def is_sound(self) -> bool:
        """Whether the body is still what it was when the draft was written."""
        return bytes.fromhex(sha256_hex(self.body)) == self.sha256


@dataclass(frozen=True, slots=True)
class SealedDraft:
    """A draft with its place in the log, and the proof of it."""

    draft: ReadyDraft
    index: int
    leaf: bytes
    proof: str


@dataclass(frozen=True, slots=True)
class Batch:
    """All that one transaction writes, and the edge that the log has after it."""

    sealed: Sequence[SealedDraft]
    tiles: Sequence[Tile]
    checkpoint: Checkpoint
    note: str
    edge: Edge


@dataclass(frozen=True, slots=True)
class StoredEdge:
    """The right edge of the log as the database has it."""

    rows: int  # records
    open_tiles: Sequence[Sequence[bytes]]
    note: str | None  # of the last checkpoint; None before the first


def seal(edge: Edge, drafts: Sequence[ReadyDraft], key: LogKey) -> Batch:
    """The log grown by `drafts` (at least one), its new head signed.

    Nothing is durable yet, and `edge` is untouched. Give it sound drafts only.
    """
    leaves = [leaf_hash(entry_over(draft.record_id, draft.sha256, draft.subject)) for draft in drafts]
    appended = edge.append(leaves)
    checkpoint = Checkpoint(key.origin, appended.edge.size, appended.edge.root)
    note = sign_checkpoint(checkpoint, (key.signer, key.key_id))
    sealed = [
        SealedDraft(draft, index, leaf, proof_of_lines(index, appended.inclusion_lines(index), note))
        for index, (draft, leaf) in enumerate(zip(drafts, leaves, strict=True), start=edge.size)
    ]
    return Batch(sealed, appended.tiles, checkpoint, note, appended.edge)


def restore(stored: StoredEdge, key: LogKey) -> Edge:
    """The edge that the database holds, once it matches the last checkpoint in size, root and signature.

    Raises LogStoppedError.
    """
    if stored.note is None:
        if stored.rows:
            raise LogStoppedError(f"{DOES_NOT_MATCH}: there are {stored.rows} Records and no checkpoint")
        return Edge()
    checkpoint = _opened(stored.note, key)
    if checkpoint.size != stored.rows:
        raise LogStoppedError(
            f"{DOES_NOT_MATCH}: it is signed for {checkpoint.size} Records, and there are {stored.rows}"
        )
    try:
        edge = Edge.restore(checkpoint.size, stored.open_tiles)
    except EdgeError as error:
        raise LogStoppedError(f"{DOES_NOT_MATCH}: {error}") from error
    if edge.root != checkpoint.root:
        raise LogStoppedError(f"{DOES_NOT_MATCH}: the stored hashes have another root at {checkpoint.size}")
    return edge


def check_outside(outside: Checkpoint | None, size: int, root_at: bytes | None) -> None:
    """Raise LogStoppedError when a checkpoint known outside the database is ahead of it, or differs.

    `size` is the database's; `root_at` the root that its own checkpoint of the outside's size has, if any. A
    database behind or beside what was published is a restored backup: growing it would fork the log.
    """
    if outside is None:
        return
    if outside.size > size:
        raise LogStoppedError(
            f"{BEHIND_ITS_WITNESS}: {outside.size} entries were published, the database has {size}"
        )
    if outside.root != root_at:
        raise LogStoppedError(f"{BEHIND_ITS_WITNESS}: another root was published for {outside.size} entries")


def newest(notes: Sequence[str], key: LogKey) -> Checkpoint | None:
    """The largest checkpoint among `notes` that this log signed; others are ignored."""
    found: list[Checkpoint] = []
    for note in notes:
        try:
            checkpoint, _ = open_checkpoint(note, key.pinned)
        except (NoteError, CheckpointError):
            continue
        if checkpoint.origin == key.origin:
            found.append(checkpoint)
    return max(found, key=lambda checkpoint: checkpoint.size, default=None)


def entry_of(record_id: RecordId, body: bytes, subject: bytes) -> bytes:
    """The public log entry over a Record."""
    return entry(str(record_id), body, subject.hex())


def entry_over(record_id: RecordId, sha256: bytes, subject: bytes) -> bytes:
    """What `entry_of` gives, from the digest just taken of the body: the canonical form, filled in."""
    return _ENTRY % (str(record_id).encode(), sha256.hex().encode(), subject.hex().encode())


def _opened(note: str, key: LogKey) -> Checkpoint:
    try:
        checkpoint, _ = open_checkpoint(note, key.pinned)
    except (NoteError, CheckpointError) as error:
        raise LogStoppedError(f"{DOES_NOT_MATCH}: the last checkpoint is worthless: {error}") from error
    if checkpoint.origin != key.origin:
        raise LogStoppedError(f"{DOES_NOT_MATCH}: the last checkpoint is of {checkpoint.origin}")
    return checkpoint
