"""The queue of Tasks: rows without their path or log, and how many there are in each state."""

from dataclasses import dataclass

from sqlalchemy import ColumnElement, func, select, true
from sqlalchemy.ext.asyncio import AsyncConnection
from truth_contracts.base import Instant
from truth_contracts.ids import RequestId, TaskId

from truth_governance.domain.task import TaskState
from truth_governance.tables import task


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which Tasks somebody looks for; None means whichever. `operator_id` narrows to what is theirs."""

    request_id: RequestId | None = None
    operator_id: str | None = None


@dataclass(frozen=True, slots=True)
class Queued:
    """A Task in the queue."""

    task_id: TaskId
    request_id: RequestId
    version: int
    state: TaskState
    surface: str
    maturity: str
    summary: str
    operator_id: str | None
    opened_at: Instant
    changed_at: Instant


async def list_queued(
    conn: AsyncConnection, wanted: Wanted, *, state: TaskState | None, after: TaskId | None, limit: int
) -> list[Queued]:
    """Oldest first, those opened after `after`."""
    c = task.c
    rows = await conn.execute(
        select(
            c.task_id,
            c.request_id,
            c.version,
            c.state,
            c.surface,
            c.maturity,
            c.summary,
            c.operator_id,
            c.opened_at,
            c.changed_at,
        )
        .where(_which(wanted))
        .where(true() if state is None else c.state == state.value)
        .where(true() if after is None else c.task_id > after)
        .order_by(c.task_id)
        .limit(limit)
    )
    found: list[Queued] = []
    for task_id, request_id, version, at, surface, maturity, summary, who, opened, changed in rows:
        found.append(
            Queued(
                task_id, request_id, version, TaskState(at), surface, maturity, summary, who, opened, changed
            )
        )
    return found


async def count_queued(conn: AsyncConnection, wanted: Wanted) -> dict[TaskState, int]:
    """How many Tasks there are in every state."""
    c = task.c
    rows = await conn.execute(select(c.state, func.count()).where(_which(wanted)).group_by(c.state))
    found = {TaskState(state): number for state, number in rows}
    return {state: found.get(state, 0) for state in TaskState}


def _which(wanted: Wanted) -> ColumnElement[bool]:
    chosen: ColumnElement[bool] = true()
    if wanted.request_id is not None:
        chosen &= task.c.request_id == wanted.request_id
    if wanted.operator_id is not None:
        chosen &= task.c.operator_id == wanted.operator_id
    return chosen
