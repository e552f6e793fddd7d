"""What the commands on a Task have in common: who gives them, the locked Task, the move and its answer."""

from dataclasses import replace
from typing import Annotated

import structlog
from fastapi import Depends, Request
from pydantic import BaseModel
from sqlalchemy.ext.asyncio import AsyncConnection
from truth_contracts.base import Instant
from truth_contracts.ids import EventId, RequestId, TaskId
from truth_contracts.refusals import Refusal
from truth_kit import outbox
from truth_kit.auth import Actor, require_person
from truth_kit.fresh import new_id, new_salt, utc_now
from truth_kit.problems import Refused
from truth_sealing.keys import Signer
from truth_sealing.steps import seal_step

from truth_governance.domain.commanding import Command, Occasion, Person, first_answer
from truth_governance.domain.proof import Proving
from truth_governance.domain.task import Decision, Move, Task, TaskState
from truth_governance.store import tasks

log = structlog.get_logger()

Admin = Annotated[Actor, Depends(require_person("admin"))]
Creator = Annotated[Actor, Depends(require_person("admin", "operator"))]
"""Whoever may give Create Job: an admin, or an operator if it is the assigned one."""


async def _signer_of(request: Request) -> Signer:
    signer: Signer = request.app.state.signer
    return signer


async def _proving_of(request: Request) -> Proving:
    proving: Proving = request.app.state.proving
    return proving


StepSigner = Annotated[Signer, Depends(_signer_of)]
ProvingDependency = Annotated[Proving, Depends(_proving_of)]


class Decided(BaseModel):
    """What a command did, or did when it was first given."""

    task_id: TaskId
    request_id: RequestId
    state: TaskState
    version: int
    command: str
    actor: str
    at: Instant


def occasion_of(actor: Actor) -> Occasion:
    """Now, with a new id and salt."""
    person = Person(actor.reference, actor.subject, actor.name, "admin" in actor.roles, actor.signed_in_at)
    return Occasion(person, utc_now(), EventId(new_id()), new_salt())


async def lock(tx: AsyncConnection, task_id: TaskId) -> Task:
    """The Task, locked until the transaction ends, or 404."""
    task = await tasks.lock_task(tx, task_id)
    if task is None:
        raise Refused(Refusal("task_unknown", f"There is no Task {task_id}."))
    return task


def answered_before(task: Task, command: Command, actor: Actor) -> Decided | None:
    """The first answer to this very command, None if it is new; 409 if it is about an earlier version."""
    match first_answer(task, command, actor.reference):
        case Refusal() as refusal:
            raise refused(refusal, task)
        case Decision() as decision:
            return _answer(task, decision)
        case None:
            return None


async def carry_out(tx: AsyncConnection, task: Task, outcome: Move | Refusal, signer: Signer) -> Decided:
    """Write the move of a locked Task, seal its step if it is one, tell watchers; or refuse."""
    if isinstance(outcome, Refusal):
        raise refused(outcome, task)
    moved = outcome.task
    if outcome.body is not None:
        history = seal_step(outcome.body.model_dump(mode="json"), moved.history, signer)
        moved = replace(moved, history=history)
    await tasks.set_moved(tx, [moved])
    await outbox.add(tx, [outcome.told])
    log_move(moved)
    return _answer(moved, moved.last)


def log_move(moved: Task) -> None:
    """One line a command; never what anybody wrote."""
    last = moved.last
    told = {"command": last.command, "state": last.state.value, "task_version": last.version}
    log.info("task.moved", request_id=str(moved.request_id), event_id=str(last.decision_id), **told)


def refused(refusal: Refusal, task: Task) -> Refused:
    """The refusal with the Task's present state, and who brought it there, when and by what."""
    last = task.last
    current = {
        "state": last.state,
        "version": last.version,
        "changed_by": last.actor,
        "changed_by_name": last.actor_name,
        "changed_at": last.at,
        "command": last.command,
    }
    return Refused(refusal, current)


def _answer(task: Task, decision: Decision) -> Decided:
    return Decided(
        task_id=task.task_id,
        request_id=task.request_id,
        state=decision.state,
        version=decision.version,
        command=decision.command,
        actor=decision.actor,
        at=decision.at,
    )
