"""What a decided batch adds to the process's counters."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from truth_contracts.base import Contract
from truth_contracts.envelope import Received, type_of
from truth_contracts.steps import Event

from truth_kit.metrics import Metrics
from truth_kit.subscribe.decide import Decided
from truth_kit.subscribe.route import Arrival


def count(
    metrics: Metrics, arrivals: Sequence[Arrival], decided: Decided, seconds: float, now: datetime
) -> None:
    """The batch took `seconds` and is durable at `now`."""
    metrics.count_consumed((arrival.coordinates.topic for arrival in arrivals), seconds)
    metrics.count_decided(decided.repeated, (letter.refusal.code for letter in decided.letters))
    metrics.count_hops(_hops(decided.events, now))
    metrics.count_contracts((_type(event), _schema(event)) for event in decided.events)


def _hops(events: Sequence[Received[Any]], now: datetime) -> Iterator[tuple[str, float]]:
    for received in events:
        event: object = received.event
        since = event.at if isinstance(event, Event) else received.appended_at
        yield received.coordinates.topic, (now - since).total_seconds()


def _type(received: Received[Any]) -> str:
    event: Contract = received.event
    return type_of(type(event))


def _schema(received: Received[Any]) -> str:
    """As its header says; empty for what names none."""
    for name, value in received.message.headers:
        if name == "ce_dataschema":
            return value.decode("utf-8", "replace")
    return ""
