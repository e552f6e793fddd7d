"""Inclusion proofs out of the tables, beside the bare reading of the same rows."""

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from truth_records.store import log as store
from truth_sealing.checkpoint import parse_checkpoint
from truth_sealing.note import parse_note
from truth_sealing.proof import parse_proof, proof_text
from truth_sealing.tiles import TILE_WIDTH, TileAddress, inclusion_proof, inclusion_tiles
from truth_sealing.tree import check_inclusion

from tests.bench.logs import Log

_HEAD = "SELECT size, note, signed_at FROM truth.checkpoint ORDER BY size DESC LIMIT 1"
_LEAVES = "SELECT leaf FROM truth.record WHERE idx >= $1 AND idx < $2 ORDER BY idx"
_ROOTS = "SELECT root FROM truth.tile WHERE level = $3 AND n >= $1 AND n < $2 ORDER BY n"
_FULL = "SELECT hashes FROM truth.tile WHERE level = $1 AND n = $2"
_STRIDE = 0x9E3779B1  # visits a tree of any size all over
_WARM = 20


@dataclass(frozen=True, slots=True)
class Proved:
    """Milliseconds of each proof: on the clock, and of this process's CPU."""

    wall: list[float]
    cpu: list[float]


async def prove(log: Log, count: int) -> Proved:
    """Proofs of leaves all over the log, as `GET /records/{id}/bundle` makes them."""
    return await _timed(lambda index: _proof(log, index), log.edge.size, count)


async def read_rows(log: Log, count: int) -> Proved:
    """The floor: the same queries on one bare connection, and nothing done with what they return."""
    return await _timed(lambda index: _read(log, index), log.edge.size, count)


async def check(log: Log, count: int) -> None:
    """Raise AssertionError unless the proofs that are measured prove what they should."""
    for number in range(count):
        index = number * _STRIDE % log.edge.size
        proof = parse_proof(await _proof(log, index))
        head = parse_checkpoint(parse_note(proof.checkpoint).text)
        leaf = await log.app.fetchval("SELECT leaf FROM truth.record WHERE idx = $1", index)
        assert check_inclusion(leaf, index, head.size, proof.hashes, head.root)


async def _timed(once: Callable[[int], Awaitable[object]], size: int, count: int) -> Proved:
    proved = Proved([], [])
    for number in range(count + _WARM):
        started, cpu_started = time.perf_counter(), time.process_time()
        await once(number * _STRIDE % size)
        proved.wall.append((time.perf_counter() - started) * 1e3)
        proved.cpu.append((time.process_time() - cpu_started) * 1e3)
    return Proved(proved.wall[_WARM:], proved.cpu[_WARM:])


async def _proof(log: Log, index: int) -> str:
    async with log.database.connect() as conn:
        head = await store.find_head(conn)
        assert head is not None
        tiles = await store.read_tiles(conn, inclusion_tiles(index, head.size))
    return proof_text(index, inclusion_proof(index, head.size, tiles.__getitem__), head.note)


async def _read(log: Log, index: int) -> None:
    head = await log.app.fetchrow(_HEAD)
    assert head is not None
    for address in inclusion_tiles(index, head["size"]):
        await _read_tile(log, address)


async def _read_tile(log: Log, address: TileAddress) -> None:
    first = address.n * TILE_WIDTH
    if address.width == TILE_WIDTH:
        await log.app.fetch(_FULL, address.level, address.n)
    elif address.level == 0:
        await log.app.fetch(_LEAVES, first, first + address.width)
    else:
        await log.app.fetch(_ROOTS, first, first + address.width, address.level - 1)
