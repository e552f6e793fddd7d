"""One service's PostgreSQL: transactions, and the outbox's bell."""

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from typing import Annotated, cast

from fastapi import Depends, Request
from sqlalchemy import event
from sqlalchemy.dialects.postgresql.asyncpg import AsyncAdapt_asyncpg_connection
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry

from truth_kit import outbox
from truth_kit.connections import DatabaseConnection, dial

_USED_AT = "truth_kit.database.used_at"
_UNCHECKED_SECONDS = 1.0
_SETTINGS = {
    "search_path": "truth",
    "statement_timeout": "20000",
    "lock_timeout": "5000",
    # Frees what a frozen replica holds: the next owner of its partitions waits for these rows.
    "idle_in_transaction_session_timeout": "30000",
}


class Database:
    """A pool of five connections as the app role, opened at first use.

    `wake` is set after every commit that put something into the outbox; the relay waits for it.
    """

    def __init__(self, connection: DatabaseConnection, service: str) -> None:
        self.connection = connection
        self.service = service
        self.wake = asyncio.Event()
        self.engine: AsyncEngine = create_async_engine(
            "postgresql+asyncpg://",
            async_creator=partial(dial, connection, f"truth-{service}", _SETTINGS, command_timeout=30),
            pool_size=5,
            max_overflow=0,
            pool_timeout=5,
            pool_recycle=1800,
        )
        event.listen(self.engine.sync_engine, "checkout", _ping_if_idle)
        event.listen(self.engine.sync_engine, "checkin", _note_use)

    @asynccontextmanager
    async def begin(self) -> AsyncGenerator[AsyncConnection]:
        """One transaction: durable when the block has ended, undone when it raised."""
        async with self.engine.connect() as tx:
            async with tx.begin():
                yield tx
            if outbox.was_used(tx):
                self.wake.set()

    def connect(self) -> AbstractAsyncContextManager[AsyncConnection]:
        """A connection for reading; what it wrote is undone at the end."""
        return self.engine.connect()

    async def close(self) -> None:
        """Close the pool. Running transactions end first only if their owners were stopped first."""
        await self.engine.dispose()


def _note_use(_: object, record: ConnectionPoolEntry) -> None:
    record.info[_USED_AT] = time.monotonic()


def _ping_if_idle(connection: DBAPIConnection, record: ConnectionPoolEntry, _: object) -> None:
    """What pool_pre_ping does, but not under load: its three round trips are half of a small transaction."""
    used_at = record.info.get(_USED_AT)
    if used_at is None or time.monotonic() - used_at < _UNCHECKED_SECONDS:
        return
    try:
        cast("AsyncAdapt_asyncpg_connection", connection).ping()
    except Exception as error:
        raise DisconnectionError from error  # the pool dials anew


async def _database_of(request: Request) -> Database:
    database: Database = request.app.state.database
    return database


DatabaseDependency = Annotated[Database, Depends(_database_of)]
"""The service's Database, as an argument of an api.py function."""
