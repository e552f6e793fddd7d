"""Batch after batch into the log: while PostgreSQL writes one, the next is read, hashed, proved and signed.

One is written at a time, and the next is sent only once that is durable, for it stands on the edge that the
one before left. A failure loses both: no Record can be there whose predecessor is not. Hashing has a thread,
so that the event loop goes on sending what PostgreSQL takes, and answering.
"""

import asyncio
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

import asyncpg
from truth_contracts.envelope import Message
from truth_kit.fresh import utc_now
from truth_sealing.edge import Edge

from truth_records.domain.log import Batch, LogKey, ReadyDraft, seal
from truth_records.domain.telling import messages
from truth_records.store import drafts
from truth_records.store import log as store


@dataclass(slots=True)
class Pipeline:
    """A log that grows. After any exception it is worthless: what the database has is to be restored."""

    sealing: asyncpg.Connection  # holds the lock, and alone writes
    reading: asyncpg.Connection
    key: LogKey
    edge: Edge  # after the batch that is being written
    sealed: Callable[[Batch], None]  # told of each batch as soon as it is durable
    _writing: "asyncio.Future[None] | None" = None
    _taken: Sequence[int] = ()  # places of the drafts that are being written

    async def list_ready(self, limit: int, but: Collection[int] = ()) -> list[ReadyDraft]:
        """Drafts ready to be sealed and not being written, in their order, without those at the places `but`.

        While nothing is written, the session that holds the lock asks: so at rest it does not time out, and
        an owner that has lost it hears of that now, not when there is something to seal.
        """
        asking = self.reading if self._writing else self.sealing
        return await drafts.list_ready(asking, limit, [*self._taken, *but])

    async def seal(self, sound: Sequence[ReadyDraft]) -> None:
        """Seal a batch (at least one draft), and begin to write it once the one before is durable."""
        now = utc_now()
        batch, told = await asyncio.to_thread(_sealed, self.edge, sound, self.key, now)
        await self.written()
        self._taken = [draft.n for draft in sound]
        self._writing = asyncio.ensure_future(self._write(batch, told, now))
        self.edge = batch.edge

    async def written(self) -> None:
        """Return when everything given to `seal` is durable, or raise what kept it from that."""
        if self._writing:
            await self._writing
        self._writing, self._taken = None, ()

    async def drop(self) -> None:
        """Let go of a batch whose end nobody waits for any more; whether it is durable is not known."""
        if self._writing:
            self._writing.cancel()
            await asyncio.gather(self._writing, return_exceptions=True)

    async def _write(self, batch: Batch, told: Sequence[Message], now: datetime) -> None:
        await store.seal(self.sealing, batch, told, now)
        self.sealed(batch)


def _sealed(
    edge: Edge, sound: Sequence[ReadyDraft], key: LogKey, now: datetime
) -> tuple[Batch, list[Message]]:
    batch = seal(edge, sound, key)
    return batch, messages(batch, now)
