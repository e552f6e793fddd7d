"""What an audit reads, and what it found."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection
from truth_kit.columns import insert_arrays
from truth_sealing.edge import Tile

from truth_records.domain.audit import StoredCheckpoint, StoredRecord
from truth_records.tables import audit, checkpoint, record, tile

_COLUMNS = ("at", "from_size", "to_size", "root", "outside_size", "findings")
_ADD = insert_arrays(audit, *_COLUMNS)


@dataclass(frozen=True, slots=True)
class AuditResult:
    """What one audit covered and found. `root` is that of the log at `to_size`; findings are one a line."""

    at: datetime
    from_size: int
    to_size: int
    root: bytes | None
    outside_size: int | None
    findings: str

    @property
    def is_clean(self) -> bool:
        """Whether nothing was found."""
        return not self.findings


@dataclass(frozen=True, slots=True)
class Ends:
    """Entries, the last checkpoint's size, and how many full tiles are stored."""

    records: int
    size: int
    tiles: int


async def list_checkpoints(
    conn: AsyncConnection, after: int, until: int, limit: int
) -> list[StoredCheckpoint]:
    """Checkpoints beyond one size and up to another, in order."""
    c = checkpoint.c
    query = select(c.size, c.root, c.note).where(c.size > after, c.size <= until)
    return [StoredCheckpoint(*row) for row in await conn.execute(query.order_by(c.size).limit(limit))]


async def find_checkpoint(conn: AsyncConnection, size: int) -> StoredCheckpoint | None:
    """The checkpoint of exactly this size."""
    c = checkpoint.c
    row = (await conn.execute(select(c.size, c.root, c.note).where(c.size == size))).one_or_none()
    return None if row is None else StoredCheckpoint(*row)


async def list_records(conn: AsyncConnection, first: int, limit: int) -> list[StoredRecord]:
    """Rows of the log from a position on, in order, gaps and all."""
    c = record.c
    query = select(c.idx, c.record_id, c.subject, c.body, c.leaf).where(c.idx >= first)
    return [StoredRecord(*row) for row in await conn.execute(query.order_by(c.idx).limit(limit))]


async def list_tiles(conn: AsyncConnection, places: Sequence[tuple[int, int]]) -> list[Tile]:
    """The stored tiles of these (level, n)."""
    c = tile.c
    query = select(c.level, c.n, c.hashes, c.root).where(tuple_(c.level, c.n).in_(places))
    return [Tile(*row) for row in await conn.execute(query)]


async def find_ends(conn: AsyncConnection) -> Ends:
    """How far everything goes, in one snapshot."""
    records = select(func.coalesce(func.max(record.c.idx) + 1, 0)).scalar_subquery()
    size = select(func.coalesce(func.max(checkpoint.c.size), 0)).scalar_subquery()
    tiles = select(func.count()).select_from(tile).scalar_subquery()
    return Ends(*(await conn.execute(select(records, size, tiles))).one())


async def find_last(conn: AsyncConnection, *, clean_only: bool) -> AuditResult | None:
    """The newest result, or the newest that found nothing."""
    query = select(*(audit.c[name] for name in _COLUMNS)).order_by(audit.c.id.desc()).limit(1)
    row = (await conn.execute(query.where(audit.c.findings == "") if clean_only else query)).one_or_none()
    return None if row is None else AuditResult(*row)


async def insert_result(tx: AsyncConnection, result: AuditResult) -> None:
    """Keep what an audit found, for good."""
    await tx.execute(_ADD, {name: [getattr(result, name)] for name in _COLUMNS})
