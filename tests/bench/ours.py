"""The same hop through the kit's subscription and relay, everything on: inbox, outbox, dead letters, readiness.

Two handlers: `rows` writes the rows that the floor writes, so that what differs is the hop; `governance` is the
service's own, which also decides.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection
from truth_contracts.envelope import Received
from truth_contracts.ids import EventId, TaskId
from truth_contracts.intakes import IntakeAccepted
from truth_contracts.refusals import Refusal
from truth_contracts.steps import arrived
from truth_contracts.tasks import TaskChanged
from truth_contracts.topics import INTAKES_ACCEPTED
from truth_governance.consumer import routes
from truth_kit import outbox
from truth_kit.connections import DatabaseConnection, KafkaConnection, read_secret
from truth_kit.database import Database
from truth_kit.dead_letters import DeadLetter
from truth_kit.fresh import new_id
from truth_kit.lifecycle.serving import calm_collector
from truth_kit.relay import Relay
from truth_kit.subscribe import AnyRoute, Handler, Route, Subscription
from truth_sealing.keys import StepKeys, read_vkeys

from tests.bench.loop import Clock, Measured, Order, run_loop

_TASKS = text("""INSERT INTO truth.task (task_id, request_id, state, version, surface, maturity, summary, requested_by,
        history, opened_at, changed_at)
    SELECT unnest(CAST(:task_ids AS uuid[])), unnest(CAST(:request_ids AS uuid[])), 'pending_review', 1,
        unnest(CAST(:surfaces AS text[])), unnest(CAST(:maturities AS text[])), 'The tap drips', 'upstream:acme',
        unnest(CAST(:histories AS text[])), now(), now()""")
_DECISIONS = text("""INSERT INTO truth.decision (decision_id, task_id, version, command, state, actor, at, content)
    SELECT unnest(CAST(:ids AS uuid[])), unnest(CAST(:task_ids AS uuid[])), 1, 'open', 'pending_review',
        'service:governance', now(), '{}'""")


async def on_intake_accepted(
    tx: AsyncConnection, batch: Sequence[Received[IntakeAccepted]], now: datetime
) -> list[DeadLetter]:
    """Write the rows that the floor writes."""
    task_ids = [new_id() for _ in batch]
    tasks = {
        "task_ids": task_ids,
        "request_ids": [received.event.request_id for received in batch],
        "surfaces": [received.event.surface for received in batch],
        "maturities": [received.event.maturity for received in batch],
        "histories": [(received.message.value or b"").decode() for received in batch],
    }
    await tx.execute(_TASKS, tasks)
    await tx.execute(_DECISIONS, {"ids": [new_id() for _ in batch], "task_ids": task_ids})
    await outbox.add(tx, [_changed(one, task_id, now) for one, task_id in zip(batch, task_ids, strict=True)])
    return []


def _changed(received: Received[IntakeAccepted], task_id: UUID, now: datetime) -> TaskChanged:
    return TaskChanged(
        event_id=EventId(new_id()),
        request_id=received.event.request_id,
        at=now,
        actor="service:governance",
        id=TaskId(task_id),
        version=1,
        state="pending_review",
    )


def _whole(received: Received[Any], keys: StepKeys) -> Refusal | None:
    return arrived(received.body, "intake", keys)


def _routes(order: Order) -> tuple[AnyRoute, ...]:
    keys = read_vkeys(read_secret(Path(order.keys_file)))
    if order.handler == "governance":
        chosen = routes(keys)
    else:
        chosen = (Route(INTAKES_ACCEPTED, on_intake_accepted, check=partial(_whole, keys=keys)),)
    return chosen if order.checks else tuple(replace(route, check=None) for route in chosen)


def _timed(on: Handler[Any], clock: Clock) -> Handler[Any]:
    async def timed(
        tx: AsyncConnection, batch: Sequence[Received[Any]], now: datetime
    ) -> Sequence[DeadLetter]:
        clock.start_once()
        return await on(tx, batch, now)

    return timed


async def ours(order: Order) -> Measured:
    """Consume what was ordered; the relay publishes what it leads to."""
    calm_collector()  # as a service's process begins
    kafka = KafkaConnection(
        bootstrap=order.bootstrap, username="governance", password_file=Path(order.password_file)
    )
    database = Database(DatabaseConnection(dsn=order.dsn), "governance")
    clock = Clock()
    routes = [replace(route, on=_timed(route.on, clock)) for route in _routes(order)]
    subscription = Subscription("governance", routes, kafka, database, batch_max=order.batch)
    relay = Relay("governance", kafka, database)
    parts = [asyncio.ensure_future(part.run()) for part in (subscription, relay)]
    while relay.facts().sent < order.messages:  # noqa: ASYNC110 a relay tells nobody
        await asyncio.sleep(0.01)
    measured = clock.read(order.messages)
    subscription.stop()
    relay.stop()
    await asyncio.gather(*parts)
    await database.close()
    return measured


if __name__ == "__main__":
    run_loop(ours)
