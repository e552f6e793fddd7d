"""Readiness is progress: what must have moved lately, judged from facts, and how the facts are found."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import structlog
from sqlalchemy import text

from truth_kit import migrations
from truth_kit.connections import DATABASE_ERRORS
from truth_kit.database import Database
from truth_kit.lifecycle.parts import Part
from truth_kit.relay import Relay, RelayFacts
from truth_kit.subscribe import ConsumerFacts, Subscription
from truth_kit.telemetry import described

log = structlog.get_logger()

ANSWERED_SECONDS_MAX = 10.0
"""Since the database or the broker last answered, or a partition was last polled."""

COMMITTED_SECONDS_MAX = 60.0
"""Since offsets were last committed, while messages wait."""

OUTBOX_SECONDS_MAX = 30.0
"""Age of the oldest unpublished event."""

_PROBE_SECONDS_MAX = 3.0
_KEPT_SECONDS = 1.0

_OLDEST = text(
    "SELECT extract(epoch FROM clock_timestamp() - created_at)::float8 FROM truth.outbox ORDER BY id LIMIT 1"
)


@dataclass(frozen=True, slots=True)
class Failing:
    """A part that keeps the service from being ready, and why."""

    part: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What is known about a process. Ages in seconds; None means never."""

    database_seconds: float | None
    database_error: str | None = None
    schema: str | None = None  # why the database's revision does not fit
    outbox_seconds: float | None = None
    consumer: ConsumerFacts | None = None
    relay: RelayFacts | None = None
    crashed: Mapping[str, str] = field(default_factory=dict[str, str])
    is_stopping: bool = False


def judge(facts: Facts) -> list[Failing]:
    """What keeps the service from being ready; nothing, if it is. A consumer without partitions is ready."""
    failing = [Failing(part, f"crashed and is started again: {why}") for part, why in facts.crashed.items()]
    if facts.is_stopping:
        failing.append(Failing("process", "is stopping"))
    failing += _judge_database(facts)
    if facts.consumer is not None:
        failing += _judge_consumer(facts.consumer)
    if facts.relay is not None and facts.relay.waiting_for is not None:
        failing.append(Failing("relay", facts.relay.waiting_for))
    return failing


def _judge_database(facts: Facts) -> list[Failing]:
    age, why = facts.database_seconds, f" ({facts.database_error})" if facts.database_error else ""
    if age is None:
        return [Failing("database", f"has not answered yet{why}")]
    if age > ANSWERED_SECONDS_MAX:
        return [Failing("database", f"has not answered for {age:.0f} s{why}")]
    failing = [Failing("schema", facts.schema)] if facts.schema is not None else []
    if facts.outbox_seconds is not None and facts.outbox_seconds >= OUTBOX_SECONDS_MAX:
        failing.append(Failing("outbox", f"its oldest event has waited for {facts.outbox_seconds:.0f} s"))
    return failing


def _judge_consumer(facts: ConsumerFacts) -> list[Failing]:
    if facts.waiting_for is not None:
        return [Failing("consumer", facts.waiting_for)]
    if not facts.assigned:
        return []
    failing: list[Failing] = []
    for age, what in (
        (facts.polled_seconds, "has not polled"),
        (facts.fetched_seconds, "has heard no broker"),
    ):
        if age is None:
            failing.append(Failing("consumer", f"{what} yet"))
        elif age > ANSWERED_SECONDS_MAX:
            failing.append(Failing("consumer", f"{what} for {age:.0f} s"))
    stuck = facts.committed_seconds is None or facts.committed_seconds > COMMITTED_SECONDS_MAX
    if facts.behind and stuck:
        failing.append(
            Failing("consumer", f"{facts.behind} messages wait and no offset was committed lately")
        )
    return failing


@dataclass(frozen=True, slots=True)
class Report:
    """What /health/ready answers."""

    failing: Sequence[Failing]
    notes: Mapping[str, str]


class Readiness:
    """Finds the facts, asking the database at most once a second however many ask."""

    def __init__(self, database: Database, folder: Path) -> None:
        self._database, self._folder = database, folder
        self.subscription: Subscription | None = None
        self.relay: Relay | None = None
        self.parts: Sequence[Part] = ()
        self.notes: Mapping[str, str] = {}
        self.is_stopping = False
        self._asking = asyncio.Lock()
        self._asked_at: float | None = None
        self._answered_at: float | None = None
        self._error: str | None = None
        self._schema: str | None = "not looked at yet"
        self._outbox_seconds: float | None = None
        self._told: list[Failing] | None = None

    async def report(self) -> Report:
        """The judgement now. Logged whenever another set of parts fails than before."""
        async with self._asking:
            now = time.monotonic()
            if self._asked_at is None or now - self._asked_at > _KEPT_SECONDS:
                await self._ask()
                self._asked_at = time.monotonic()
        failing = judge(self._facts())
        self._tell(failing)
        return Report(failing, dict(self.notes))

    async def failing(self) -> Mapping[str, str]:
        """As `report`, part to reason; the first reason of each."""
        return {found.part: found.reason for found in reversed((await self.report()).failing)}

    def consumer_facts(self) -> ConsumerFacts | None:
        """How consuming goes; None for a service that does not."""
        return self.subscription.facts() if self.subscription else None

    def relay_facts(self) -> RelayFacts | None:
        """How publishing goes."""
        return self.relay.facts() if self.relay else None

    async def _ask(self) -> None:
        try:
            async with asyncio.timeout(_PROBE_SECONDS_MAX), self._database.connect() as conn:
                if (
                    self._schema is not None or self._error is not None
                ):  # once it fits, it fits until a restart
                    self._schema = await migrations.check(conn, self._folder)
                if self._schema is None:
                    self._outbox_seconds = (await conn.execute(_OLDEST)).scalar_one_or_none()
            self._answered_at, self._error = time.monotonic(), None
        except DATABASE_ERRORS as error:
            self._error = described(error)

    def _facts(self) -> Facts:
        answered_at = self._answered_at
        return Facts(
            database_seconds=None if answered_at is None else time.monotonic() - answered_at,
            database_error=self._error,
            schema=self._schema,
            outbox_seconds=self._outbox_seconds,
            consumer=self.consumer_facts(),
            relay=self.relay_facts(),
            crashed={part.name: part.crashed for part in self.parts if part.crashed is not None},
            is_stopping=self.is_stopping,
        )

    def _tell(self, failing: list[Failing]) -> None:
        parts = [found.part for found in failing]
        if self._told is not None and parts == [found.part for found in self._told]:
            return
        self._told = failing
        if failing:
            log.warning("readiness.lost", failing={found.part: found.reason for found in failing})
        else:
            log.info("readiness.gained")
