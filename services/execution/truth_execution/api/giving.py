"""A command given on a Job, whatever door it came through: decided on locked work, in one transaction."""

from typing import TypeAlias

from fastapi import Response
from sqlalchemy.ext.asyncio import AsyncConnection
from truth_contracts.ids import JobId, ServiceEventId
from truth_contracts.refusals import Refusal
from truth_kit.auth import Actor
from truth_kit.database import Database
from truth_kit.fresh import new_id
from truth_sealing.keys import Signer

from truth_execution.api.commanding import Given, carry_out, take
from truth_execution.domain import claim, completion, service_event
from truth_execution.domain.work import Move
from truth_execution.store import blobs

AnyCommand: TypeAlias = (
    claim.Claim
    | claim.HandJobBack
    | service_event.Start
    | service_event.CompleteStage
    | service_event.WriteNote
    | service_event.AttachEvidence
    | completion.Complete
)


async def give(
    database: Database, job_id: JobId, command: AnyCommand, operator: Actor, signer: Signer
) -> Response:
    """Carry a command out and answer with what it did, as JSON. Durable when this returns.

    Raises Refused: 404 without such a Job, 409 with where the work stands, 403 for anybody but its operator.
    """
    async with database.begin() as tx:
        given = await take(tx, job_id, command, operator)
        return await carry_out(tx, given, await _decide(tx, given, command), signer)


async def _decide(tx: AsyncConnection, given: Given, command: AnyCommand) -> Move | Refusal:
    work, occasion = given.work, given.occasion
    match command:
        case claim.Claim():
            return claim.claim(work, command, occasion)
        case claim.HandJobBack():
            return claim.hand_back(work, command, occasion)
        case service_event.Start():
            return service_event.start(work, command, occasion, ServiceEventId(new_id()))
        case service_event.CompleteStage():
            return service_event.complete_stage(work, command, occasion)
        case service_event.WriteNote():
            return service_event.write_note(work, command, occasion)
        case service_event.AttachEvidence():
            blob = await blobs.find_blob(tx, command.sha256)
            return service_event.attach_evidence(work, command, blob, occasion)
        case completion.Complete():
            return completion.complete(work, command, occasion)
