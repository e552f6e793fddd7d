"""Commands on a Job and its ServiceEvent: people only, once per `command_id`, durable when they answer."""

from fastapi import APIRouter, Response
from truth_contracts.ids import JobId, ServiceEventId
from truth_kit.database import DatabaseDependency
from truth_kit.fresh import new_id

from truth_execution.api.answering import Answered
from truth_execution.api.commanding import Operator, StepSigner, carry_out, take
from truth_execution.domain import claim, completion, service_event
from truth_execution.store import blobs

router = APIRouter(prefix="/api/jobs/{job_id}", tags=["commands"])


@router.post("/claim", response_model=Answered)
async def claim_job(
    job_id: JobId, command: claim.Claim, operator: Operator, database: DatabaseDependency, signer: StepSigner
) -> Response:
    """Take a queued Job. Who comes second is told who was first, and when."""
    async with database.begin() as tx:
        given = await take(tx, job_id, command, operator)
        return await carry_out(tx, given, claim.claim(given.work, command, given.occasion), signer)


@router.post("/hand-back", response_model=Answered)
async def hand_back(
    job_id: JobId,
    command: claim.HandJobBack,
    operator: Operator,
    database: DatabaseDependency,
    signer: StepSigner,
) -> Response:
    """Give a claimed Job back before work begins, with a reason."""
    async with database.begin() as tx:
        given = await take(tx, job_id, command, operator)
        return await carry_out(tx, given, claim.hand_back(given.work, command, given.occasion), signer)


@router.post("/start", response_model=Answered)
async def start(
    job_id: JobId,
    command: service_event.Start,
    operator: Operator,
    database: DatabaseDependency,
    signer: StepSigner,
) -> Response:
    """Begin the work: now there is a ServiceEvent."""
    async with database.begin() as tx:
        given = await take(tx, job_id, command, operator)
        service_event_id = ServiceEventId(new_id())
        outcome = service_event.start(given.work, command, given.occasion, service_event_id)
        return await carry_out(tx, given, outcome, signer)


@router.post("/stage", response_model=Answered)
async def complete_stage(
    job_id: JobId,
    command: service_event.CompleteStage,
    operator: Operator,
    database: DatabaseDependency,
    signer: StepSigner,
) -> Response:
    """Note that a stage is done."""
    async with database.begin() as tx:
        given = await take(tx, job_id, command, operator)
        outcome = service_event.complete_stage(given.work, command, given.occasion)
        return await carry_out(tx, given, outcome, signer)


@router.post("/note", response_model=Answered)
async def write_note(
    job_id: JobId,
    command: service_event.WriteNote,
    operator: Operator,
    database: DatabaseDependency,
    signer: StepSigner,
) -> Response:
    """Write something down."""
    async with database.begin() as tx:
        given = await take(tx, job_id, command, operator)
        outcome = service_event.write_note(given.work, command, given.occasion)
        return await carry_out(tx, given, outcome, signer)


@router.post("/evidence", response_model=Answered)
async def attach_evidence(
    job_id: JobId,
    command: service_event.AttachEvidence,
    operator: Operator,
    database: DatabaseDependency,
    signer: StepSigner,
) -> Response:
    """Attach an uploaded photo."""
    async with database.begin() as tx:
        given = await take(tx, job_id, command, operator)
        blob = await blobs.find_blob(tx, command.sha256)
        outcome = service_event.attach_evidence(given.work, command, blob, given.occasion)
        return await carry_out(tx, given, outcome, signer)


@router.post("/complete", response_model=Answered)
async def complete(
    job_id: JobId,
    command: completion.Complete,
    operator: Operator,
    database: DatabaseDependency,
    signer: StepSigner,
) -> Response:
    """End the work with its outcome and close the Job. It says nothing of settlement."""
    async with database.begin() as tx:
        given = await take(tx, job_id, command, operator)
        outcome = completion.complete(given.work, command, given.occasion)
        return await carry_out(tx, given, outcome, signer)
