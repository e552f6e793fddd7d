"""The log's tables: one statement that grows it, and reads of any part at any size."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import asyncpg
from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncConnection
from truth_contracts.envelope import Message
from truth_contracts.ids import RecordId
from truth_kit.outbox import pack_headers
from truth_sealing.edge import open_widths
from truth_sealing.tiles import TILE_WIDTH, TileAddress

from truth_records.domain.log import Batch, StoredEdge
from truth_records.tables import checkpoint, record

_SEAL = """
    WITH sealed AS (
        INSERT INTO truth.record (idx, record_id, subject, body, leaf)
        SELECT * FROM unnest($1::bigint[], $2::uuid[], $3::bytea[], $4::bytea[], $5::bytea[])
    ), filled AS (
        INSERT INTO truth.tile (level, n, hashes, root)
        SELECT * FROM unnest($6::smallint[], $7::bigint[], $8::bytea[], $9::bytea[])
    ), signed AS (
        INSERT INTO truth.checkpoint (size, root, note, signed_at) VALUES ($10, $11, $12, $13)
    ), told AS (
        INSERT INTO truth.outbox (topic, key, value, headers)
        SELECT topic, key, value, headers
          FROM unnest($14::text[], $15::bytea[], $16::bytea[], $17::text[])
               WITH ORDINALITY AS told (topic, key, value, headers, n)
         ORDER BY n
    )
    DELETE FROM truth.draft WHERE n = ANY($18::bigint[])
"""
_HEAD = "SELECT size, note FROM truth.checkpoint ORDER BY size DESC LIMIT 1"
_ROWS = "SELECT coalesce(max(idx) + 1, 0) FROM truth.record"
_OPEN_LEAVES = "SELECT leaf FROM truth.record WHERE idx >= $1 ORDER BY idx"
_OPEN_ROOTS = "SELECT root FROM truth.tile WHERE level = $1 AND n >= $2 ORDER BY n"
_ROOT_AT = "SELECT root FROM truth.checkpoint WHERE size = $1"


@dataclass(frozen=True, slots=True)
class Head:
    """The newest signed head, as stored."""

    size: int
    note: str
    signed_at: datetime


@dataclass(frozen=True, slots=True)
class LoggedBody:
    """An entry's own columns."""

    record_id: RecordId
    subject: bytes
    body: bytes


async def seal(sealing: asyncpg.Connection, batch: Batch, messages: Sequence[Message], now: datetime) -> None:
    """Write a batch: Records, full tiles, checkpoint, outbox, and its drafts are gone. One statement.

    All of it is durable on return. On an exception it may or may not be: the edge is to be restored.
    """
    sealed, tiles = batch.sealed, batch.tiles
    await sealing.execute(
        _SEAL,
        [one.index for one in sealed],
        [one.draft.record_id for one in sealed],
        [one.draft.subject for one in sealed],
        [one.draft.body for one in sealed],
        [one.leaf for one in sealed],
        [one.level for one in tiles],
        [one.n for one in tiles],
        [one.hashes for one in tiles],
        [one.root for one in tiles],
        batch.checkpoint.size,
        batch.checkpoint.root,
        batch.note,
        now,
        [message.topic for message in messages],
        [message.key for message in messages],
        [message.value for message in messages],
        [pack_headers(message.headers) for message in messages],
        [one.draft.n for one in sealed],
    )


async def read_edge(sealing: asyncpg.Connection) -> StoredEdge:
    """The right edge as stored, in one snapshot: at most 255 rows a level."""
    async with sealing.transaction(isolation="repeatable_read", readonly=True):
        head = await sealing.fetchrow(_HEAD)
        rows: int = await sealing.fetchval(_ROWS)
        size: int = head["size"] if head else 0
        levels = range(len(open_widths(size)))
        open_tiles = [await _read_open(sealing, level, size) for level in levels]
    return StoredEdge(rows, open_tiles, head["note"] if head else None)


async def _read_open(sealing: asyncpg.Connection, level: int, size: int) -> list[bytes]:
    first = (size >> 8 * level) // TILE_WIDTH * TILE_WIDTH
    if level == 0:
        return [row["leaf"] for row in await sealing.fetch(_OPEN_LEAVES, first)]
    return [row["root"] for row in await sealing.fetch(_OPEN_ROOTS, level - 1, first)]


async def find_root(sealing: asyncpg.Connection, size: int) -> bytes | None:
    """The root that our own checkpoint of this size has, if there is one."""
    root: bytes | None = await sealing.fetchval(_ROOT_AT, size)
    return root


async def find_head(conn: AsyncConnection) -> Head | None:
    """The newest checkpoint."""
    c = checkpoint.c
    query = select(c.size, c.note, c.signed_at).order_by(c.size.desc()).limit(1)
    row = (await conn.execute(query)).one_or_none()
    return None if row is None else Head(*row)


async def has_checkpoint(conn: AsyncConnection, smallest: int, largest: int) -> bool:
    """Whether a head of such a size was ever signed."""
    size = checkpoint.c.size
    query = select(func.count()).where(size >= smallest, size <= largest)
    return (await conn.execute(query)).scalar_one() > 0


_TILES = text("""
    SELECT wanted.level, wanted.n, CASE
        WHEN wanted.width = 256 THEN
            (SELECT hashes FROM truth.tile AS t WHERE t.level = wanted.level AND t.n = wanted.n)
        WHEN wanted.level = 0 THEN
            (SELECT string_agg(leaf, ''::bytea ORDER BY idx) FROM truth.record
              WHERE idx >= wanted.n * 256 AND idx < wanted.n * 256 + wanted.width)
        ELSE
            (SELECT string_agg(root, ''::bytea ORDER BY t.n) FROM truth.tile AS t
              WHERE t.level = wanted.level - 1
                AND t.n >= wanted.n * 256 AND t.n < wanted.n * 256 + wanted.width)
        END
      FROM unnest(CAST(:levels AS smallint[]), CAST(:ns AS bigint[]), CAST(:widths AS integer[]))
        AS wanted (level, n, width)
""")


async def read_tiles(conn: AsyncConnection, wanted: Iterable[TileAddress]) -> Mapping[TileAddress, bytes]:
    """The hashes of each tile, joined; those of a partial one from the rows below it, as far as they go."""
    addresses = list(wanted)
    rows = await conn.execute(
        _TILES,
        {
            "levels": [address.level for address in addresses],
            "ns": [address.n for address in addresses],
            "widths": [address.width for address in addresses],
        },
    )
    found = {(level, n): hashes or b"" for level, n, hashes in rows}
    return {address: found[address.level, address.n] for address in addresses}


async def list_digests(conn: AsyncConnection, first: int, end: int) -> list[tuple[RecordId, bytes, bytes]]:
    """Record id, digest of the body as it stands and subject, by position, as `list_bodies`."""
    c = record.c
    query = select(c.record_id, func.sha256(c.body), c.subject).where(c.idx >= first, c.idx < end)
    return [(*row,) for row in await conn.execute(query.order_by(c.idx))]


async def list_bodies(conn: AsyncConnection, first: int, end: int) -> list[LoggedBody]:
    """Records by position, from `first` up to, not including, `end`."""
    c = record.c
    query = select(c.record_id, c.subject, c.body).where(c.idx >= first, c.idx < end).order_by(c.idx)
    return [LoggedBody(*row) for row in await conn.execute(query)]
