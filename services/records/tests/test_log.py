"""The log in PostgreSQL: grown, restored, read; and what its constraints refuse."""

import asyncpg
import pytest
from truth_kit.database import Database
from truth_records.domain.log import LogStoppedError, entry_of, seal
from truth_records.store import log as store
from truth_sealing.edge import Edge
from truth_sealing.proof import parse_proof
from truth_sealing.tiles import (
    consistency_proof,
    consistency_tiles,
    inclusion_proof,
    inclusion_tiles,
    root_at,
    root_tiles,
)
from truth_sealing.tree import check_consistency, leaf_hash

from services.records.tests.builders import NOW
from services.records.tests.logs import Grown, new_key, ready
from services.records.tests.running import fetch

SIZES = (*range(1, 31), 226, 1, 255, 257, 300)


async def test_a_restart_after_every_batch_finds_the_edge_that_was_in_memory(database: Database) -> None:
    grown = Grown(database)
    assert await grown.restored() == Edge()
    for size in SIZES:
        await grown.grow(size)
        assert await grown.restored() == grown.edge
    rows = await fetch(database, "SELECT idx, record_id FROM truth.record ORDER BY idx")
    assert [(row["idx"], row["record_id"]) for row in rows] == [
        (n, ready(n).record_id) for n in range(sum(SIZES))
    ]


async def test_proofs_of_a_batch_equal_proofs_from_the_tables_at_that_size(database: Database) -> None:
    grown = Grown(database)
    batches = [await grown.grow(size) for size in (1, 3, 252, 1, 260, 5)]
    async with database.connect() as conn:
        for batch in batches:
            size = batch.checkpoint.size
            for sealed in batch.sealed:
                tiles = await store.read_tiles(conn, inclusion_tiles(sealed.index, size))
                proof = inclusion_proof(sealed.index, size, tiles.__getitem__)
                assert tuple(proof) == parse_proof(sealed.proof).hashes
            tiles = await store.read_tiles(conn, root_tiles(size))
            assert root_at(size, tiles.__getitem__) == batch.checkpoint.root


async def test_every_checkpoint_begins_with_every_earlier_one(database: Database) -> None:
    grown = Grown(database)
    heads = [(await grown.grow(size)).checkpoint for size in (2, 5, 249, 1, 300)]
    async with database.connect() as conn:
        for old in heads:
            for new in heads[heads.index(old) :]:
                tiles = await store.read_tiles(conn, consistency_tiles(old.size, new.size))
                proof = consistency_proof(old.size, new.size, tiles.__getitem__)
                assert check_consistency((old.size, old.root), (new.size, new.root), proof)


async def test_two_sealers_without_the_lock_cannot_both_grow_the_log(database: Database) -> None:
    grown = Grown(database)
    await grown.grow(5)
    batches = [seal(grown.edge, [ready(number)], grown.key) for number in (100, 101)]
    connections = [await asyncpg.connect(database.connection.dsn) for _ in batches]
    try:
        await store.seal(connections[0], batches[0], [], NOW)
        with pytest.raises(asyncpg.UniqueViolationError):
            await store.seal(connections[1], batches[1], [], NOW)
    finally:
        for connection in connections:
            await connection.close()
    assert await grown.restored() == batches[0].edge


@pytest.mark.parametrize(
    ("statement", "error"),
    [
        pytest.param(
            "INSERT INTO truth.checkpoint SELECT size + 1, root, note, signed_at FROM truth.checkpoint",
            asyncpg.RestrictViolationError, id="beyond the Records",
        ),
        pytest.param(
            "INSERT INTO truth.checkpoint SELECT size - 1, root, note, signed_at FROM truth.checkpoint",
            asyncpg.RestrictViolationError, id="going back",
        ),
        pytest.param(
            "INSERT INTO truth.checkpoint SELECT size, root, note, signed_at FROM truth.checkpoint",
            asyncpg.UniqueViolationError, id="the same size",
        ),
        pytest.param(
            "WITH gap AS (INSERT INTO truth.record SELECT idx + 2, kind, gen_random_uuid(), sha256('a'), body, leaf"
            " FROM truth.record ORDER BY idx DESC LIMIT 1 RETURNING 1)"
            " INSERT INTO truth.checkpoint SELECT size + 2, root, note, signed_at FROM truth.checkpoint",
            asyncpg.RestrictViolationError, id="over a gap",
        ),
        pytest.param(
            "INSERT INTO truth.record SELECT idx + 5, kind, gen_random_uuid(), subject, body, leaf FROM truth.record",
            asyncpg.UniqueViolationError, id="a second Record for a completion",
        ),
        pytest.param(
            "INSERT INTO truth.record SELECT idx + 5, kind, record_id, sha256('a'), body, leaf FROM truth.record",
            asyncpg.UniqueViolationError, id="a second entry for a Record",
        ),
    ],
)  # fmt: skip
async def test_the_tables_refuse_what_is_no_growth(
    database: Database, statement: str, error: type[asyncpg.PostgresError]
) -> None:
    grown = Grown(database)
    await grown.grow(3)
    with pytest.raises(error):
        await fetch(database, statement)
    assert await grown.restored() == grown.edge


def test_a_leaf_is_the_hash_of_the_public_entry() -> None:
    batch = seal(Edge(), [ready(1)], new_key())
    (sealed,) = batch.sealed
    assert sealed.leaf == leaf_hash(entry_of(ready(1).record_id, ready(1).body, ready(1).subject))


async def test_a_log_under_another_key_or_name_does_not_start(database: Database) -> None:
    grown = Grown(database)
    await grown.grow(2)
    other = Grown(database)
    with pytest.raises(
        LogStoppedError, match="log_does_not_match_its_checkpoint: the last checkpoint is worthless"
    ):
        await other.restored()
