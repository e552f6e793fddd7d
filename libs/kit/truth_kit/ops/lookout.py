"""Looks at the database for ops: seldom, however many ask, and never on the path of a message."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog
from asyncpg.exceptions import InterfaceError as DriverError
from asyncpg.exceptions import PostgresError
from sqlalchemy.exc import SQLAlchemyError
from truth_contracts.ops import Judged, Waiting

from truth_kit.database import Database
from truth_kit.ops import asking
from truth_kit.ops.told import Ops
from truth_kit.telemetry import described

if TYPE_CHECKING:
    from truth_kit.lifecycle.parts import Runtime

log = structlog.get_logger()

JUDGE_SECONDS = 60.0
"""How often the invariants are counted when nobody asks."""

_KEPT_SECONDS = 2.0
_LOOK_SECONDS_MAX = 5.0
_AWAY = (SQLAlchemyError, PostgresError, DriverError, OSError)


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
        """Count the invariants now. Raises what the driver raises while the database is away."""
        async with self._database.connect() as conn:
            self.judged = await asking.judge(conn, self.ops.invariants)
        for judged in self.judged:
            if judged.violations:
                log.error("invariant.broken", rule=judged.rule, violations=judged.violations)
        return self.judged

    async def run(self, runtime: "Runtime") -> None:
        """Count the invariants once a minute, for /metrics."""
        while not runtime.stopping.is_set():
            try:
                await self.judge()
            except _AWAY as error:
                self.judged = ()
                log.warning("invariants.not_counted", error=described(error))
            await runtime.pause(JUDGE_SECONDS)

    async def _ask(self) -> Look | None:
        try:
            async with asyncio.timeout(_LOOK_SECONDS_MAX), self._database.connect() as conn:
                waiting = await asking.list_waiting(conn, self.ops)
                letters = await asking.count_open(conn)
                return Look(waiting, letters, await asking.count_redriven(conn))
        except _AWAY:
            return None
