"""Events already acted on. A row is written in the transaction that acted, and stays for ever."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import Column, Table, Text, exists, select
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.schema import TypedColumns

from truth_kit.columns import insert_arrays, instant_column, new_metadata


class InboxColumns(TypedColumns):
    """CloudEvents makes only the pair of source and id unique."""

    source: Column[str] = Column(Text, primary_key=True)
    event_id: Column[str] = Column(Text, primary_key=True)
    at: Column[datetime] = instant_column()


inbox = Table("inbox", new_metadata(), InboxColumns)

_ADD = insert_arrays(inbox).on_conflict_do_nothing().returning(inbox.c.event_id)


class ConcurrentTwinError(Exception):
    """Another replica decided on one of these records while we did: roll back and read them again."""


async def add(tx: AsyncConnection, events: Collection[tuple[str, str]], now: datetime) -> None:
    """Note that these (source, event id) were acted on in this transaction.

    Waits for a concurrent transaction that notes one of them too; if that commits, ConcurrentTwinError.
    """
    if not events:
        return
    ordered = sorted(events)  # one lock order for all replicas: no deadlock
    added = await tx.execute(
        _ADD,
        {
            "source": [source for source, _ in ordered],
            "event_id": [event_id for _, event_id in ordered],
            "at": [now] * len(ordered),
        },
    )
    if len(added.all()) != len(ordered):
        raise ConcurrentTwinError(f"{len(ordered)} events, some acted on by another replica meanwhile")


async def is_acted_on(conn: AsyncConnection, source: str, event_id: str) -> bool:
    """Whether this event was acted on, through whatever copy."""
    c = inbox.c
    query = select(exists().where(c.source == source, c.event_id == event_id))
    return bool((await conn.execute(query)).scalar_one())
