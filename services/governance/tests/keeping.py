"""Puts Tasks into a database, and shows what its constraints refuse."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection
from truth_governance.domain.task import Task
from truth_governance.store import tasks
from truth_kit.database import Database

from services.governance.tests.making import (
    assigned,
)


async def kept(tx: AsyncConnection, one: Task) -> None:
    """A Task with its whole log."""
    await tasks.insert_tasks(
        tx, [replace(one, decisions=one.decisions[:1], approved_by=None, operator_id=None)]
    )
    for n in range(1, len(one.decisions)):
        await tasks.set_moved(tx, [replace(one, decisions=one.decisions[: n + 1])])


async def kept_assigned(database: Database) -> Task:
    one = assigned()
    async with database.begin() as tx:
        await kept(tx, one)
    return one


async def refused_by(
    constraint: str, database: Database, act: Callable[[AsyncConnection], Awaitable[Any]]
) -> None:
    with pytest.raises(DBAPIError, match=constraint):
        async with database.begin() as tx:
            await act(tx)
