"""Runs tasks of the service as its lifecycle would, and waits for what they do."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime

import asyncpg
from truth_kit.database import Database
from truth_kit.lifecycle import Runtime
from truth_records.domain.record import Draft
from truth_records.store import drafts as store

from services.records.tests.builders import NOW

_DEADLINE_SECONDS = 30


class Running:
    """Tasks that a test started, each as if in a replica of its own."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._started: list[tuple[Runtime, asyncio.Future[None]]] = []

    def start(self, task: Callable[[Runtime], Awaitable[None]]) -> "tuple[Runtime, asyncio.Future[None]]":
        """Run a task until the test or `stop` ends it."""
        runtime = Runtime(self._database, asyncio.Event())
        started = (runtime, asyncio.ensure_future(task(runtime)))
        self._started.append(started)
        return started

    async def stop(self) -> None:
        """End all tasks as a drain does."""
        for runtime, _ in self._started:
            runtime.stopping.set()
        await asyncio.gather(*(task for _, task in self._started), return_exceptions=True)
        self._started.clear()


async def until(condition: Callable[[], Awaitable[bool]], what: str) -> None:
    """Wait until `condition` holds; fails after 30 s, naming `what`."""
    deadline = time.monotonic() + _DEADLINE_SECONDS
    while not await condition():
        assert time.monotonic() < deadline, f"no {what} within {_DEADLINE_SECONDS} s"
        await asyncio.sleep(0.01)


async def insert(database: Database, drafts: Sequence[Draft], now: datetime = NOW) -> None:
    """Write drafts as the consumer does."""
    async with database.begin() as tx:
        await store.insert_drafts(tx, drafts, now)


async def fetch(database: Database, query: str, *arguments: object) -> list[asyncpg.Record]:
    """Rows of a query, on a connection of its own, as the app role."""
    connection = await asyncpg.connect(database.connection.dsn)
    try:
        return await connection.fetch(query, *arguments)
    finally:
        await connection.close()


async def count(database: Database, table: str) -> int:
    """Rows of a table."""
    return (await fetch(database, f"SELECT count(*) FROM truth.{table}"))[0][0]  # noqa: S608 a test's own word
