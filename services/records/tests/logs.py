"""A log for tests that need many entries: Records whose texts are whole, under a key of their own."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import cache
from typing import cast
from uuid import uuid4

import asyncpg
from aiokafka import AIOKafkaProducer
from truth_contracts.envelope import to_kafka
from truth_contracts.ids import EventId, RecordId, RequestId
from truth_contracts.records import CheckpointSigned
from truth_kit.connections import KafkaConnection
from truth_kit.database import Database
from truth_kit.fresh import new_id
from truth_records.bell import Bell
from truth_records.domain.log import Batch, LogKey, ReadyDraft, restore, seal
from truth_records.sealer import Sealer
from truth_records.store import log as store
from truth_sealing.canonical import Json, canonical, sha256_hex
from truth_sealing.checkpoint import Checkpoint, sign_checkpoint
from truth_sealing.edge import Edge
from truth_sealing.keys import FileSigner
from truth_sealing.strict import strict_object

from services.records.tests.builders import NOW, draft, path, uuid_of


def new_key() -> LogKey:
    """A log of its own: tests share the topic of checkpoints."""
    signer = FileSigner.generate(f"records.example.org/{uuid4().hex}")
    return LogKey(signer, signer.verify_key.key_id, (signer.verify_key,))


@cache
def _members() -> dict[str, Json]:
    return strict_object(draft(0, path(0, evidence=(), outcome="not_fulfilled")).body)


def ready(number: int) -> ReadyDraft:
    """A draft whose text an audit accepts, a fiftieth of the work of a signed path."""
    record_id, subject = uuid_of(number, "record"), sha256_hex(b"subject %d" % number)
    *earlier, last = cast(list[dict[str, Json]], _members()["chain"])
    chain = [*earlier, {**last, "sha256": subject}]
    body = canonical({**_members(), "record_id": str(record_id), "chain": chain})
    return ReadyDraft(
        n=number,
        record_id=RecordId(record_id),
        request_id=RequestId(uuid_of(number, "request_id")),
        event_id=EventId(uuid_of(number, "sealed")),
        subject=bytes.fromhex(subject),
        body=body,
        sha256=bytes.fromhex(sha256_hex(body)),
    )


@dataclass
class Grown:
    """A log in a database, grown batch by batch without a sealer's task."""

    database: Database
    key: LogKey = field(default_factory=new_key)
    edge: Edge = field(default_factory=Edge)

    async def grow(self, first: int, *more: int) -> Batch:
        """Seal batches of these sizes; returns the last."""
        connection = await asyncpg.connect(self.database.connection.dsn)
        try:
            batch = await self._seal(connection, first)
            for size in more:
                batch = await self._seal(connection, size)
        finally:
            await connection.close()
        return batch

    async def _seal(self, connection: asyncpg.Connection, size: int) -> Batch:
        batch = seal(self.edge, [ready(self.edge.size + number) for number in range(size)], self.key)
        await store.seal(connection, batch, [], NOW)
        self.edge = batch.edge
        return batch

    async def restored(self) -> Edge:
        """The edge as a sealer finds it at its start."""
        connection = await asyncpg.connect(self.database.connection.dsn)
        try:
            return restore(await store.read_edge(connection), self.key)
        finally:
            await connection.close()

    def sealer(self, kafka: KafkaConnection, bell: Bell | None = None) -> Sealer:
        """A sealer of this log."""
        return Sealer(self.key, kafka, bell or Bell())


async def as_superuser(dsn: str, *statements: str) -> None:
    """Tamper: with triggers off, as somebody who has taken the database over."""
    connection = await asyncpg.connect(dsn)
    try:
        for table in ("record", "tile", "checkpoint"):
            await connection.execute(f"ALTER TABLE truth.{table} DISABLE TRIGGER ALL")
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()


async def published_outside(kafka: KafkaConnection, grown: Grown, checkpoint: Checkpoint) -> None:
    """Tell the world of a checkpoint, as the relay does; signed with the log's own key."""
    note = sign_checkpoint(checkpoint, (grown.key.signer, grown.key.key_id))
    event = CheckpointSigned(
        event_id=EventId(new_id()), at=NOW, actor="service:records", origin=checkpoint.origin, size=checkpoint.size, note=note
    )  # fmt: skip
    message = to_kafka(event, key=checkpoint.origin.encode())
    producer = AIOKafkaProducer(
        bootstrap_servers=kafka.bootstrap, security_protocol="SASL_PLAINTEXT", sasl_mechanism="SCRAM-SHA-512",
        sasl_plain_username=kafka.username, sasl_plain_password=kafka.password,
    )  # fmt: skip
    await producer.start()
    try:
        send = cast(Callable[..., Awaitable[object]], producer.send_and_wait)  # pyright: ignore[reportUnknownMemberType]
        await send(message.topic, message.value, key=message.key, headers=list(message.headers))
    finally:
        await producer.stop()
