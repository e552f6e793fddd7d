"""How work flows through one service, as one process of it knows."""

from collections.abc import Mapping
from typing import Protocol

from truth_contracts.manifest import Manifest
from truth_contracts.ops import Flow

from truth_kit.fresh import utc_now
from truth_kit.ops.lookout import Lookout
from truth_kit.relay import RelayFacts
from truth_kit.subscribe import ConsumerFacts


class Standing(Protocol):
    """What is used here of `lifecycle.readiness.Readiness`."""

    def consumer_facts(self) -> ConsumerFacts | None: ...  # noqa: D102 the class says it
    def relay_facts(self) -> RelayFacts | None: ...  # noqa: D102
    async def failing(self) -> Mapping[str, str]: ...  # noqa: D102


async def tell(manifest: Manifest, standing: Standing, lookout: Lookout) -> Flow:
    """Now."""
    look = await lookout.look()
    consumer, relay = standing.consumer_facts(), standing.relay_facts()
    return Flow(
        service=manifest.name,
        version=manifest.version,
        at=utc_now(),
        reads=manifest.reads,
        writes=manifest.writes,
        failing=await standing.failing(),
        lags=consumer.lags if consumer else None,
        is_publisher=relay.is_owner if relay else None,
        outbox_rows=relay.rows if relay else None,
        outbox_oldest_seconds=relay.oldest_seconds if relay else None,
        waiting=look.waiting if look else None,
        dead_letters=look.dead_letters if look else None,
        redriven=look.redriven if look else None,
    )
