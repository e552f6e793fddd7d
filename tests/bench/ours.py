"""The hop as governance runs it: its routes, the kit's subscription and relay, everything on."""

import asyncio
from dataclasses import replace
from pathlib import Path

from truth_governance.consumer import routes
from truth_kit.connections import DatabaseConnection, KafkaConnection, read_secret
from truth_kit.database import Database
from truth_kit.relay import Relay
from truth_kit.subscribe import Subscription
from truth_sealing.keys import read_vkeys

from tests.bench.loop import Clock, Measured, Order, run_loop


async def ours(order: Order) -> Measured:
    """Consume what was ordered; the relay publishes what it leads to."""
    kafka = KafkaConnection(
        bootstrap=order.bootstrap, username="governance", password_file=Path(order.password_file)
    )
    database = Database(DatabaseConnection(dsn=order.dsn), "governance")
    chosen = routes(read_vkeys(read_secret(Path(order.keys_file))))
    if not order.checks:
        chosen = tuple(replace(route, check=None) for route in chosen)
    subscription = Subscription("governance", chosen, kafka, database, batch_max=order.batch)
    relay = Relay("governance", kafka, database)
    parts = [asyncio.ensure_future(part.run()) for part in (subscription, relay)]
    clock = Clock()
    while relay.facts().sent < order.messages:
        await asyncio.sleep(0.01)
        if subscription.facts().acted_on:
            clock.start_once()
    measured = clock.read(order.messages)
    subscription.stop()
    relay.stop()
    await asyncio.gather(*parts)
    await database.close()
    return measured


if __name__ == "__main__":
    run_loop(ours)
