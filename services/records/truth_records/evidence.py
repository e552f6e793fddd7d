"""The claim check: evidence bytes, by digest, from execution's store into our own."""

import time
from dataclasses import dataclass, field

import structlog
from truth_contracts.refusals import Refusal
from truth_kit.blobs import Blobs
from truth_kit.connections import DATABASE_ERRORS
from truth_kit.fresh import utc_now
from truth_kit.lifecycle import Runtime
from truth_kit.telemetry import described

from truth_records.bell import Bell
from truth_records.store import drafts as store
from truth_records.store.drafts import Lacking

log = structlog.get_logger()

NOTE = "evidence"
_LOOK_SECONDS = 1.0
_AT_ONCE = 100
_BACK_OFF_SECONDS_MAX = 60.0


@dataclass(slots=True)
class Waiting:
    """Bytes that could not be copied: why, how often, and when to try again (monotonic seconds)."""

    reason: str
    attempts: int
    again_at: float


@dataclass(slots=True)
class Copier:
    """Copies what drafts lack. `waiting` is what GET /api/ops/log and readiness tell."""

    source: Blobs
    own: Blobs
    drafted: Bell
    copied: Bell
    waiting: dict[str, Waiting] = field(default_factory=dict[str, Waiting])

    async def run(self, runtime: Runtime) -> None:
        """Copy until told to stop. What cannot be copied is tried again, from 1 to 60 s apart."""
        await self.own.sweep()
        while not runtime.stopping.is_set():
            try:
                is_more = await self._copy_some(runtime)
                self._tell(runtime)
            except DATABASE_ERRORS as error:
                is_more, runtime.notes[NOTE] = False, f"waits: {described(error)}"
                log.warning("evidence.waiting", error=described(error))
            if not is_more:
                await self._wait(runtime)

    async def _copy_some(self, runtime: Runtime) -> bool:
        later = [sha256 for sha256, waits in self.waiting.items() if waits.again_at > time.monotonic()]
        async with runtime.database.connect() as conn:
            lacking = await store.list_lacking(conn, later, _AT_ONCE)
        self._forget({piece.sha256 for piece in lacking}.union(later))
        for piece in lacking:
            if runtime.stopping.is_set():
                break
            reason = await self._copy(runtime, piece)
            if reason is None:
                self.waiting.pop(piece.sha256, None)
            else:
                self._postpone(piece, reason)
        if lacking:
            self.copied.ring()
        return len(lacking) == _AT_ONCE

    async def _copy(self, runtime: Runtime, piece: Lacking) -> str | None:
        """None when the bytes are in our store; else why not."""
        if piece.copied is not None:
            return f"has {piece.copied} bytes, and the completion tells {piece.bytes}"
        try:
            kept = await self.own.put(self.source.open(piece.sha256), piece.sha256, piece.bytes)
            size = await self.own.size(piece.sha256)
        except FileNotFoundError:
            return "is not in execution's store"
        except OSError as error:  # perhaps this piece's alone: the others are tried
            return f"cannot be copied: {described(error)}"
        if isinstance(kept, Refusal):
            return f"is not what the completion tells: {kept.detail}"
        if size is None:
            return "vanished from our own store"
        async with runtime.database.begin() as tx:
            await store.insert_copy(tx, piece.sha256, size, utc_now())
        return None if size == piece.bytes else f"has {size} bytes, and the completion tells {piece.bytes}"

    def _forget(self, still: set[str]) -> None:
        """Drop what nobody waits for any more: another replica copied it."""
        for sha256 in self.waiting.keys() - still:
            del self.waiting[sha256]

    def _postpone(self, piece: Lacking, reason: str) -> None:
        before = self.waiting.get(piece.sha256)
        attempts = before.attempts + 1 if before else 1
        seconds = min(2.0 ** (attempts - 1), _BACK_OFF_SECONDS_MAX)
        self.waiting[piece.sha256] = Waiting(reason, attempts, time.monotonic() + seconds)
        if before is None or before.reason != reason:
            log.warning("evidence.lacking", sha256=piece.sha256, reason=reason, attempts=attempts)

    def _tell(self, runtime: Runtime) -> None:
        if not self.waiting:
            runtime.notes.pop(NOTE, None)
            return
        sha256, first = next(iter(self.waiting.items()))
        runtime.notes[NOTE] = (
            f"drafts wait for {len(self.waiting)} pieces of evidence; {sha256[:12]}… {first.reason}"
        )

    async def _wait(self, runtime: Runtime) -> None:
        due = min((waits.again_at for waits in self.waiting.values()), default=float("inf"))
        seconds = max(0.0, min(_LOOK_SECONDS, due - time.monotonic()))
        await self.drafted.wait(runtime.stopping, seconds)
