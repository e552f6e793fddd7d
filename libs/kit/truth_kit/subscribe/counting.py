"""What a decided batch adds to the process's counters, and its spans where they are wanted."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

import structlog
from truth_contracts.base import Contract
from truth_contracts.envelope import Message, Received, type_of
from truth_contracts.reached import Reached, reached
from truth_contracts.steps import Event
from truth_contracts.topics import TOPICS

from truth_kit.metrics import Metrics
from truth_kit.subscribe.decide import Decided
from truth_kit.subscribe.route import Arrival
from truth_kit.tracing import tell_processed

log = structlog.get_logger()

_NEXT = {topic.name: topic.readers[0] for topic in TOPICS if topic.readers}
"""The next service on the path; who else reads a topic only watches."""


def count(
    metrics: Metrics, arrivals: Sequence[Arrival], decided: Decided, seconds: float, now: datetime
) -> None:
    """The batch took `seconds` and is durable at `now`, so a fault in counting it is told, and no more."""
    try:
        _count(metrics, arrivals, decided, seconds, now)
    except Exception as error:  # a consumer that was built anew for it would meet it again
        log.error("batch.not_counted", exc_info=error)


def _count(
    metrics: Metrics, arrivals: Sequence[Arrival], decided: Decided, seconds: float, now: datetime
) -> None:
    if metrics.tracer is not None:
        tell_processed(metrics.tracer, metrics.service, decided.events, seconds)
    metrics.count_consumed((arrival.coordinates.topic for arrival in arrivals), seconds)
    metrics.count_decided(decided.repeated, (letter.refusal.code for letter in decided.letters))
    metrics.count_hops(_hops(decided.events, now))
    metrics.count_contracts(_contracts(decided.events))
    metrics.count_steps(_steps(metrics.service, decided.events))


def _hops(events: Sequence[Received[Any]], now: datetime) -> dict[str, list[float]]:
    hops: dict[str, list[float]] = defaultdict(list)
    for received in events:
        event: object = received.event
        since = event.at if isinstance(event, Event) else received.appended_at
        hops[received.coordinates.topic].append((now - since).total_seconds())
    return hops


def _steps(service: str, events: Sequence[Received[Any]]) -> Iterator[Reached]:
    for received in events:
        if _NEXT.get(received.coordinates.topic) == service:
            yield from reached(received.event)


def _contracts(events: Sequence[Received[Any]]) -> dict[tuple[str, str], int]:
    """By type, and by schema as the header says; empty for what names none."""
    found: Counter[tuple[type[Contract], bytes]] = Counter()
    for received in events:
        event: Contract = received.event
        found[type(event), _schema_of(received.message)] += 1
    return {
        (type_of(kind), schema.decode("utf-8", "replace")): number for (kind, schema), number in found.items()
    }


def _schema_of(message: Message) -> bytes:
    for name, value in message.headers:
        if name == "ce_dataschema":
            return value
    return b""
