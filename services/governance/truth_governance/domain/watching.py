"""What execution tells of its own state machines, kept for display; no decision here rests on it."""

from collections.abc import Iterable
from typing import TypeVar

from truth_contracts.ids import RequestId
from truth_contracts.jobs import JobChanged
from truth_contracts.service_events import ServiceEventChanged

ToldT = TypeVar("ToldT", JobChanged, ServiceEventChanged)


def newest(told: Iterable[ToldT]) -> list[ToldT]:
    """The highest version of each request, in the order of the requests' ids (one lock order for all)."""
    highest: dict[RequestId, ToldT] = {}
    for event in told:
        seen = highest.get(event.request_id)
        if seen is None or event.version > seen.version:
            highest[event.request_id] = event
    return [highest[request_id] for request_id in sorted(highest)]
