"""Tasks by HTTP, for reading: the queue, and one Task with its request and its decision log."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel
from sqlalchemy.ext.asyncio import AsyncConnection
from truth_contracts.ids import RequestId, TaskId
from truth_contracts.refusals import Refusal
from truth_kit.auth import Actor, require
from truth_kit.database import DatabaseDependency
from truth_kit.problems import Refused

from truth_governance.api.shown import Beside, TaskShown, shown
from truth_governance.domain.task import Task, TaskState
from truth_governance.store import jobs, queue, tasks, watched

router = APIRouter(prefix="/api/tasks", tags=["tasks"])

Reader = Annotated[Actor, Depends(require("admin", "operator", "auditor", "ops"))]


class Sought(BaseModel):
    """What somebody looks for in the queue. `after` is the last Task of the page before."""

    state: TaskState | None = None
    request_id: RequestId | None = None
    after: TaskId | None = None
    limit: Annotated[int, Query(ge=1, le=500)] = 100


class Queue(BaseModel):
    """Tasks, oldest first, and how many there are in every state."""

    tasks: list[queue.Queued]
    counts: dict[TaskState, int]


@router.get("")
async def list_tasks(
    sought: Annotated[Sought, Query()], reader: Reader, database: DatabaseDependency
) -> Queue:
    """The queue; an operator sees what is assigned to them."""
    wanted = queue.Wanted(sought.request_id, None if _sees_all(reader) else reader.subject)
    async with database.connect() as conn:
        found = await queue.list_queued(
            conn, wanted, state=sought.state, after=sought.after, limit=sought.limit
        )
        counts = await queue.count_queued(conn, wanted)
    return Queue(tasks=found, counts=counts)


@router.get("/{task_id}")
async def find_task(task_id: TaskId, reader: Reader, database: DatabaseDependency) -> TaskShown:
    """One Task with its request, its decision log and what execution tells of its Job."""
    async with database.connect() as conn:
        return shown(*await find_beside(conn, task_id, reader))


async def find_beside(conn: AsyncConnection, task_id: TaskId, reader: Actor) -> tuple[Task, Beside]:
    """The Task and what is known of its Job; or 404, or 403 for an operator to whom it is not assigned."""
    task = await tasks.find_task(conn, task_id)
    if task is None:
        raise Refused(Refusal("task_unknown", f"There is no Task {task_id}."))
    if not _sees_all(reader) and task.operator_id != reader.subject:
        raise Refused(Refusal("not_assigned", "The Task is not assigned to you."))
    beside = Beside(
        await jobs.find_creation(conn, task_id),
        await watched.find_job(conn, task.request_id),
        await watched.find_service_event(conn, task.request_id),
    )
    return task, beside


def _sees_all(reader: Actor) -> bool:
    return not reader.roles.isdisjoint({"admin", "auditor", "ops"})
