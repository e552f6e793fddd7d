"""Kafka in: completed ServiceEvents become drafts."""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from functools import partial

from sqlalchemy.ext.asyncio import AsyncConnection
from truth_contracts.envelope import Received
from truth_contracts.ids import RecordId
from truth_contracts.refusals import Refusal
from truth_contracts.service_events import ServiceEventCompleted
from truth_contracts.steps import arrived
from truth_contracts.topics import SERVICE_EVENTS_COMPLETED
from truth_kit.dead_letters import DeadLetter
from truth_kit.fresh import new_id, new_salt
from truth_kit.subscribe import AnyRoute, Route
from truth_sealing.keys import StepKeys
from truth_sealing.steps import history_of

from truth_records.bell import Bell
from truth_records.domain.path import COMPLETED, CompletedPath, read_path
from truth_records.domain.record import Draft, draw_up, values_to_commit
from truth_records.store import drafts as store


def routes(keys: StepKeys, drafted: Sequence[Bell]) -> tuple[AnyRoute, ...]:
    """What records consumes. `drafted` are the bells of whoever works on drafts."""
    on = partial(on_service_event_completed, drafted=drafted)
    return (Route(SERVICE_EVENTS_COMPLETED, on, check=partial(whole, keys=keys)),)


def whole(received: Received[ServiceEventCompleted], *, keys: StepKeys) -> Refusal | None:
    """Whether all seven steps hold together and each link is signed by its owner."""
    return arrived(received.body, COMPLETED, keys, every_signature=True)


async def on_service_event_completed(
    tx: AsyncConnection,
    batch: Sequence[Received[ServiceEventCompleted]],
    now: datetime,
    *,
    drafted: Sequence[Bell],
) -> list[DeadLetter]:
    """service-events.completed → a draft of the Record, or a dead letter that says why not.

    Evidence bytes are not asked for here: a draft waits for them, a message does not.
    """
    requests = [received.event.request_id for received in batch]
    service_events = [received.event.service_event_id for received in batch]
    taken_requests, taken_events = await store.find_taken(tx, requests, service_events)
    fresh: list[Received[ServiceEventCompleted]] = []
    dead: list[DeadLetter] = []
    for received in batch:
        event = received.event
        if event.request_id in taken_requests or event.service_event_id in taken_events:
            refusal = Refusal("record_exists", "The request or its ServiceEvent already has its Record.")
            dead.append(DeadLetter.of(received, refusal))
        else:
            fresh.append(received)
            taken_requests.add(event.request_id)
            taken_events.add(event.service_event_id)
    # A millisecond each: the loop has commands to answer and heartbeats to send meanwhile.
    drawn = await asyncio.to_thread(lambda: [(received, _draw_up(received, now)) for received in fresh])
    await store.insert_drafts(tx, [draft for _, draft in drawn if isinstance(draft, Draft)], now)
    for bell in drafted:
        bell.ring()
    refused = [
        DeadLetter.of(received, refusal) for received, refusal in drawn if isinstance(refusal, Refusal)
    ]
    return dead + refused


def _draw_up(received: Received[ServiceEventCompleted], now: datetime) -> Draft | Refusal:
    match read_path(history_of(received.body)):
        case CompletedPath() as path:
            salts = {name: new_salt() for name in values_to_commit(path)}
            return draw_up(path, RecordId(new_id()), salts, now)
        case Refusal() as refusal:
            return refusal
