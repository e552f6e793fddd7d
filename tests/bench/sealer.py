"""The sealer beside bare inserts of the same rows: Records a second, and client CPU for each."""

import gc
import time
from collections.abc import Sequence
from dataclasses import dataclass

import asyncpg
from truth_contracts.envelope import Message
from truth_kit.fresh import utc_now
from truth_kit.outbox import pack_headers
from truth_records.domain.log import SealedDraft, seal
from truth_records.domain.telling import messages
from truth_records.pipeline import Pipeline
from truth_records.store import drafts
from truth_sealing.edge import Edge

from tests.bench.logs import Log

_RECORDS = """
    INSERT INTO truth.record (idx, record_id, subject, body, leaf)
    SELECT * FROM unnest($1::bigint[], $2::uuid[], $3::bytea[], $4::bytea[], $5::bytea[])
"""
_OUTBOX = """
    INSERT INTO truth.outbox (topic, key, value, headers)
    SELECT * FROM unnest($1::text[], $2::bytea[], $3::bytea[], $4::text[])
"""
_TAKE = "SELECT n, record_id, event_id, body, sha256 FROM truth.draft ORDER BY n LIMIT $1"
_DELETE = "DELETE FROM truth.draft WHERE n = ANY($1::bigint[])"


@dataclass(frozen=True, slots=True)
class Sealed:
    """One run over the whole queue."""

    per_second: float
    cpu_us: float
    """Of this process, a Record."""


@dataclass(frozen=True, slots=True)
class Rows:
    """What one batch leaves behind, as arrays ready to be bound."""

    records: tuple[list[object], ...]
    outbox: tuple[list[object], ...]


async def seal_queue(log: Log, records: int, batch: int) -> Sealed:
    """Seal all drafts exactly as the sealer's loop does: read, check, hash, prove, sign, write, delete."""
    reading = await asyncpg.connect(log.database.connection.dsn)
    clock = _Clock()
    pipeline = Pipeline(log.app, reading, log.key, log.edge, lambda _: None)
    while ready := await pipeline.list_ready(batch):
        await pipeline.seal([draft for draft in ready if draft.is_sound])
    await pipeline.written()
    log.edge = pipeline.edge
    sealed = clock.read(records)
    await reading.close()
    return sealed


async def insert_rows(log: Log, prepared: Sequence[Rows], records: int, *, from_drafts: int = 0) -> Sealed:
    """The floor: the Record and outbox rows that sealing the queue would make, made beforehand.

    One transaction of two inserts a batch, and nothing else: no hash, no proof, no signature, no draft read or
    deleted; unless `from_drafts`, a batch size: then each batch's drafts are read and deleted too.
    """
    clock = _Clock()
    for rows in prepared:
        async with log.app.transaction():
            taken = await log.app.fetch(_TAKE, from_drafts) if from_drafts else []
            await log.app.execute(_RECORDS, *rows.records)
            await log.app.execute(_OUTBOX, *rows.outbox)
            if taken:
                await log.app.execute(_DELETE, [row["n"] for row in taken])
    return clock.read(records)


async def prepare(log: Log, batch: int) -> list[Rows]:
    """Rows of the whole queue, batch by batch."""
    edge, now, prepared = Edge(), utc_now(), list[Rows]()
    queued = await drafts.list_ready(log.app, 1_000_000)
    for first in range(0, len(queued), batch):
        sealed = seal(edge, queued[first : first + batch], log.key)
        edge = sealed.edge
        prepared.append(Rows(_records(sealed.sealed), _outbox(messages(sealed, now))))
    return prepared


def _records(sealed: Sequence[SealedDraft]) -> tuple[list[object], ...]:
    return (
        [one.index for one in sealed],
        [one.draft.record_id for one in sealed],
        [one.draft.subject for one in sealed],
        [one.draft.body for one in sealed],
        [one.leaf for one in sealed],
    )


def _outbox(told: Sequence[Message]) -> tuple[list[object], ...]:
    return (
        [message.topic for message in told],
        [message.key for message in told],
        [message.value for message in told],
        [pack_headers(message.headers) for message in told],
    )


class _Clock:
    def __init__(self) -> None:
        gc.collect()  # what came before is not paid for here
        self.started, self.cpu_started = time.perf_counter(), time.process_time()

    def read(self, records: int) -> Sealed:
        seconds, cpu = time.perf_counter() - self.started, time.process_time() - self.cpu_started
        return Sealed(records / seconds, cpu / records * 1e6)
