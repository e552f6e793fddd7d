"""Dead letters: messages not acted on, with their reason. Rows are only ever added, never changed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Column, Integer, LargeBinary, Table, Text, UniqueConstraint
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.schema import TypedColumns
from truth_contracts.envelope import Coordinates, Message, Received
from truth_contracts.refusals import Refusal
from truth_contracts.steps import PathEvent

from truth_kit.columns import id_column, insert_arrays, instant_column, new_metadata, optional_id_column
from truth_kit.fresh import new_id
from truth_kit.inbox import ConcurrentTwinError
from truth_kit.outbox import pack_headers


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A message that was not acted on, as it came, and why. Without ids when it could not be read."""

    message: Message
    coordinates: Coordinates
    appended_at: datetime
    refusal: Refusal
    source: str | None = None
    event_id: str | None = None
    request_id: UUID | None = None

    @classmethod
    def of(cls, received: Received[Any], refusal: Refusal) -> "DeadLetter":
        """The dead letter of an event that could be read."""
        event: object = received.event
        return cls(
            received.message,
            received.coordinates,
            received.appended_at,
            refusal,
            received.source,
            received.event_id,
            event.request_id if isinstance(event, PathEvent) else None,
        )


class DeadLetterColumns(TypedColumns):
    """One row for a place in Kafka and its broker's time, for ever. `headers` is what pack_headers made."""

    id: Column[UUID] = id_column(UUID, primary_key=True)
    topic: Column[str] = Column(Text, nullable=False)
    partition: Column[int] = Column(Integer, nullable=False)
    offset: Column[int] = Column(BigInteger, nullable=False)
    appended_at: Column[datetime] = instant_column()
    key: Column[bytes | None] = Column(LargeBinary, nullable=True)
    value: Column[bytes | None] = Column(LargeBinary, nullable=True)
    headers: Column[str] = Column(Text, nullable=False)
    source: Column[str | None] = Column(Text, nullable=True)
    event_id: Column[str | None] = Column(Text, nullable=True)
    request_id: Column[UUID | None] = optional_id_column(UUID)
    code: Column[str] = Column(Text, nullable=False)
    detail: Column[str] = Column(Text, nullable=False)
    field: Column[str | None] = Column(Text, nullable=True)
    expected: Column[str | None] = Column(Text, nullable=True)
    received: Column[str | None] = Column(Text, nullable=True)
    first_at: Column[datetime] = instant_column()


class DeadLetterActionColumns(TypedColumns):
    """What somebody did about a dead letter. At most one row a letter closes it (a partial unique index)."""

    id: Column[UUID] = id_column(UUID, primary_key=True)
    dead_letter_id: Column[UUID] = id_column(UUID)
    what: Column[str] = Column(Text, nullable=False)  # redrive, dry_run, dismiss
    by: Column[str] = Column(Text, nullable=False)  # an actor's reference
    at: Column[datetime] = instant_column()
    reason: Column[str | None] = Column(Text, nullable=True)
    outcome: Column[str] = Column(
        Text, nullable=False
    )  # redriven and dismissed close; refused, would_redrive do not
    code: Column[str | None] = Column(Text, nullable=True)
    detail: Column[str | None] = Column(Text, nullable=True)


_metadata = new_metadata()
dead_letter = Table(
    "dead_letter",
    _metadata,
    DeadLetterColumns,
    UniqueConstraint("topic", "partition", "offset", "appended_at"),
)
dead_letter_action = Table("dead_letter_action", _metadata, DeadLetterActionColumns)

_RECORD = insert_arrays(dead_letter).on_conflict_do_nothing().returning(dead_letter.c.id)


async def record(tx: AsyncConnection, letters: Sequence[DeadLetter], now: datetime) -> None:
    """Keep these for good. ConcurrentTwinError when another replica kept one of them meanwhile."""
    if not letters:
        return
    rows = [_row(letter, now) for letter in letters]
    recorded = await tx.execute(_RECORD, {name: [row[name] for row in rows] for name in rows[0]})
    if len(recorded.all()) != len(rows):
        raise ConcurrentTwinError(f"{len(rows)} dead letters, some recorded by another replica meanwhile")


def _row(letter: DeadLetter, now: datetime) -> dict[str, object]:
    message, place, refusal = letter.message, letter.coordinates, letter.refusal
    return {
        "id": new_id(),
        "topic": place.topic,
        "partition": place.partition,
        "offset": place.offset,
        "appended_at": letter.appended_at,
        "key": message.key,
        "value": message.value,
        "headers": pack_headers(message.headers),
        "source": letter.source,
        "event_id": letter.event_id,
        "request_id": letter.request_id,
        "code": refusal.code,
        "detail": _text(refusal.detail),
        "field": _text(refusal.field),
        "expected": _text(refusal.expected),
        "received": _text(refusal.received),
        "first_at": now,
    }


def _text(told: str | None) -> str | None:
    # A refusal may quote what a stranger named; PostgreSQL takes any character but NUL.
    return told if told is None else told.replace("\0", "\N{REPLACEMENT CHARACTER}")[:2000]
