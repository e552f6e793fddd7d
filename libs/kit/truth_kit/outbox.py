"""Messages waiting to be published: written in the transaction that decided them, deleted by the relay."""

from collections.abc import Sequence
from datetime import datetime

from pydantic_core import from_json, to_json
from sqlalchemy import BigInteger, Column, DateTime, Identity, LargeBinary, Table, Text, func
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.schema import TypedColumns
from truth_contracts.envelope import Headers, Message, to_kafka
from truth_contracts.steps import Event
from truth_contracts.topics import TOPICS

from truth_kit.columns import insert_arrays, new_metadata


class OutboxColumns(TypedColumns):
    """`id` orders what is published; `headers` is what pack_headers made."""

    id: Column[int] = Column(BigInteger, Identity(always=True), primary_key=True)
    topic: Column[str] = Column(Text, nullable=False)
    key: Column[bytes | None] = Column(LargeBinary, nullable=True)
    value: Column[bytes | None] = Column(LargeBinary, nullable=True)
    headers: Column[str] = Column(Text, nullable=False)
    created_at: Column[datetime] = Column(DateTime(timezone=True), server_default=func.now(), nullable=False)


outbox = Table("outbox", new_metadata(), OutboxColumns)

_ADD = insert_arrays(outbox, "topic", "key", "value", "headers")
_BYTES_MAX = {topic.name: topic.bytes_max for topic in TOPICS}
_USED = "truth_kit.outbox.used"


class MessageTooLargeError(Exception):
    """A decision made more bytes than its topic takes. In the outbox they would stop the relay for good."""


async def add(tx: AsyncConnection, messages: Sequence[Event | Message]) -> None:
    """Publish these, in this order per key, once the transaction has committed; nothing leaves before.

    An event becomes a message of its own topic, keyed by its request_id. Raises MessageTooLargeError.
    """
    if not messages:
        return
    outgoing = [message if isinstance(message, Message) else to_kafka(message) for message in messages]
    for message in outgoing:
        if message_bytes(message) > _BYTES_MAX[message.topic]:
            raise MessageTooLargeError(f"{message_bytes(message)} bytes are too many for {message.topic}")
    await tx.execute(
        _ADD,
        {
            "topic": [message.topic for message in outgoing],
            "key": [message.key for message in outgoing],
            "value": [message.value for message in outgoing],
            "headers": [pack_headers(message.headers) for message in outgoing],
        },
    )
    tx.info[_USED] = True


def was_used(tx: AsyncConnection) -> bool:
    """Whether `add` was called on this connection since this was last asked."""
    return bool(tx.info.pop(_USED, False))


def message_bytes(message: Message) -> int:
    """What a message weighs: key, value and headers; the record's framing, under 100 bytes, is left out."""
    headers = sum(len(name.encode()) + len(value) for name, value in message.headers)
    return len(message.key or b"") + len(message.value or b"") + headers


def pack_headers(headers: Headers) -> str:
    """Headers as JSON: a byte is the character of the same number, so that any bytes survive.

    Also those that PostgreSQL's text and jsonb refuse: NUL, and what is not UTF-8.
    """
    return to_json([(name, value.decode("latin-1")) for name, value in headers]).decode()


def unpack_headers(packed: str) -> Headers:
    """The headers that pack_headers was given."""
    return tuple((name, value.encode("latin-1")) for name, value in from_json(packed))
