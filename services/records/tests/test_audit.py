"""Audits: a clean log, and every tampering that somebody who has taken the database over can do."""

from collections.abc import Sequence

import asyncpg
import pytest
from truth_kit.connections import KafkaConnection
from truth_kit.database import Database
from truth_records.auditing import audit, told
from truth_records.store.audits import AuditResult
from truth_sealing.checkpoint import Checkpoint

from services.records.tests.logs import Grown, as_superuser, published_outside
from services.records.tests.running import fetch

BATCHES = (3, 250, 10, 1, 300)
SIZE = sum(BATCHES)


async def audited(grown: Grown, kafka: KafkaConnection, *, is_whole: bool = True) -> AuditResult:
    return await audit(grown.database, kafka, grown.key, is_whole=is_whole)


async def grown_log(database: Database) -> Grown:
    grown = Grown(database)
    await grown.grow(*BATCHES)
    return grown


async def test_a_log_that_nobody_touched_is_clean_and_the_audit_goes_on_from_there(
    database: Database, kafka: KafkaConnection
) -> None:
    grown = Grown(database)
    empty = await audited(grown, kafka)
    assert (empty.to_size, empty.findings) == (0, "")
    await grown.grow(*BATCHES)
    first = await audited(grown, kafka, is_whole=False)
    assert (first.from_size, first.to_size, first.findings) == (0, SIZE, "")
    await grown.grow(7)
    more = await audited(grown, kafka, is_whole=False)
    assert (more.from_size, more.to_size, more.findings) == (SIZE, SIZE + 7, "")
    whole = await audited(grown, kafka)
    assert (whole.from_size, whole.to_size, whole.findings) == (0, SIZE + 7, "")
    assert len(await fetch(database, "SELECT FROM truth.audit")) == 4
    assert told(whole).endswith(f"entries 0 to {SIZE + 7}: nothing found")


TAMPERINGS = [
    pytest.param(
        "UPDATE truth.record SET body = convert_to(replace(convert_from(body, 'utf8'), 'not_fulfilled', 'fulfilled'), 'utf8')"
        " WHERE idx = 100",
        "entry 100: its body does not have the leaf hash that is stored", id="1 a body edited",
    ),
    pytest.param(
        "UPDATE truth.record SET body = body || ' '::bytea WHERE idx = 100",
        "entry 100: the Record's text is not in canonical form", id="1 a space added",
    ),
    pytest.param(
        "UPDATE truth.record SET leaf = sha256('x') WHERE idx = 100", "entry 100: its body does not", id="2 a leaf edited"
    ),
    pytest.param(
        "UPDATE truth.tile SET hashes = set_byte(hashes, 9, 255 - get_byte(hashes, 9)) WHERE n = 0",
        "tile 0 of level 0 is not what the bodies give", id="2 a tile edited",
    ),
    pytest.param("DELETE FROM truth.tile WHERE n = 1", "tile 1 of level 0 is missing", id="2 a tile gone"),
    pytest.param(
        "INSERT INTO truth.tile SELECT 1, 0, hashes, root FROM truth.tile WHERE n = 0", "3 tiles are stored", id="2 a tile added"
    ),
    pytest.param("DELETE FROM truth.record WHERE idx = 100", "entry 100 is missing", id="3 a row deleted"),
    pytest.param(
        "UPDATE truth.record AS one SET record_id = other.record_id, subject = other.subject, body = other.body, leaf = other.leaf"
        " FROM truth.record AS other WHERE one.idx IN (7, 8) AND other.idx = 15 - one.idx",
        "checkpoint 253 has another root than the bodies give", id="4 two rows swapped",
    ),
    pytest.param(
        "DELETE FROM truth.record WHERE idx >= (SELECT max(size) - 10 FROM truth.checkpoint)", f"checkpoint {SIZE} is beyond the {SIZE - 10} entries", id="5 the tail cut"
    ),
    pytest.param(
        "UPDATE truth.checkpoint SET root = sha256('x') WHERE size = 253", "checkpoint 253 is signed for another", id="7 a root edited"
    ),
    pytest.param(
        "UPDATE truth.checkpoint SET note = overlay(note placing 'AAAA' from 60) WHERE size = 253", "checkpoint 253 is worthless",
        id="8 a note edited",
    ),
    pytest.param(
        "UPDATE truth.record SET record_id = gen_random_uuid() WHERE idx = 100", "entry 100: its body is of another Record", id="an id edited"
    ),
    pytest.param(
        "UPDATE truth.record SET subject = sha256('x') WHERE idx = 100", "entry 100: its body is about another completion",
        id="13 a subject edited",
    ),
    pytest.param(
        "DELETE FROM truth.checkpoint WHERE size = (SELECT max(size) FROM truth.checkpoint)", f"there are entries up to {SIZE - 1} that no checkpoint covers",
        id="a checkpoint gone",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("statement", "finding"), TAMPERINGS)
async def test_an_audit_finds_what_a_superuser_changed(
    database: Database, kafka: KafkaConnection, superuser: str, statement: str, finding: str
) -> None:
    grown = await grown_log(database)
    await as_superuser(
        superuser,
        "DROP INDEX truth.record_one_for_each_completion",
        "ALTER TABLE truth.record DROP CONSTRAINT record_record_id_key",
        statement,
    )
    result = await audited(grown, kafka)
    assert finding in result.findings
    async with database.connect():
        ((kept,),) = await fetch(database, "SELECT findings FROM truth.audit")
    assert kept == result.findings


async def test_a_whole_forged_log_is_found_by_what_was_published(
    database: Database, kafka: KafkaConnection, superuser: str
) -> None:
    """6 and 7: rows, tiles and checkpoints all rewritten with the log's own key; only the outside knows better."""
    grown = await grown_log(database)
    await published_outside(kafka, grown, Checkpoint(grown.key.origin, SIZE, grown.edge.root))
    assert (await audited(grown, kafka)).findings == ""
    await as_superuser(superuser, *(f"TRUNCATE truth.{table}" for table in ("record", "tile", "checkpoint")))
    forged = Grown(database, key=grown.key)
    await forged.grow(SIZE - 1)
    behind = await audited(forged, kafka)
    assert behind.findings == f"a checkpoint of {SIZE} was published, and there are {SIZE - 1} entries"
    await forged.grow(1)
    beside = await audited(forged, kafka)
    assert (beside.findings, beside.outside_size) == ("", SIZE)


async def test_going_on_from_an_audit_notices_that_its_end_is_no_longer_there(
    database: Database, kafka: KafkaConnection, superuser: str
) -> None:
    grown = await grown_log(database)
    await audited(grown, kafka)
    await as_superuser(
        superuser,
        "UPDATE truth.record SET leaf = sha256('x') WHERE idx = (SELECT max(size) - 1 FROM truth.checkpoint)",
    )
    result = await audited(grown, kafka, is_whole=False)
    assert result.findings.startswith(f"the first {SIZE} entries are not those that were audited before")
    assert f"entry {SIZE - 1}: its body does not" in result.findings


CHANGES = [
    "UPDATE truth.record SET leaf = sha256('x')",
    "UPDATE truth.tile SET root = sha256('x')",
    "UPDATE truth.checkpoint SET root = sha256('x')",
    *(
        f"{what} truth.{table}"
        for what in ("DELETE FROM", "TRUNCATE")
        for table in ("record", "tile", "checkpoint")
    ),
    "SET session_replication_role = replica",
]
DEFINITIONS = [
    f"{what} truth.{table}{more}"
    for what, more in (("DROP TABLE", ""), ("ALTER TABLE", " DISABLE TRIGGER ALL"))
    for table in ("record", "tile", "checkpoint")
]


async def refuses(dsn: str, statements: Sequence[str]) -> None:
    connection = await asyncpg.connect(dsn)
    try:
        for statement in statements:
            with pytest.raises((asyncpg.InsufficientPrivilegeError, asyncpg.RestrictViolationError)):
                await connection.execute(statement)
    finally:
        await connection.close()


async def test_no_role_of_the_service_changes_what_is_sealed(database: Database) -> None:
    await Grown(database).grow(260)
    await refuses(database.connection.dsn, [*CHANGES, *DEFINITIONS])
    assert database.connection.owner_dsn
    await refuses(database.connection.owner_dsn, CHANGES)


async def test_a_superuser_in_replica_mode_meets_the_triggers_too(database: Database, superuser: str) -> None:
    await Grown(database).grow(1)
    connection = await asyncpg.connect(superuser)
    try:
        await connection.execute("SET session_replication_role = replica")
        with pytest.raises(asyncpg.RestrictViolationError):
            await connection.execute("UPDATE truth.record SET leaf = leaf")
        with pytest.raises(asyncpg.RestrictViolationError):
            await connection.execute(
                "INSERT INTO truth.checkpoint SELECT size + 1, root, note, signed_at FROM truth.checkpoint"
            )
    finally:
        await connection.close()
