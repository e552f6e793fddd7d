"""The trace that a request came with, kept while the request waits for people: one row, if it came with one.

The relay puts it on every later event of the request, whoever caused that and whenever. Rows are only added.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Column, LargeBinary, Table, Text
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.schema import TypedColumns
from truth_contracts.envelope import Received
from truth_contracts.ids import RequestId
from truth_contracts.steps import PathEvent

from truth_kit.columns import insert_arrays, new_metadata
from truth_kit.tracing import parent_of


class TraceColumns(TypedColumns):
    """By Kafka key, which is the request's id on every topic that we write."""

    key: Column[bytes] = Column(LargeBinary, primary_key=True)
    parent: Column[str] = Column(Text, nullable=False)  # a traceparent (W3C Trace Context)


trace = Table("trace", new_metadata(), TraceColumns)

_KEEP = insert_arrays(trace).on_conflict_do_nothing()


async def keep(tx: AsyncConnection, parents: Mapping[RequestId, str | None]) -> None:
    """Later events of these requests are published with their `traceparent`. The first that is kept stays."""
    named = sorted((str(request_id).encode(), parent) for request_id, parent in parents.items() if parent)
    if named:  # in order of their keys, so that replicas never wait for each other in a circle
        await tx.execute(_KEEP, {"key": [key for key, _ in named], "parent": [parent for _, parent in named]})


def parents_of(events: Sequence[Received[Any]]) -> dict[RequestId, str | None]:
    """What senders named, by request."""
    found: dict[RequestId, str | None] = {}
    for received in events:
        event: object = received.event
        if isinstance(event, PathEvent):
            found[event.request_id] = found.get(event.request_id) or parent_of(received.message)
    return found
