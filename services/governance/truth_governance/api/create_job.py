"""Create Job by HTTP: prepare shows the frozen Job, create makes it. The only door, and only for people."""

from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Depends, status
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from truth_contracts.base import Digest, Instant
from truth_contracts.ids import EventId, JobId, RequestId, TaskId
from truth_contracts.jobs import FrozenJob, JobCreated
from truth_contracts.refusals import Refusal
from truth_kit import outbox
from truth_kit.auth import Actor, require_person
from truth_kit.database import DatabaseDependency
from truth_kit.fresh import new_id
from truth_sealing.steps import hand_off, seal_step

from truth_governance.api.commanding import StepSigner, lock, log_move, occasion_of, refused
from truth_governance.domain import create_job as domain
from truth_governance.domain import preparation
from truth_governance.domain.task import Task, TaskState
from truth_governance.store import jobs, operators, tasks

router = APIRouter(prefix="/api/tasks/{task_id}/job", tags=["create job"])

Creator = Annotated[Actor, Depends(require_person("admin", "operator"))]


class Prepared(BaseModel):
    """The Job as it will be, and the digest that creates it until `expires_at`."""

    task_id: TaskId
    request_id: RequestId
    state: TaskState
    version: int
    job: FrozenJob
    digest: Digest
    expires_at: Instant


class Created(BaseModel):
    """The one Job that the Task is now."""

    task_id: TaskId
    request_id: RequestId
    state: TaskState
    version: int
    job_id: JobId
    event_id: EventId


@router.post("/prepare")
async def prepare_job(
    task_id: TaskId, command: preparation.PrepareJob, actor: Creator, database: DatabaseDependency
) -> Prepared:
    """Freeze the Job of an assigned Task for ten minutes. Moves nothing."""
    async with database.begin() as tx:
        task = await lock(tx, task_id)
        operator = await operators.find_operator(tx, task.operator_id)
        match preparation.prepare_job(task, operator, command, occasion_of(actor), JobId(new_id())):
            case preparation.Preparation() as prepared:
                await jobs.insert_preparation(tx, prepared)
            case Refusal() as refusal:
                raise refused(refusal, task)
    return Prepared(
        task_id=task_id,
        request_id=task.request_id,
        state=task.state,
        version=task.version,
        job=prepared.job,
        digest=prepared.digest,
        expires_at=prepared.expires_at,
    )


@router.post("", status_code=status.HTTP_201_CREATED, response_model=Created)
async def create_job(
    task_id: TaskId,
    command: domain.CreateJob,
    actor: Creator,
    database: DatabaseDependency,
    signer: StepSigner,
) -> JSONResponse:
    """Promote an assigned Task, once and for ever. Durable when this answers; 200 for the same digest again.

    This function is the only one that writes a creation and publishes JobCreated.
    """
    async with database.begin() as tx:
        task = await lock(tx, task_id)
        creation = await jobs.find_creation(tx, task_id)
        prepared = await jobs.find_preparation(tx, task_id, command.digest)
        match domain.create_job(task, creation, prepared, command, occasion_of(actor)):
            case domain.Promotion(move=move, body=body, creation=created):
                history = seal_step(body.model_dump(mode="json"), task.history, signer)
                task = replace(move.task, history=history)
                await tasks.set_moved(tx, [task])
                await jobs.insert_creation(tx, task_id, created)
                await outbox.add(tx, [move.told, JobCreated.model_validate(hand_off(history))])
                log_move(task)
                answered = status.HTTP_201_CREATED
            case domain.Creation() as created:
                answered = status.HTTP_200_OK
            case Refusal() as refusal:
                raise refused(refusal, task)
    return JSONResponse(_shown(task, created).model_dump(mode="json"), answered)


def _shown(task: Task, created: domain.Creation) -> Created:
    return Created(
        task_id=task.task_id,
        request_id=task.request_id,
        state=task.state,
        version=task.version,
        job_id=created.job_id,
        event_id=created.event_id,
    )
