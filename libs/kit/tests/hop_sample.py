"""The smallest service there can be: jobs.changed in, a row of state, tasks.changed out; also as a process."""

import asyncio
import os
import signal
from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import structlog
from pydantic_settings import BaseSettings, SettingsConfigDict
from sqlalchemy import BigInteger, Column, Identity, Integer, Table, Text, select
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.schema import TypedColumns
from truth_contracts.envelope import Message, Received, to_kafka
from truth_contracts.ids import EventId, JobId, RequestId, TaskId, derived_id
from truth_contracts.jobs import JobChanged
from truth_contracts.refusals import Refusal
from truth_contracts.tasks import TaskChanged
from truth_contracts.topics import JOBS_CHANGED
from truth_kit import outbox
from truth_kit.columns import id_column, insert_arrays, new_metadata
from truth_kit.connections import DatabaseConnection, KafkaConnection
from truth_kit.database import Database
from truth_kit.dead_letters import DeadLetter
from truth_kit.relay import Relay
from truth_kit.subscribe import AnyRoute, Route, Subscription

MIGRATIONS = Path(__file__).parent / "migrations"
NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


class SeenColumns(TypedColumns):
    """What the sample service did, in the order in which it did it."""

    n: Column[int] = Column(BigInteger, Identity(always=True), primary_key=True)
    request_id: Column[UUID] = id_column(UUID)
    version: Column[int] = Column(Integer, nullable=False)
    event_id: Column[UUID] = id_column(UUID)


class ForbiddenColumns(TypedColumns):
    """States that the sample service refuses; a test changes them to make a redrive succeed."""

    state: Column[str] = Column(Text, primary_key=True)


_metadata = new_metadata()
seen = Table("seen", _metadata, SeenColumns)
forbidden = Table("forbidden", _metadata, ForbiddenColumns)
_INSERT_SEEN = insert_arrays(seen, "request_id", "version", "event_id")


def job_changed(**changes: Any) -> JobChanged:
    """A valid event with a new id."""
    members: dict[str, Any] = {
        "event_id": EventId(uuid4()),
        "at": NOW,
        "actor": "service:execution",
        "request_id": RequestId(uuid4()),
        "id": JobId(uuid4()),
        "version": 1,
        "state": "queued",
    }
    return JobChanged(**members | changes)


def task_changed(**changes: Any) -> TaskChanged:
    """A valid event with a new id."""
    members: dict[str, Any] = {
        "event_id": EventId(uuid4()),
        "at": NOW,
        "actor": "service:governance",
        "request_id": RequestId(uuid4()),
        "id": TaskId(uuid4()),
        "version": 1,
        "state": "approved",
        "message_to_requester": None,
    }
    return TaskChanged(**members | changes)


async def on_job_changed(
    tx: AsyncConnection, batch: Sequence[Received[JobChanged]], now: datetime
) -> list[DeadLetter]:
    """Note each event and answer it; refuse those in a forbidden state."""
    states = set((await tx.execute(select(forbidden.c.state))).scalars())
    good = [received for received in batch if received.event.state not in states]
    events = [received.event for received in good]
    if events:
        rows = {
            "request_id": [event.request_id for event in events],
            "version": [event.version for event in events],
            "event_id": [event.event_id for event in events],
        }
        await tx.execute(_INSERT_SEEN, rows)
    await outbox.add(tx, [_answer(received, now) for received in good])
    refusal = Refusal("move_forbidden", "Not in this state.")
    return [DeadLetter.of(received, refusal) for received in batch if received.event.state in states]


def _answer(received: Received[JobChanged], now: datetime) -> TaskChanged:
    event = received.event
    event_id = EventId(derived_id(received.source, received.event_id, "task_changed"))
    return task_changed(event_id=event_id, at=now, request_id=event.request_id, version=event.version)


ROUTES: tuple[AnyRoute, ...] = (Route(JOBS_CHANGED, on_job_changed),)


async def list_seen(database: Database) -> list[tuple[UUID, int]]:
    """Request id and version of all that was acted on, in order."""
    async with database.connect() as conn:
        rows = await conn.execute(select(seen.c.request_id, seen.c.version).order_by(seen.c.n))
        return [(request_id, version) for request_id, version in rows]


async def has_seen(database: Database, count: int) -> bool:
    """Whether so many events were acted on."""
    return len(await list_seen(database)) >= count


async def assert_acted_on_once_in_order(database: Database, events: Sequence[JobChanged]) -> None:
    """Each of these was acted on once, nothing else was, and in order per request."""
    done: dict[UUID, list[int]] = defaultdict(list)
    for request_id, version in await list_seen(database):
        done[request_id].append(version)
    asked: dict[UUID, list[int]] = defaultdict(list)
    for event in events:
        asked[event.request_id].append(event.version)
    assert done == asked


def events_of(keys: int, versions: int) -> list[JobChanged]:
    """So many versions of so many requests' Jobs, version by version."""
    ids = [uuid4() for _ in range(keys)]
    return [job_changed(request_id=key, version=version) for version in range(1, versions + 1) for key in ids]


def messages_of(events: Sequence[JobChanged]) -> list[Message]:
    """As they are published."""
    return [to_kafka(event) for event in events]


class Settings(BaseSettings):
    """The sample service as a process."""

    model_config = SettingsConfigDict(env_prefix="HOP_", env_nested_delimiter="_", env_nested_max_split=1)
    kafka: KafkaConnection
    database: DatabaseConnection
    replica: str | None = None
    die_at: str | None = None  # in_handler, after_commit
    die_after: int = 0  # batches


class DeadlyBell(asyncio.Event):
    """Rings after a commit and before the offsets are committed: kills the process at the n-th ring."""

    def __init__(self, rings: int) -> None:
        super().__init__()
        self._rings = rings

    def set(self) -> None:
        """Ring, or kill."""
        self._rings -= 1
        if self._rings < 0:
            os.kill(os.getpid(), signal.SIGKILL)
        super().set()


async def serve(settings: Settings) -> None:
    """Consume and publish until SIGTERM."""
    database = Database(settings.database, "governance")
    batches = 0

    async def on_job(
        tx: AsyncConnection, batch: Sequence[Received[JobChanged]], now: datetime
    ) -> list[DeadLetter]:
        nonlocal batches
        batches += 1
        refused = await on_job_changed(tx, batch, now)
        if settings.die_at == "in_handler" and batches > settings.die_after:
            os.kill(os.getpid(), signal.SIGKILL)
        return refused

    if settings.die_at == "after_commit":
        database.wake = DeadlyBell(settings.die_after)
    routes = (Route(JOBS_CHANGED, on_job),)
    subscription = Subscription("governance", routes, settings.kafka, database, replica=settings.replica)
    relay = Relay("governance", settings.kafka, database)
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, subscription.stop)
    relaying = asyncio.create_task(relay.run())
    await subscription.run()
    relay.stop()
    await relaying
    await database.close()


if __name__ == "__main__":
    structlog.configure(logger_factory=structlog.PrintLoggerFactory())
    asyncio.run(serve(Settings()))  # pyright: ignore[reportCallIssue] filled from the environment
