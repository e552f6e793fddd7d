"""Tasks with their decision logs: locked for a decision, written after it."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import TypeVar

from pydantic_core import from_json, to_json
from sqlalchemy import ARRAY, Column, ColumnElement, Uuid, any_, bindparam, literal, select, update
from sqlalchemy.ext.asyncio import AsyncConnection
from truth_contracts.ids import RequestId, TaskId
from truth_kit.columns import insert_arrays
from truth_sealing.steps import History

from truth_governance.domain.task import Decision, Task, TaskState
from truth_governance.tables import decision, task

IdT = TypeVar("IdT")

_INSERT_TASKS = insert_arrays(task)
_INSERT_DECISIONS = insert_arrays(decision)
_MOVED = ("state", "version", "approved_by", "operator_id", "history", "changed_at")
_SET_MOVED = (
    update(task).where(task.c.task_id == bindparam("of")).values({name: bindparam(name) for name in _MOVED})
)
_TASKS = select(
    task.c.task_id,
    task.c.request_id,
    task.c.surface,
    task.c.maturity,
    task.c.summary,
    task.c.requested_by,
    task.c.requested_for,
    task.c.approved_by,
    task.c.operator_id,
    task.c.history,
)
_DECISIONS = select(
    decision.c.task_id,
    decision.c.decision_id,
    decision.c.version,
    decision.c.command,
    decision.c.state,
    decision.c.actor,
    decision.c.actor_name,
    decision.c.at,
    decision.c.content,
).order_by(decision.c.task_id, decision.c.version)


async def lock_task(tx: AsyncConnection, task_id: TaskId) -> Task | None:
    """The Task, locked until the transaction ends; None if there is none."""
    found = await _list_tasks(tx, task.c.task_id == task_id, is_locked=True)
    return found[0] if found else None


async def lock_tasks_of(tx: AsyncConnection, request_ids: Collection[RequestId]) -> dict[RequestId, Task]:
    """The Tasks of these requests, locked until the transaction ends."""
    found = await _list_tasks(tx, _among(task.c.request_id, request_ids), is_locked=True)
    return {one.request_id: one for one in found}


async def find_task(conn: AsyncConnection, task_id: TaskId) -> Task | None:
    """The Task as it is, for showing."""
    found = await _list_tasks(conn, task.c.task_id == task_id, is_locked=False)
    return found[0] if found else None


async def list_task_ids(conn: AsyncConnection, request_ids: Collection[RequestId]) -> dict[RequestId, TaskId]:
    """The Task of each of these requests that has one."""
    c = task.c
    rows = await conn.execute(select(c.request_id, c.task_id).where(_among(c.request_id, request_ids)))
    return {request_id: task_id for request_id, task_id in rows}


async def insert_tasks(tx: AsyncConnection, opened: Sequence[Task]) -> None:
    """New Tasks with what is in their logs."""
    if not opened:
        return
    rows = [_row(one) for one in opened]
    await tx.execute(_INSERT_TASKS, {name: [row[name] for row in rows] for name in rows[0]})
    await _insert_decisions(tx, [(one.task_id, one.last) for one in opened])


async def set_moved(tx: AsyncConnection, moved: Sequence[Task]) -> None:
    """What the last decision of each of these locked Tasks made of it, and the decision itself."""
    if not moved:
        return
    rows = [_row(one) for one in moved]
    await tx.execute(_SET_MOVED, [{"of": row["task_id"], **{n: row[n] for n in _MOVED}} for row in rows])
    await _insert_decisions(tx, [(one.task_id, one.last) for one in moved])


async def _insert_decisions(tx: AsyncConnection, made: Sequence[tuple[TaskId, Decision]]) -> None:
    rows = {
        "decision_id": [entry.decision_id for _, entry in made],
        "task_id": [task_id for task_id, _ in made],
        "version": [entry.version for _, entry in made],
        "command": [entry.command for _, entry in made],
        "state": [entry.state.value for _, entry in made],
        "actor": [entry.actor for _, entry in made],
        "actor_name": [entry.actor_name for _, entry in made],
        "at": [entry.at for _, entry in made],
        "content": [entry.content for _, entry in made],
    }
    await tx.execute(_INSERT_DECISIONS, rows)


async def _list_tasks(conn: AsyncConnection, which: ColumnElement[bool], *, is_locked: bool) -> list[Task]:
    query = _TASKS.where(which)
    if is_locked:
        query = query.order_by(task.c.task_id).with_for_update()  # one order for all: no deadlock
    rows = (await conn.execute(query)).all()
    logs = await _list_decisions(conn, [task_id for task_id, *_ in rows])
    return [
        Task(
            task_id,
            request_id,
            surface,
            maturity,
            summary,
            requested_by,
            requested_for,
            approved_by,
            operator_id,
            unpack(history),
            tuple(logs[task_id]),
        )
        for (
            task_id,
            request_id,
            surface,
            maturity,
            summary,
            requested_by,
            requested_for,
            approved_by,
            operator_id,
            history,
        ) in rows
    ]


async def _list_decisions(
    conn: AsyncConnection, task_ids: Collection[TaskId]
) -> defaultdict[TaskId, list[Decision]]:
    logs: defaultdict[TaskId, list[Decision]] = defaultdict(list)
    rows = await conn.execute(_DECISIONS.where(_among(decision.c.task_id, task_ids)))
    for task_id, decision_id, version, command, state, actor, actor_name, at, content in rows:
        entry = Decision(decision_id, version, command, TaskState(state), actor, actor_name, at, content)
        logs[task_id].append(entry)
    return logs


def _among(column: Column[IdT], ids: Collection[IdT]) -> ColumnElement[bool]:
    # One array and not a list of parameters: the statement stays the same for any number.
    return column == any_(literal(list(ids), ARRAY(Uuid)))


def _row(one: Task) -> dict[str, str | int | datetime | TaskId | RequestId | None]:
    return {
        "task_id": one.task_id,
        "request_id": one.request_id,
        "state": one.state.value,
        "version": one.version,
        "surface": one.surface,
        "maturity": one.maturity,
        "summary": one.summary,
        "requested_by": one.requested_by,
        "requested_for": one.requested_for,
        "approved_by": one.approved_by,
        "operator_id": one.operator_id,
        "history": pack(one.history),
        "opened_at": one.decisions[0].at,
        "changed_at": one.last.at,
    }


def pack(history: History) -> str:
    """A path as one text: the canonical texts inside it come back to the byte."""
    return to_json({"steps": history.steps, "chain": history.chain}).decode()


def unpack(packed: str) -> History:
    """The path that `pack` was given."""
    members = from_json(packed)
    return History(tuple(members["steps"]), tuple(members["chain"]))
