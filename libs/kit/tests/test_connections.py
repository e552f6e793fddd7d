"""A backend that is terminated is an outage and no bug, at whatever moment the driver is asked next."""

import asyncio
from threading import Thread

import pytest
from asyncpg.exceptions import InternalClientError
from sqlalchemy import text
from truth_kit.connections import DATABASE_ERRORS, dial
from truth_kit.database import Database
from truth_kit.problems import database_is_away

_TURNS = 6
"""Of the event loop: in them the driver reads the server's last word, then the end of the connection."""


async def test_a_terminated_backend_is_an_outage_for_the_driver(database: Database) -> None:
    seen: set[type[Exception]] = set()
    for turns in range(_TURNS):
        connection = await dial(database.connection, "test", {}, command_timeout=10)
        await _terminate(database, connection.get_server_pid(), turns)
        with pytest.raises(DATABASE_ERRORS) as told:
            await connection.execute("SELECT 1")
        assert database_is_away(told.value)
        seen.add(told.type)
        connection.terminate()
    assert InternalClientError in seen, "no turn met the moment between the last word and the end"


async def test_a_terminated_backend_is_an_outage_through_sqlalchemy(database: Database) -> None:
    causes: set[str] = set()
    for turns in range(_TURNS):
        async with database.connect() as conn:
            pid = (await conn.execute(text("SELECT pg_backend_pid()"))).scalar_one()
            await _terminate(database, pid, turns)
            with pytest.raises(DATABASE_ERRORS) as told:
                await conn.execute(text("SELECT 1"))
            assert database_is_away(told.value)
            causes.add(type(getattr(told.value, "orig", None)).__name__)
    assert InternalClientError.__name__ in causes, causes


async def _terminate(database: Database, pid: int, turns: int) -> None:
    """Terminate a backend while this event loop stands still, then let it take so many turns."""
    ending = Thread(target=asyncio.run, args=(_end(database, pid),))
    ending.start()
    ending.join()
    for _ in range(turns):
        await asyncio.sleep(0)


async def _end(database: Database, pid: int) -> None:
    connection = await dial(database.connection, "test", {}, command_timeout=10)
    assert await connection.fetchval("SELECT pg_terminate_backend($1, 5000)", pid)
    await connection.close()
