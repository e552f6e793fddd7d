"""Kafka in: created Jobs are queued on the Desk."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection
from truth_contracts.envelope import Received
from truth_contracts.jobs import JobCreated
from truth_contracts.refusals import Refusal
from truth_contracts.steps import arrived
from truth_contracts.topics import JOBS_CREATED
from truth_kit import outbox
from truth_kit.dead_letters import DeadLetter
from truth_kit.subscribe import AnyRoute, Route
from truth_sealing.keys import StepKeys
from truth_sealing.steps import history_of

from truth_execution.domain.arrival import ProofPolicy, Queued, check_created, queue_job
from truth_execution.store import jobs


def routes(keys: StepKeys, proof: ProofPolicy = "optional") -> tuple[AnyRoute, ...]:
    """What execution consumes. `keys` are the public step keys of intake and governance."""

    def whole(received: Received[JobCreated]) -> Refusal | None:
        # All five signatures: the approval and the assignment are as much governance's word as the creation.
        broken = arrived(received.body, "job_created", keys, every_signature=True)
        return broken or check_created(received.event, history_of(received.body), proof)

    return (Route(JOBS_CREATED, on_job_created, check=whole),)


async def on_job_created(
    tx: AsyncConnection, batch: Sequence[Received[JobCreated]], now: datetime
) -> list[DeadLetter]:
    """jobs.created → a queued Job, or a dead letter that says why not."""
    known = await jobs.list_known(tx, [received.event.job for received in batch])
    queued: list[Queued] = []
    dead: list[DeadLetter] = []
    for received in batch:  # in order: a later one sees what an earlier one did
        frozen = received.event.job
        ids = (frozen.job_id, frozen.task_id, frozen.request_id)
        existing = next((known[one] for one in ids if one in known), None)
        match queue_job(existing, received.event, history_of(received.body), now):
            case Queued() as one:
                known |= dict.fromkeys(ids, frozen.job_id)
                queued.append(one)
            case Refusal() as refusal:
                dead.append(DeadLetter.of(received, refusal))
    await jobs.insert_jobs(tx, [one.job for one in queued])
    await outbox.add(tx, [one.told for one in queued])
    return dead
