"""Create Job by HTTP: prepare shows the frozen Job, create makes it. The only door, and only for people."""

from dataclasses import replace

from fastapi import APIRouter, status
from fastapi.responses import JSONResponse
from pydantic import BaseModel, JsonValue
from truth_contracts.base import Digest, Instant
from truth_contracts.ids import EventId, JobId, RequestId, TaskId
from truth_contracts.jobs import FrozenJob, JobCreated
from truth_contracts.refusals import Refusal
from truth_kit import outbox
from truth_kit.database import DatabaseDependency
from truth_kit.fresh import new_id
from truth_sealing.steps import hand_off, seal_step

from truth_governance.api.commanding import (
    Creator,
    ProvingDependency,
    StepSigner,
    lock,
    log_move,
    occasion_of,
    refused,
)
from truth_governance.domain import authenticator, preparation
from truth_governance.domain import create_job as domain
from truth_governance.domain.proof import ProofPolicy
from truth_governance.domain.task import Task, TaskState
from truth_governance.store import jobs, operators, passkeys, tasks

router = APIRouter(prefix="/api/tasks/{task_id}/job", tags=["create job"])


class Prepared(BaseModel):
    """The Job as it will be, and the digest that creates it until `expires_at`.

    `proof` says whether a passkey is asked for. `passkey` is the argument of `navigator.credentials.get` as
    JSON, the digest its challenge; null for somebody without a passkey, and where none is asked for.
    """

    task_id: TaskId
    request_id: RequestId
    state: TaskState
    version: int
    job: FrozenJob
    digest: Digest
    expires_at: Instant
    proof: ProofPolicy
    passkey: dict[str, JsonValue] | None


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
    task_id: TaskId,
    command: preparation.PrepareJob,
    actor: Creator,
    database: DatabaseDependency,
    proving: ProvingDependency,
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
        own = [] if proving.policy == "off" else await passkeys.list_passkeys(tx, actor.reference)
    return Prepared(
        task_id=task_id,
        request_id=task.request_id,
        state=task.state,
        version=task.version,
        job=prepared.job,
        digest=prepared.digest,
        expires_at=prepared.expires_at,
        proof=proving.policy,
        passkey=authenticator.request_options(proving.site, prepared.digest, own) if own else None,
    )


@router.post("", status_code=status.HTTP_201_CREATED, response_model=Created)
async def create_job(  # noqa: PLR0913 all but three by name
    task_id: TaskId,
    command: domain.CreateJob,
    actor: Creator,
    *,
    database: DatabaseDependency,
    signer: StepSigner,
    proving: ProvingDependency,
) -> JSONResponse:
    """Promote an assigned Task, once and for ever. Durable when this answers; 200 for the same digest again.

    This function is the only one that writes a creation and publishes JobCreated.
    """
    async with database.begin() as tx:
        task = await lock(tx, task_id)
        known = domain.Known(
            await jobs.find_creation(tx, task_id),
            await jobs.find_preparation(tx, task_id, command.digest),
            await operators.find_operator(tx, task.operator_id),
            command.assertion and await passkeys.lock_credential(tx, command.assertion.id),
        )
        match domain.create_job(task, known, command, occasion_of(actor), proving):
            case domain.Promotion(move=move, body=body, creation=created, passkey=passkey):
                history = seal_step(body.model_dump(mode="json"), task.history, signer)
                task = replace(move.task, history=history)
                await tasks.set_moved(tx, [task])
                if passkey is not None:
                    await passkeys.set_changed(tx, passkey)
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
