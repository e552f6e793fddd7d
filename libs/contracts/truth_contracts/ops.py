"""What a service answers to ops at `/api/ops`, not on topics: flow, a request's steps, promises as counts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from pydantic import BaseModel


@dataclass(frozen=True, slots=True)
class TopicLag:
    """How far one process is behind on one topic, over the partitions that it has."""

    behind: int  # messages that are not decided yet
    oldest_seconds: float | None  # age of the first of them; None when it was not read yet, and is not known


class Waiting(BaseModel, frozen=True):
    """What stands in one state, for a person or for something missing."""

    step: str
    state: str
    count: int
    oldest_at: datetime


class Flow(BaseModel, frozen=True):
    """One process's view of how work flows through its service. None means not known, never 0."""

    service: str
    version: str
    at: datetime
    reads: Mapping[str, str]  # contract to version
    writes: Mapping[str, str]
    failing: Mapping[str, str]  # part to reason; empty when the process is ready
    lags: Mapping[str, TopicLag] | None  # by topic, of the partitions that this process has
    is_publisher: bool | None  # whether this process's relay publishes
    outbox_rows: int | None
    outbox_oldest_seconds: float | None  # None also when the outbox is empty
    waiting: Sequence[Waiting] | None
    dead_letters: Mapping[str, int] | None  # those that are open, by the topic they came from
    redriven: int | None  # dead letters that were acted on after all, ever


class Step(BaseModel, frozen=True):
    """A step of one request as its owner keeps it. `waits_for` is null once it is done."""

    step: str
    id: str
    state: str
    at: datetime
    actor: str | None
    waits_for: str | None


class Unsent(BaseModel, frozen=True):
    """An event of the request that Kafka does not have yet."""

    topic: str
    since: datetime


class Letter(BaseModel, frozen=True):
    """A message of the request that was refused here, and waits for somebody."""

    id: UUID
    topic: str
    partition: int
    offset: int
    code: str
    first_at: datetime


class Trace(BaseModel, frozen=True):
    """What one service knows of a request, without contents."""

    service: str
    request_id: UUID
    at: datetime
    steps: Sequence[Step]
    unsent: Sequence[Unsent]
    dead_letters: Sequence[Letter]


class Judged(BaseModel, frozen=True):
    """An invariant, and how often it is broken."""

    rule: str
    promise: str
    violations: int
    at: datetime
    seconds: float


class Invariants(BaseModel, frozen=True):
    """The promises that a service can count in its own database."""

    service: str
    invariants: Sequence[Judged]
