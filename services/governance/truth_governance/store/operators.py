"""Registered operators."""

from datetime import datetime

from sqlalchemy import Select, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from truth_governance.domain.assignment import Operator
from truth_governance.tables import operator


async def find_operator(conn: AsyncConnection, subject: str | None) -> Operator | None:
    """One operator, active or not."""
    found = await _list(conn, _select().where(operator.c.subject == subject))
    return found[0] if found else None


async def list_operators(conn: AsyncConnection) -> list[Operator]:
    """All of them, by name."""
    return await _list(conn, _select().order_by(operator.c.name, operator.c.subject))


async def set_operator(tx: AsyncConnection, registered: Operator) -> None:
    """Register an operator, or change the name or whether they are active."""
    changed = {
        "name": registered.name,
        "is_active": registered.is_active,
        "changed_by": registered.changed_by,
        "changed_at": registered.changed_at,
    }
    row = insert(operator).values(subject=registered.subject, **changed)
    await tx.execute(row.on_conflict_do_update(index_elements=[operator.c.subject], set_=changed))


def _select() -> Select[str, str, bool, str, datetime]:
    c = operator.c
    return select(c.subject, c.name, c.is_active, c.changed_by, c.changed_at)


async def _list(conn: AsyncConnection, query: Select[str, str, bool, str, datetime]) -> list[Operator]:
    return [
        Operator(subject, name, is_active, changed_by, changed_at)
        for subject, name, is_active, changed_by, changed_at in await conn.execute(query)
    ]
