"""Logs to measure: databases of their own, grown to a million entries within seconds, and drafts for the sealer."""

import asyncio
import hashlib
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import asyncpg
from sqlalchemy import make_url
from truth_kit.connections import DatabaseConnection
from truth_kit.database import Database
from truth_local.system import System
from truth_records.domain.log import LogKey, ReadyDraft
from truth_sealing.checkpoint import Checkpoint, sign_checkpoint
from truth_sealing.edge import Edge

from services.records.tests.builders import NOW
from services.records.tests.logs import new_key, ready

_GROW = """
    INSERT INTO truth.record (idx, record_id, subject, body, leaf)
    SELECT n, md5(n::text)::uuid, sha256(('entry ' || n)::bytea), n::text::bytea, sha256(n::text::bytea)
      FROM generate_series($1::bigint, $2::bigint - 1) AS n
"""
_GUARDED = ("record", "tile", "checkpoint")
_EMPTY = """
    TRUNCATE truth.record, truth.tile, truth.checkpoint, truth.outbox, truth.draft, truth.audit;
    TRUNCATE truth.completion CASCADE;
"""
_COMPLETIONS = ("record_id", "request_id", "service_event_id", "subject", "operator_id", "drafted_at")
_DRAFTS = ("record_id", "event_id", "body", "sha256")


@dataclass(slots=True)
class Log:
    """A log in a database of its own. `app` is the connection that seals, `superuser` prepares it."""

    database: Database
    app: asyncpg.Connection
    superuser: asyncpg.Connection
    key: LogKey = field(default_factory=new_key)
    edge: Edge = field(default_factory=Edge)


@asynccontextmanager
async def new_log(system: System, name: str) -> AsyncGenerator[Log]:
    """A copy of the migrated database of records, under another name, dropped at the end."""
    dsns = system.dsns["records"]
    await execute(dsns.superuser, f'CREATE DATABASE "{name}" TEMPLATE records OWNER records_owner')
    app, superuser = (
        make_url(dsn).set(database=name).render_as_string(hide_password=False)
        for dsn in (dsns.app, dsns.superuser)
    )
    database = Database(DatabaseConnection(dsn=app), "records")
    log = Log(database, await asyncpg.connect(app), await asyncpg.connect(superuser))
    try:
        yield log
    finally:
        await asyncio.gather(database.close(), log.app.close(), log.superuser.close())
        await execute(dsns.superuser, f'DROP DATABASE "{name}" WITH (FORCE)')


async def grow(log: Log, size: int) -> None:
    """Grow an empty log to `size` entries whose bodies are a number each: real rows, leaves, tiles and head."""
    appended = log.edge.append([hashlib.sha256(b"%d" % number).digest() for number in range(size)])
    log.edge = appended.edge
    await log.superuser.execute(_GROW, 0, size)
    tiles = [(tile.level, tile.n, tile.hashes, tile.root) for tile in appended.tiles]
    await log.superuser.copy_records_to_table(
        "tile", schema_name="truth", columns=("level", "n", "hashes", "root"), records=tiles
    )
    head = Checkpoint(log.key.origin, size, log.edge.root)
    note = sign_checkpoint(head, (log.key.signer, log.key.key_id))
    await log.superuser.execute(
        "INSERT INTO truth.checkpoint VALUES ($1, $2, $3, $4)", size, head.root, note, NOW
    )
    await log.superuser.execute("VACUUM (ANALYZE) truth.record, truth.tile")


async def empty(log: Log) -> None:
    """An empty log in the same database; its guards are off only meanwhile."""
    for table in _GUARDED:
        await log.superuser.execute(f"ALTER TABLE truth.{table} DISABLE TRIGGER refuse_change")
    await log.superuser.execute(_EMPTY)
    for table in _GUARDED:
        await log.superuser.execute(f"ALTER TABLE truth.{table} ENABLE ALWAYS TRIGGER refuse_change")
    log.edge = Edge()


async def queue(log: Log, numbers: Sequence[int]) -> None:
    """Drafts of 3.5 kB, whole and without evidence, ready to be sealed; then a checkpoint of PostgreSQL's own."""
    drafts: list[ReadyDraft] = [ready(number) for number in numbers]
    completions = [(d.record_id, d.request_id, d.event_id, d.subject, "olga", NOW) for d in drafts]
    rows = [(d.record_id, d.event_id, d.body, d.sha256) for d in drafts]
    await log.superuser.copy_records_to_table(
        "completion", schema_name="truth", columns=_COMPLETIONS, records=completions
    )
    await log.superuser.copy_records_to_table("draft", schema_name="truth", columns=_DRAFTS, records=rows)
    await log.superuser.execute("TRUNCATE truth.outbox")
    await log.superuser.execute("ANALYZE truth.completion, truth.draft")
    await log.superuser.execute("CHECKPOINT")


async def execute(dsn: str, statement: str) -> None:
    """One statement, on a connection of its own: nobody else may be in a database that is copied."""
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()
