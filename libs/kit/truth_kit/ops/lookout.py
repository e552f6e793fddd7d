"""Looks at the database for ops: seldom, however many ask, and never on the path of a message."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog
from truth_contracts.ops import Judged, Waiting

from truth_kit.connections import DATABASE_ERRORS, dial
from truth_kit.database import Database
from truth_kit.ops import asking
from truth_kit.ops.told import Ops
from truth_kit.telemetry import described

if TYPE_CHECKING:
    from truth_kit.lifecycle.parts import Runtime

log = structlog.get_logger()

JUDGE_SECONDS = 60.0
"""How often the invariants are counted when nobody asks, unless that itself takes long."""

RESTING = 20
"""Times as long as counting took until it is done again: it grows with all that ever was."""

_COUNT_SECONDS_MAX = 120
_SETTINGS = {"search_path": "truth", "statement_timeout": f"{_COUNT_SECONDS_MAX}s"}
_KEPT_SECONDS = 2.0
_LOOK_SECONDS_MAX = 5.0


@dataclass(frozen=True, slots=True)
class Look:
    """What the database told."""

    waiting: Sequence[Waiting]
    dead_letters: Mapping[str, int]
    redriven: int


class Lookout:
    """One a process. What is not known is None, never 0."""

    def __init__(self, database: Database, ops: Ops) -> None:
        self._database, self.ops = database, ops
        self.judged: Sequence[Judged] = ()  # as last counted
        self._looking = asyncio.Lock()
        self._looked_at: float | None = None
        self._look: Look | None = None

    async def look(self) -> Look | None:
        """At most two seconds old; None while the database does not answer."""
        async with self._looking:
            if self._looked_at is None or time.monotonic() - self._looked_at > _KEPT_SECONDS:
                self._look = await self._ask()
                self._looked_at = time.monotonic()
        return self._look

    async def judge(self) -> Sequence[Judged]:
        """Count the invariants now, beside the pool. Raises as the driver while the database is away."""
        name = f"truth-{self._database.service}-invariants"
        seconds = _COUNT_SECONDS_MAX + 1
        counting = await dial(self._database.connection, name, _SETTINGS, command_timeout=seconds)
        try:
            self.judged = await asking.judge(counting, self.ops.invariants)
        finally:
            counting.terminate()
        for judged in self.judged:
            if judged.violations:
                log.error("invariant.broken", rule=judged.rule, violations=judged.violations)
        return self.judged

    async def run(self, runtime: "Runtime") -> None:
        """Count the invariants once a minute or more seldom, for /metrics."""
        while not runtime.stopping.is_set():
            try:
                await self.judge()
            except DATABASE_ERRORS as error:
                self.judged = ()
                log.warning("invariants.not_counted", error=described(error))
            took = sum(judged.seconds for judged in self.judged)
            await runtime.pause(max(JUDGE_SECONDS, RESTING * took))

    async def _ask(self) -> Look | None:
        try:
            async with asyncio.timeout(_LOOK_SECONDS_MAX), self._database.connect() as conn:
                waiting = await asking.list_waiting(conn, self.ops)
                letters = await asking.count_open(conn)
                return Look(waiting, letters, await asking.count_redriven(conn))
        except DATABASE_ERRORS:
            return None
