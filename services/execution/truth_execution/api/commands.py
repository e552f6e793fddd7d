"""Commands on a Job and its ServiceEvent: people only, once per `command_id`, durable when they answer."""

from fastapi import APIRouter, Response
from truth_contracts.ids import JobId
from truth_kit.database import DatabaseDependency

from truth_execution.api.answering import Answered
from truth_execution.api.commanding import Operator, StepSigner
from truth_execution.api.giving import give
from truth_execution.domain.claim import Claim, HandJobBack
from truth_execution.domain.completion import Complete
from truth_execution.domain.service_event import AttachEvidence, CompleteStage, Start, WriteNote

router = APIRouter(prefix="/api/jobs/{job_id}", tags=["commands"])


@router.post("/claim", response_model=Answered)
async def claim_job(
    job_id: JobId, command: Claim, operator: Operator, database: DatabaseDependency, signer: StepSigner
) -> Response:
    """Take a queued Job. Who comes second is told who was first, and when."""
    return await give(database, job_id, command, operator, signer)


@router.post("/hand-back", response_model=Answered)
async def hand_back(
    job_id: JobId, command: HandJobBack, operator: Operator, database: DatabaseDependency, signer: StepSigner
) -> Response:
    """Give a claimed Job back before work begins, with a reason."""
    return await give(database, job_id, command, operator, signer)


@router.post("/start", response_model=Answered)
async def start(
    job_id: JobId, command: Start, operator: Operator, database: DatabaseDependency, signer: StepSigner
) -> Response:
    """Begin the work: now there is a ServiceEvent."""
    return await give(database, job_id, command, operator, signer)


@router.post("/stage", response_model=Answered)
async def complete_stage(
    job_id: JobId,
    command: CompleteStage,
    operator: Operator,
    database: DatabaseDependency,
    signer: StepSigner,
) -> Response:
    """Note that a stage is done."""
    return await give(database, job_id, command, operator, signer)


@router.post("/note", response_model=Answered)
async def write_note(
    job_id: JobId, command: WriteNote, operator: Operator, database: DatabaseDependency, signer: StepSigner
) -> Response:
    """Write something down."""
    return await give(database, job_id, command, operator, signer)


@router.post("/evidence", response_model=Answered)
async def attach_evidence(
    job_id: JobId,
    command: AttachEvidence,
    operator: Operator,
    database: DatabaseDependency,
    signer: StepSigner,
) -> Response:
    """Attach an uploaded photo."""
    return await give(database, job_id, command, operator, signer)


@router.post("/complete", response_model=Answered)
async def complete(
    job_id: JobId, command: Complete, operator: Operator, database: DatabaseDependency, signer: StepSigner
) -> Response:
    """End the work with its outcome and close the Job. It says nothing of settlement."""
    return await give(database, job_id, command, operator, signer)
