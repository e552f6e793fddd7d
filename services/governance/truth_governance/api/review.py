"""Review by HTTP: approve, decline, ask, assign. Each command says which version of the Task it is about."""

from fastapi import APIRouter
from truth_contracts.ids import TaskId
from truth_kit.database import DatabaseDependency

from truth_governance.api.commanding import (
    Admin,
    Decided,
    StepSigner,
    answered_before,
    carry_out,
    lock,
    occasion_of,
)
from truth_governance.domain import assignment, review
from truth_governance.store import operators, tasks

router = APIRouter(prefix="/api/tasks/{task_id}", tags=["review"])


@router.post("/approve")
async def approve(
    task_id: TaskId, command: review.Approve, actor: Admin, database: DatabaseDependency, signer: StepSigner
) -> Decided:
    """Approve a Task; never one's own request. Durable when this answers."""
    async with database.begin() as tx:
        task = await lock(tx, task_id)
        if first := answered_before(task, command, actor):
            return first
        return await carry_out(tx, task, review.approve(task, command, occasion_of(actor)), signer)


@router.post("/decline")
async def decline(
    task_id: TaskId, command: review.Decline, actor: Admin, database: DatabaseDependency, signer: StepSigner
) -> Decided:
    """Decline a Task for good; the requester is told the reason. Durable when this answers."""
    async with database.begin() as tx:
        task = await lock(tx, task_id)
        if first := answered_before(task, command, actor):
            return first
        other = command.duplicate_of
        is_known = other is not None and bool(await tasks.list_task_ids(tx, [other]))
        outcome = review.decline(task, command, occasion_of(actor), is_known=is_known)
        return await carry_out(tx, task, outcome, signer)


@router.post("/ask")
async def ask(
    task_id: TaskId, command: review.Ask, actor: Admin, database: DatabaseDependency, signer: StepSigner
) -> Decided:
    """Ask the requester; the Task rests until the answer. Durable when this answers."""
    async with database.begin() as tx:
        task = await lock(tx, task_id)
        if first := answered_before(task, command, actor):
            return first
        return await carry_out(tx, task, review.ask(task, command, occasion_of(actor)), signer)


@router.post("/assign")
async def assign(
    task_id: TaskId,
    command: assignment.Assign,
    actor: Admin,
    database: DatabaseDependency,
    signer: StepSigner,
) -> Decided:
    """Assign an approved Task to an active operator, or give it to another one. Durable when this answers."""
    async with database.begin() as tx:
        task = await lock(tx, task_id)
        if first := answered_before(task, command, actor):
            return first
        operator = await operators.find_operator(tx, command.operator_id)
        outcome = assignment.assign(task, operator, command, occasion_of(actor))
        return await carry_out(tx, task, outcome, signer)
