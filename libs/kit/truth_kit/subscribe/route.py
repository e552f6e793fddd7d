"""What a service consumes: a topic, the function that acts on it, and what is checked before."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeAlias, TypeVar

from sqlalchemy.ext.asyncio import AsyncConnection
from truth_contracts.base import Contract
from truth_contracts.envelope import Coordinates, Message, Received
from truth_contracts.refusals import Refusal
from truth_contracts.topics import Topic

from truth_kit.dead_letters import DeadLetter

EventT = TypeVar("EventT", bound=Contract)

Handler: TypeAlias = Callable[
    [AsyncConnection, Sequence[Received[EventT]], datetime], Awaitable[Sequence[DeadLetter]]
]
"""`async on_<event>(tx, batch, now)`: acts on a batch inside its transaction and returns what it refuses.

The batch is in order and holds no event twice. Everything not returned counts as acted on.
"""

RefusedHandler: TypeAlias = Callable[[AsyncConnection, Sequence[DeadLetter], datetime], Awaitable[None]]
"""Tells of refused messages in a service's own way, inside the transaction."""


@dataclass(frozen=True, slots=True)
class Route(Generic[EventT]):
    """One consumed topic.

    `check` runs before the transaction, and for what follows a large batch while that one is decided: it goes
    by nothing but its argument (chains, signatures). `refused` replaces telling `<service>.dead-letters`.
    """

    topic: Topic
    on: Handler[EventT]
    check: Callable[[Received[EventT]], Refusal | None] | None = None
    refused: RefusedHandler | None = None


AnyRoute: TypeAlias = Route[Any]


@dataclass(frozen=True, slots=True)
class Arrival:
    """A record as Kafka gave it. Nothing of it has been read yet."""

    message: Message
    coordinates: Coordinates
    appended_at: datetime  # the broker's clock
    is_readable: bool = True  # False: a header's name is not UTF-8, and only the place is known
