"""Kafka in: Intakes and answers move Tasks; what execution tells is kept for display."""

from collections.abc import Sequence
from datetime import datetime

from pydantic import ValidationError
from sqlalchemy.ext.asyncio import AsyncConnection
from truth_contracts.envelope import Received, invalid
from truth_contracts.ids import TaskId
from truth_contracts.intakes import IntakeAccepted, IntakeAnswered
from truth_contracts.jobs import JobChanged
from truth_contracts.refusals import Refusal
from truth_contracts.service_events import ServiceEventChanged
from truth_contracts.steps import arrived
from truth_contracts.topics import (
    INTAKES_ACCEPTED,
    INTAKES_ANSWERED,
    JOBS_CHANGED,
    SERVICE_EVENTS_CHANGED,
)
from truth_kit import outbox
from truth_kit.dead_letters import DeadLetter
from truth_kit.fresh import new_id
from truth_kit.subscribe import AnyRoute, Route
from truth_sealing.keys import StepKeys
from truth_sealing.steps import history_of

from truth_governance.domain.opening import Opening, open_task, request_of, take_answer
from truth_governance.domain.task import Move
from truth_governance.domain.watching import newest
from truth_governance.store import tasks, watched


def routes(keys: StepKeys) -> tuple[AnyRoute, ...]:
    """What governance consumes. `keys` are the public step keys that an Intake must be signed by."""

    def whole(received: Received[IntakeAccepted]) -> Refusal | None:
        return arrived(received.body, "intake", keys) or _unreadable(received)

    return (
        Route(INTAKES_ACCEPTED, on_intake_accepted, check=whole),
        Route(INTAKES_ANSWERED, on_intake_answered),
        Route(JOBS_CHANGED, on_job_changed),
        Route(SERVICE_EVENTS_CHANGED, on_service_event_changed),
    )


async def on_intake_accepted(
    tx: AsyncConnection, batch: Sequence[Received[IntakeAccepted]], now: datetime
) -> list[DeadLetter]:
    """intakes.accepted → one Task for each request, or a dead letter that says why not."""
    existing = await tasks.list_task_ids(tx, {received.event.request_id for received in batch})
    opened: list[Move] = []
    dead: list[DeadLetter] = []
    for received in batch:
        accepted = received.event
        opening = Opening(accepted, history_of(received.body), TaskId(new_id()), now)
        match open_task(existing.get(accepted.request_id), opening):
            case Move() as move:
                existing[accepted.request_id] = move.task.task_id
                opened.append(move)
            case Refusal() as refusal:
                dead.append(DeadLetter.of(received, refusal))
    await tasks.insert_tasks(tx, [move.task for move in opened])
    await outbox.add(tx, [move.told for move in opened])
    return dead


async def on_intake_answered(
    tx: AsyncConnection, batch: Sequence[Received[IntakeAnswered]], now: datetime
) -> list[DeadLetter]:
    """intakes.answered → the Task is back in review; an answer to an older question changes nothing."""
    locked = await tasks.lock_tasks_of(tx, {received.event.request_id for received in batch})
    moved: list[Move] = []
    dead: list[DeadLetter] = []
    for received in batch:
        answered = received.event
        match take_answer(locked.get(answered.request_id), answered, now):
            case Move() as move:
                locked[answered.request_id] = move.task
                moved.append(move)
            case Refusal() as refusal:
                dead.append(DeadLetter.of(received, refusal))
            case None:
                pass
    await tasks.set_moved(tx, [move.task for move in moved])
    await outbox.add(tx, [move.told for move in moved])
    return dead


async def on_job_changed(
    tx: AsyncConnection,
    batch: Sequence[Received[JobChanged]],
    now: datetime,  # noqa: ARG001 a Handler
) -> list[DeadLetter]:
    """jobs.changed → what is shown of the Job. Refuses nothing and decides nothing."""
    await watched.set_jobs(tx, newest(received.event for received in batch))
    return []


async def on_service_event_changed(
    tx: AsyncConnection,
    batch: Sequence[Received[ServiceEventChanged]],
    now: datetime,  # noqa: ARG001 a Handler
) -> list[DeadLetter]:
    """service-events.changed → what is shown of the ServiceEvent. Refuses nothing and decides nothing."""
    await watched.set_service_events(tx, newest(received.event for received in batch))
    return []


def _unreadable(received: Received[IntakeAccepted]) -> Refusal | None:
    """A signed request body that this release cannot read must not stop the batch."""
    try:
        request_of(history_of(received.body))
    except ValidationError as error:
        return invalid(error)
    return None
