"""One service's PostgreSQL: transactions, and the outbox's bell."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from typing import Annotated

import asyncpg
from fastapi import Depends, Request
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from truth_kit import outbox
from truth_kit.connections import DatabaseConnection, read_secret

RELAY_LOCK = 7001
"""Session advisory lock of the one relay that publishes from a database."""
MIGRATION_LOCK = 7002
"""Transaction advisory lock of whoever migrates a database."""

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
            pool_pre_ping=True,
            pool_recycle=1800,
        )

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[AsyncConnection]:
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


async def dial(
    connection: DatabaseConnection, name: str, settings: dict[str, str], *, command_timeout: float
) -> asyncpg.Connection:
    """A connection of its own, as the app role. The password file is read anew each time.

    Raises OSError, TimeoutError or asyncpg.PostgresError while PostgreSQL is away.
    """
    password_file = connection.password_file
    return await asyncpg.connect(
        connection.dsn,
        password=read_secret(password_file) if password_file else None,
        timeout=5,
        command_timeout=command_timeout,
        server_settings={"application_name": name, **settings},
    )


def _database_of(request: Request) -> Database:
    database: Database = request.app.state.database
    return database


DatabaseDependency = Annotated[Database, Depends(_database_of)]
"""The service's Database, as an argument of an api.py function."""
