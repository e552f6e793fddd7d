"""The audit: everything derived again from the bodies, and compared with what is stored and what is known."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from truth_contracts.ids import RecordId
from truth_sealing.checkpoint import Checkpoint, CheckpointError, open_checkpoint
from truth_sealing.edge import Edge, Tile
from truth_sealing.keys import VerifyKey
from truth_sealing.note import NoteError
from truth_sealing.sealed import RecordError, read_record
from truth_sealing.tiles import TILE_WIDTH
from truth_sealing.tree import leaf_hash

from truth_records.domain.log import entry_of

FINDINGS_MAX = 100
"""Findings told; one edit in the middle of a log makes every later root differ."""


@dataclass(frozen=True, slots=True)
class StoredRecord:
    """A row of the log."""

    idx: int
    record_id: RecordId
    subject: bytes
    body: bytes
    leaf: bytes


@dataclass(frozen=True, slots=True)
class StoredCheckpoint:
    """A row of the checkpoints."""

    size: int
    root: bytes
    note: str


@dataclass(slots=True)
class Audit:
    """An audit on its way: how far it has come, and what it has found."""

    origin: str
    pinned: tuple[VerifyKey, ...]
    edge: Edge = field(default_factory=Edge)
    next_idx: int = 0
    findings: list[str] = field(default_factory=list[str])

    def find(self, what: str) -> None:
        """Tell of one thing that is wrong."""
        if len(self.findings) < FINDINGS_MAX:
            self.findings.append(what)


def add_records(audit: Audit, rows: Sequence[StoredRecord]) -> Sequence[Tile]:
    """Take in the next rows: each body, position and leaf. Returns the full tiles that they must fill."""
    leaves: list[bytes] = []
    for row in rows:
        if row.idx != audit.next_idx:
            audit.find(f"entry {audit.next_idx} is missing: after it comes {row.idx}")
        audit.next_idx = row.idx + 1
        for problem in _problems(row):
            audit.find(f"entry {row.idx}: {problem}")
        leaf = leaf_hash(entry_of(row.record_id, row.body, row.subject))
        if leaf != row.leaf:
            audit.find(f"entry {row.idx}: its body does not have the leaf hash that is stored")
        leaves.append(leaf)
    appended = audit.edge.append(leaves)
    audit.edge = appended.edge
    return appended.tiles


def compare_tiles(audit: Audit, derived: Sequence[Tile], stored: Sequence[Tile]) -> None:
    """Compare the tiles that the bodies fill with those that are stored for the same places."""
    found = {(tile.level, tile.n): tile for tile in stored}
    for tile in derived:
        same = found.get((tile.level, tile.n))
        if same is None:
            audit.find(f"tile {tile.n} of level {tile.level} is missing")
        elif same != tile:
            audit.find(f"tile {tile.n} of level {tile.level} is not what the bodies give")


def compare_checkpoint(audit: Audit, stored: StoredCheckpoint) -> None:
    """Compare a checkpoint with the tree that the bodies give at its size."""
    size = stored.size
    if size != audit.edge.size:
        audit.find(f"checkpoint {size} is beyond the {audit.edge.size} entries that are there")
        return
    try:
        checkpoint, _ = open_checkpoint(stored.note, audit.pinned)
    except (NoteError, CheckpointError) as error:
        audit.find(f"checkpoint {size} is worthless: {error}")
        return
    if checkpoint != Checkpoint(audit.origin, size, stored.root):
        audit.find(f"checkpoint {size} is signed for another log, size or root than its row says")
    elif checkpoint.root != audit.edge.root:
        audit.find(f"checkpoint {size} has another root than the bodies give")


def compare_ends(audit: Audit, records: int, tiles: int) -> None:
    """Compare how far the rows go with what the last checkpoint covers; `tiles` is how many are stored."""
    if records > audit.next_idx:
        audit.find(f"there are entries up to {records - 1} that no checkpoint covers")
    size, full = audit.edge.size, 0
    while size := size // TILE_WIDTH:
        full += size
    if tiles != full:
        audit.find(f"{tiles} tiles are stored, and the entries fill {full}")


def compare_outside(audit: Audit, outside: Checkpoint | None, own_root: bytes | None) -> None:
    """Compare the newest published checkpoint with the log. `own_root` is of our checkpoint of its size."""
    if outside is None:
        return
    if outside.size > audit.edge.size:
        audit.find(f"a checkpoint of {outside.size} was published, and there are {audit.edge.size} entries")
    elif outside.root != own_root:
        audit.find(f"another root was published for {outside.size} entries than the one that is stored")


def _problems(row: StoredRecord) -> Iterator[str]:
    try:
        record = read_record(row.body.decode())
    except (RecordError, UnicodeDecodeError) as error:
        yield str(error)
        return
    if record["record_id"] != str(row.record_id):
        yield "its body is of another Record"
    if not record.has_whole_chain or record.chain[-1]["sha256"] != row.subject.hex():
        yield "its body is about another completion"
