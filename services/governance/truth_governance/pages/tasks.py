"""The queue, and one Task with its four commands."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Annotated, Any, Literal, TypeAlias

from fastapi import APIRouter, Depends, Request
from fastapi.responses import RedirectResponse, Response
from pydantic import ValidationError
from truth_contracts.ids import TaskId
from truth_contracts.refusals import Refusal
from truth_kit.auth import Actor
from truth_kit.database import Database, DatabaseDependency
from truth_kit.pages import Frame, FrameDependency, Typed, signed_in, stream, typed_in
from truth_kit.problems import STATUSES, Refused
from truth_sealing.keys import Signer

from truth_governance.api import review
from truth_governance.api.commanding import Decided, StepSigner
from truth_governance.api.shown import shown
from truth_governance.api.tasks import Sought, find_beside, list_tasks
from truth_governance.domain.assignment import Assign
from truth_governance.domain.commanding import Command
from truth_governance.domain.review import Approve, Ask, Decline
from truth_governance.domain.task import TaskState
from truth_governance.pages.showing import acts_of, chips_of, path_of, reference_of, shape_of
from truth_governance.store import operators

PAGE = 50

router = APIRouter(include_in_schema=False)
Reader = Annotated[Actor, Depends(signed_in("admin", "operator", "auditor", "ops"))]
Admin = Annotated[Actor, Depends(signed_in("admin"))]

_Give: TypeAlias = Callable[[TaskId, Any, Actor, Database, Signer], Awaitable[Decided]]
_COMMANDS: Mapping[str, tuple[type[Command], _Give]] = {
    "approve": (Approve, review.approve),
    "decline": (Decline, review.decline),
    "ask": (Ask, review.ask),
    "assign": (Assign, review.assign),
}


@router.get("/tasks")
async def show_queue(  # noqa: PLR0913 one argument a query parameter
    request: Request,
    reader: Reader,
    database: DatabaseDependency,
    frame: FrameDependency,
    *,
    state: TaskState | None = None,
    after: TaskId | None = None,
) -> Response:
    """Tasks, oldest first; an operator's own."""
    queue = await list_tasks(Sought(state=state, after=after, limit=PAGE), reader, database)
    rows = [(one, reference_of(one.task_id), shape_of(one.state)) for one in queue.tasks]
    more = queue.tasks[-1].task_id if len(queue.tasks) == PAGE else None
    return frame.show(request, "queue.html", rows=rows, counts=queue.counts, state=state, more=more)


@router.get("/tasks/live")
async def live_queue(
    request: Request,
    reader: Reader,
    database: DatabaseDependency,
    frame: FrameDependency,
    state: TaskState | None = None,
) -> Response:
    """How many there are in each state: rows are never moved under somebody's cursor."""

    async def draw() -> str:
        queue = await list_tasks(Sought(limit=1), reader, database)
        return frame.draw(request, "_counts.html", counts=queue.counts, state=state)

    return await stream(request, draw)


@router.get("/tasks/{task_id}")
async def show_task(
    request: Request, task_id: TaskId, reader: Reader, database: DatabaseDependency, frame: FrameDependency
) -> Response:
    """The untouched request beside the decisions, and what may be done next."""
    return frame.show(request, "task.html", **await view_of(database, task_id, reader))


@router.get("/tasks/{task_id}/live")
async def live_task(  # noqa: PLR0913 one argument a query parameter
    request: Request,
    task_id: TaskId,
    reader: Reader,
    database: DatabaseDependency,
    frame: FrameDependency,
    *,
    version: int,
) -> Response:
    """Where the Task stands, and whether it is still as the page shows it (`version`)."""

    async def draw() -> str:
        view = await view_of(database, task_id, reader)
        return frame.draw(request, "_standing.html", **{**view, "shown_version": version})

    return await stream(request, draw)


@router.post("/tasks/{task_id}/{name}")
async def give_command(  # noqa: PLR0913 all but three by name
    request: Request,
    task_id: TaskId,
    name: Literal["approve", "decline", "ask", "assign"],
    *,
    admin: Admin,
    database: DatabaseDependency,
    frame: FrameDependency,
    signer: StepSigner,
) -> Response:
    """One of the four commands. Refused, the page comes back with the reason and what was typed."""
    typed = await typed_in(request)
    kind, give = _COMMANDS[name]
    members = {field: typed[field] for field in kind.model_fields if typed[field]}
    try:
        await give(task_id, kind.model_validate(members), admin, database, signer)
    except ValidationError as error:
        field = str(error.errors()[0]["loc"][0])
        refusal = Refusal("body_malformed", f"The field {field} is missing or cannot be taken.", field)
        return await refused_page(request, Refused(refusal), task_id, admin, (database, frame, typed))
    except Refused as refused:
        return await refused_page(request, refused, task_id, admin, (database, frame, typed))
    return RedirectResponse(f"/tasks/{task_id}", 303)


async def refused_page(
    request: Request, refused: Refused, task_id: TaskId, actor: Actor, at: tuple[Database, Frame, Typed]
) -> Response:
    """The Task as it is now, with why the command was refused; the typed text stays in its form."""
    database, frame, typed = at
    view = await view_of(database, task_id, actor)
    view |= {"typed": typed, "refusal": refused.refusal, "current": refused.current}
    return frame.show(request, "task.html", status=STATUSES[refused.refusal.code], **view)


async def view_of(database: Database, task_id: TaskId, actor: Actor) -> dict[str, Any]:
    """Everything that a Task's page shows; `not_assigned` for an operator whose Task it is not."""
    async with database.connect() as conn:
        task, beside = await find_beside(conn, task_id, actor)
        known = await operators.list_operators(conn)
    return {
        "task": shown(task, beside),
        "reference": reference_of(task_id),
        "path": path_of(task, beside),
        "chips": chips_of(task, beside),
        "acts": acts_of(task, actor),
        "operators": [one for one in known if one.is_active and one.subject != task.operator_id],
        "last": task.last,
        "shown_version": task.version,
        "typed": Typed(),
        "refusal": None,
        "current": None,
    }
