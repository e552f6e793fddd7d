"""Runs audits over the database, keeps their results and tells of the last one."""

from dataclasses import dataclass, field

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection
from truth_contracts.base import instant_text
from truth_kit.connections import DATABASE_ERRORS, KafkaConnection
from truth_kit.database import Database
from truth_kit.fresh import utc_now
from truth_kit.lifecycle import Runtime
from truth_sealing.edge import Edge, EdgeError, open_widths
from truth_sealing.tiles import TILE_WIDTH, TileAddress
from truth_sealing.tree import HASH_BYTES

from truth_records.domain.audit import (
    Audit,
    StoredCheckpoint,
    StoredRecord,
    add_records,
    compare_checkpoint,
    compare_ends,
    compare_outside,
    compare_tiles,
)
from truth_records.domain.log import LogKey, newest
from truth_records.outside import read_checkpoints
from truth_records.store import audits as store
from truth_records.store.audits import AuditResult
from truth_records.store.log import read_tiles

log = structlog.get_logger()

NOTE = "audit"
_PAGE = 500
_TELL_SECONDS = 15.0


async def audit(
    database: Database, kafka: KafkaConnection, key: LogKey, *, is_whole: bool = False
) -> AuditResult:
    """Derive the log anew from its bodies and compare; the result is kept, whatever it is.

    Goes on from the last clean audit, whose root must still be the stored one, or from the first entry when
    `is_whole`. Only a whole audit sees an edit of what was audited before. May run while the log grows.
    Raises KafkaError, OSError or a database's error when it could not find out.
    """
    # Before the database is read: what is published from here on may be ahead of that reading.
    outside = newest(await read_checkpoints(kafka), key)
    async with database.connect() as conn:
        ends = await store.find_ends(conn)
        audited = await _begin(conn, key, is_whole=is_whole)
        first = audited.edge.size
        await _walk(conn, audited, ends.size)
        compare_ends(audited, ends.records, ends.tiles)
        own = await store.find_checkpoint(conn, outside.size) if outside else None
        compare_outside(audited, outside, own.root if own else None)
    size, root = audited.edge.size, audited.edge.root
    result = AuditResult(
        utc_now(), first, size, root, outside.size if outside else None, "\n".join(audited.findings)
    )
    async with database.begin() as tx:
        await store.insert_result(tx, result)
    return result


async def tell(runtime: Runtime) -> None:
    """Keep the newest result in readiness, whoever ran the audit. A task."""
    while not runtime.stopping.is_set():
        try:
            async with runtime.database.connect() as conn:
                runtime.notes[NOTE] = told(await store.find_last(conn, clean_only=False))
        except DATABASE_ERRORS:
            runtime.notes[NOTE] = "not known: the database is away"
        await runtime.pause(_TELL_SECONDS)


def told(result: AuditResult | None) -> str:
    """An audit's result in a line."""
    if result is None:
        return "never run"
    found = result.findings.split("\n") if result.findings else []
    verdict = f"{len(found)} findings, the first: {found[0]}" if found else "nothing found"
    return f"{instant_text(result.at)}, entries {result.from_size} to {result.to_size}: {verdict}"


async def _begin(conn: AsyncConnection, key: LogKey, *, is_whole: bool) -> Audit:
    """An audit of the whole log, or one that goes on where the last clean one ended."""
    audited = Audit(key.origin, key.pinned)
    last = None if is_whole else await store.find_last(conn, clean_only=True)
    if last is None:
        return audited
    try:
        edge = Edge.restore(last.to_size, await _read_open_tiles(conn, last.to_size))
    except EdgeError:
        edge = None
    if edge is None or edge.root != last.root:
        audited.find(f"the first {last.to_size} entries are not those that were audited before")
        return audited
    audited.edge, audited.next_idx = edge, edge.size
    return audited


async def _read_open_tiles(conn: AsyncConnection, size: int) -> list[list[bytes]]:
    levels = enumerate(open_widths(size))
    wanted = [TileAddress(level, (size >> 8 * level) // TILE_WIDTH, width) for level, width in levels]
    tiles = await read_tiles(conn, [address for address in wanted if address.width])
    return [_split(tiles.get(address, b"")) for address in wanted]


def _split(hashes: bytes) -> list[bytes]:
    return [hashes[start : start + HASH_BYTES] for start in range(0, len(hashes), HASH_BYTES)]


async def _walk(conn: AsyncConnection, audited: Audit, until: int) -> None:
    """Every entry and checkpoint up to the one of size `until`, page after page."""
    rows, after = _Rows(conn, audited.edge.size), audited.edge.size
    while page := await store.list_checkpoints(conn, after, until, _PAGE):
        for checkpoint in page:
            await _take(conn, audited, await rows.until(checkpoint.size), checkpoint)
        after = page[-1].size


async def _take(
    conn: AsyncConnection, audited: Audit, rows: list[StoredRecord], checkpoint: StoredCheckpoint
) -> None:
    derived = add_records(audited, rows)
    if derived:
        stored = await store.list_tiles(conn, [(tile.level, tile.n) for tile in derived])
        compare_tiles(audited, derived, stored)
    compare_checkpoint(audited, checkpoint)


@dataclass(slots=True)
class _Rows:
    """Rows of the log in order, read in pages however the checkpoints divide them."""

    conn: AsyncConnection
    first: int
    held: list[StoredRecord] = field(default_factory=list[StoredRecord])

    async def until(self, size: int) -> list[StoredRecord]:
        """The next rows, up to, not including, position `size`."""
        while not self.held or self.held[-1].idx < size - 1:
            page = await store.list_records(self.conn, self.first, _PAGE)
            if not page:
                break
            self.held += page
            self.first = page[-1].idx + 1
        taken = [row for row in self.held if row.idx < size]
        self.held = self.held[len(taken) :]
        return taken
