"""The sealer: one owner a log, batch after batch, each in one statement. A task beside the consumer.

Ownership is a session lock held by the connection that also seals: no lock, no seal. Other replicas stand by.
An owner that freezes loses its session after 5 s, and with it the lock.
"""

import asyncio
import time
from collections.abc import Awaitable
from dataclasses import dataclass, field
from typing import TypeVar

import asyncpg
import structlog
from aiokafka.errors import KafkaError
from truth_contracts.ids import RecordId
from truth_kit.connections import DATABASE_ERRORS, KafkaConnection, dial
from truth_kit.lifecycle import Runtime
from truth_kit.telemetry import described
from truth_sealing.edge import Edge

from truth_records.bell import Bell
from truth_records.domain.log import Batch, LogKey, LogStoppedError, check_outside, newest, restore
from truth_records.outside import read_checkpoints
from truth_records.pipeline import Pipeline
from truth_records.store import log as store

log = structlog.get_logger()

SEALER_LOCK = 7003
"""Session advisory lock of the one sealer of a database."""

BATCH_MAX = 500
BATCH_SECONDS = 0.05
"""Between two checkpoints, unless batches are full. The first draft after a pause is sealed at once."""

FROZEN_SECONDS = 5
"""After so long without a word PostgreSQL ends the session that holds the lock, and another may seal."""

NOTE = "sealer"
_LOOK_SECONDS = 0.2
_STANDBY_SECONDS = 1.0
_AGAIN_SECONDS = 10.0
"""Between two looks at drafts that are not what they were when written: somebody may have mended them."""
_BACK_OFF_SECONDS_MAX = 5.0
_SETTINGS = {
    "search_path": "truth",
    "statement_timeout": "20000",
    "lock_timeout": "5000",
    "idle_in_transaction_session_timeout": "5000",
}
_T = TypeVar("_T")


@dataclass(slots=True)
class Sealer:
    """Grows the log. The edge lives only as long as one ownership: any exception drops it."""

    key: LogKey
    kafka: KafkaConnection
    drafted: Bell
    sealed: int = 0  # Records, since this process started
    failures: int = 0  # in a row
    doing: str = "starts"
    changed: set[RecordId] = field(default_factory=set[RecordId])  # drafts that are refused

    async def run(self, runtime: Runtime) -> None:
        """Seal until told to stop. PostgreSQL and Kafka may be away.

        LogStoppedError leaves it, and keeps the service from being ready: somebody must act.
        """
        while not runtime.stopping.is_set():
            try:
                await self._own_and_seal(runtime)
            except (*DATABASE_ERRORS, KafkaError) as error:
                self.failures += 1
                self._tell(runtime, f"waits: {described(error)}")
                log.warning("sealer.waiting", error=described(error), failures=self.failures)
                await runtime.pause(min(0.1 * 2 ** min(self.failures, 10), _BACK_OFF_SECONDS_MAX))

    async def _own_and_seal(self, runtime: Runtime) -> None:
        connection = await self._dial(runtime, FROZEN_SECONDS)
        try:
            if await self._own(connection, runtime):
                edge = await self._restore(connection, runtime)
                log.info("sealer.owned", size=edge.size)
                self._tell(runtime, f"seals {self.key.origin}")
                await self._seal(connection, edge, runtime)
        finally:
            connection.terminate()

    async def _dial(self, runtime: Runtime, idle_seconds: float = 0) -> asyncpg.Connection:
        settings = _SETTINGS | {"idle_session_timeout": str(int(1000 * idle_seconds))}  # 0: never
        return await dial(runtime.database.connection, "truth-records-sealer", settings, command_timeout=30)

    async def _own(self, connection: asyncpg.Connection, runtime: Runtime) -> bool:
        """Wait until the lock is ours; False if told to stop first."""
        while not await connection.fetchval("SELECT pg_try_advisory_lock($1)", SEALER_LOCK):
            self.failures = 0
            self._tell(runtime, "stands by: another replica seals")
            await runtime.pause(_STANDBY_SECONDS)
            if runtime.stopping.is_set():
                return False
        return True

    async def _restore(self, connection: asyncpg.Connection, runtime: Runtime) -> Edge:
        """The edge, compared with its own checkpoint and with what was published. Raises LogStoppedError."""
        try:
            edge = restore(await store.read_edge(connection), self.key)
            self._tell(runtime, "reads the checkpoints that were published")
            outside = newest(await _while_owning(connection, read_checkpoints(self.kafka)), self.key)
            root = await store.find_root(connection, outside.size) if outside else None
            check_outside(outside, edge.size, root)
        except LogStoppedError as stopped:
            self._tell(runtime, f"is stopped: {stopped}")
            raise
        return edge

    async def _seal(self, connection: asyncpg.Connection, edge: Edge, runtime: Runtime) -> None:
        reading = await self._dial(runtime)
        pipeline = Pipeline(connection, reading, self.key, edge, lambda batch: self._sealed(batch, runtime))
        refused: dict[int, RecordId] = {}  # by place; passed by, so that they never fill a batch
        again_at = 0.0
        try:
            while not runtime.stopping.is_set():
                started = time.monotonic()
                ready = await pipeline.list_ready(BATCH_MAX, refused)
                sound = [draft for draft in ready if draft.is_sound]
                refused |= {draft.n: draft.record_id for draft in ready if not draft.is_sound}
                were_all = len(ready) < BATCH_MAX
                self._refuse(set(refused.values()), runtime, were_all=were_all)
                if were_all and started > again_at:
                    refused, again_at = {}, started + _AGAIN_SECONDS
                if sound:
                    await pipeline.seal(sound)
                if were_all:
                    await pipeline.written()
                    await self._wait(runtime, started if sound else None)
            await pipeline.written()
        finally:
            await pipeline.drop()
            reading.terminate()

    def _tell(self, runtime: Runtime, doing: str) -> None:
        self.doing = runtime.notes[NOTE] = doing

    def _sealed(self, batch: Batch, runtime: Runtime) -> None:
        runtime.database.wake.set()  # the relay's
        self.sealed, self.failures = self.sealed + len(batch.sealed), 0
        log.info("batch.sealed", records=len(batch.sealed), size=batch.edge.size)

    async def _wait(self, runtime: Runtime, sealed_at: float | None) -> None:
        if sealed_at is not None:
            await runtime.pause(max(0.0, sealed_at + BATCH_SECONDS - time.monotonic()))
        else:
            await self.drafted.wait(runtime.stopping, _LOOK_SECONDS)

    def _refuse(self, changed: set[RecordId], runtime: Runtime, *, were_all: bool) -> None:
        for record_id in changed - self.changed:
            log.error("draft.changed", record_id=str(record_id))
        self.changed = changed if were_all else self.changed | changed
        if self.changed:
            runtime.notes["drafts"] = (
                f"{len(self.changed)} are not what they were when written, and are not sealed"
            )
        else:
            runtime.notes.pop("drafts", None)


async def _while_owning(connection: asyncpg.Connection, work: Awaitable[_T]) -> _T:
    """Await `work` while asking every second, which keeps the lock's session alive and proves it is ours."""
    working = asyncio.ensure_future(work)
    try:
        while not (await asyncio.wait({working}, timeout=1))[0]:
            await connection.execute("SELECT 1")
        return working.result()
    finally:
        working.cancel()
