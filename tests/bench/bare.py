"""The floor: the same hop written by hand on aiokafka and asyncpg, and nothing else.

It reads the same contract, writes the same rows as governance does (inbox, Task, decision, outbox) and tells of
them on the same topic. It checks no envelope and no chain, keeps no dead letters, logs nothing, and gives up
at the first failure.
"""

import asyncio
import contextlib
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeAlias, cast
from uuid import UUID, uuid4

import asyncpg
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, TopicPartition
from truth_contracts.base import read
from truth_contracts.ids import EventId, TaskId
from truth_contracts.intakes import IntakeAccepted
from truth_contracts.tasks import TaskChanged
from truth_kit.connections import read_secret

from tests.bench.loop import Clock, Measured, Order, run_loop

Record: TypeAlias = "ConsumerRecord[bytes, bytes]"

_INBOX = """INSERT INTO truth.inbox SELECT '/runtime-truth/intake', unnest($1::text[]), now()
    ON CONFLICT DO NOTHING RETURNING event_id"""
_TASKS = """INSERT INTO truth.task (task_id, request_id, state, version, surface, maturity, summary, requested_by,
        history, opened_at, changed_at)
    SELECT unnest($1::uuid[]), unnest($2::uuid[]), 'pending_review', 1, unnest($3::text[]), unnest($4::text[]),
        'The tap drips', 'upstream:acme', unnest($5::text[]), now(), now()"""
_DECISIONS = """INSERT INTO truth.decision (decision_id, task_id, version, command, state, actor, at, content)
    SELECT unnest($1::uuid[]), unnest($2::uuid[]), 1, 'open', 'pending_review', 'service:governance', now(), '{}'"""
_OUTBOX = """INSERT INTO truth.outbox (topic, key, value, headers)
    SELECT 'tasks.changed', unnest($1::bytea[]), unnest($2::bytea[]), unnest($3::text[])"""
_HEADERS = json.dumps([["ce_specversion", "1.0"], ["ce_type", "truth.tasks.changed.v1"]])
_LINGER_MS = 0


async def _act(pool: "asyncpg.Pool[asyncpg.Record]", records: list[Record], clock: Clock) -> None:
    now = datetime.now(UTC)
    events = [read(IntakeAccepted, record.value or b"") for record in records]
    task_ids = [uuid4() for _ in events]
    changed = [_changed(event, task_id, now) for event, task_id in zip(events, task_ids, strict=True)]
    clock.start_once()
    async with pool.acquire() as conn, conn.transaction():
        new = await conn.fetch(_INBOX, [str(event.event_id) for event in events])
        if len(new) != len(events):
            raise RuntimeError("the floor measures first deliveries only")
        await conn.execute(
            _TASKS,
            task_ids,
            [event.request_id for event in events],
            [event.surface for event in events],
            [event.maturity for event in events],
            [(record.value or b"").decode() for record in records],
        )
        await conn.execute(_DECISIONS, [uuid4() for _ in events], task_ids)
        await conn.execute(_OUTBOX, [record.key for record in records], changed, [_HEADERS] * len(events))


def _changed(event: IntakeAccepted, task_id: UUID, now: datetime) -> bytes:
    told = TaskChanged(
        event_id=EventId(uuid4()),
        request_id=event.request_id,
        at=now,
        actor="service:governance",
        id=TaskId(task_id),
        version=1,
        state="pending_review",
    )
    return told.model_dump_json().encode()


async def _relay(dsn: str, producer: AIOKafkaProducer, wake: asyncio.Event, messages: int) -> None:
    conn, sent = await asyncpg.connect(dsn), 0
    while sent < messages:
        wake.clear()
        rows = await conn.fetch(
            "SELECT id, topic, key, value, headers FROM truth.outbox ORDER BY id LIMIT 500"
        )
        if not rows:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(wake.wait(), 1)
            continue
        acks: list[asyncio.Future[Any]] = [
            await cast(Any, producer).send(
                row["topic"], row["value"], key=row["key"], headers=_headers(row["headers"])
            )
            for row in rows
        ]
        await asyncio.gather(*acks)
        await conn.execute(
            "DELETE FROM truth.outbox WHERE id = ANY($1::bigint[])", [row["id"] for row in rows]
        )
        sent += len(rows)
    await conn.close()


def _headers(packed: str) -> list[tuple[str, bytes]]:
    return [(name, value.encode()) for name, value in json.loads(packed)]


async def bare(order: Order) -> Measured:
    """Consume what was ordered and publish a message for each."""
    login: dict[str, Any] = {
        "bootstrap_servers": order.bootstrap,
        "security_protocol": "SASL_PLAINTEXT",
        "sasl_mechanism": "SCRAM-SHA-512",
        "sasl_plain_username": "governance",
        "sasl_plain_password": read_secret(Path(order.password_file)),
    }
    consumer = AIOKafkaConsumer(
        "intakes.accepted",
        group_id="governance",
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        **login,
    )
    producer = AIOKafkaProducer(acks="all", enable_idempotence=True, linger_ms=_LINGER_MS, **login)
    await consumer.start()
    await producer.start()
    pool = await asyncpg.create_pool(order.dsn, min_size=2, max_size=2)
    wake, clock, done = asyncio.Event(), Clock(), 0
    relaying = asyncio.ensure_future(_relay(order.dsn, producer, wake, order.messages))
    while done < order.messages:
        polled = await cast(Any, consumer).getmany(timeout_ms=500, max_records=order.batch)
        found = cast(dict[TopicPartition, list[Record]], polled)
        records = [record for of_partition in found.values() for record in of_partition]
        if not records:
            continue
        await _act(pool, records, clock)
        wake.set()
        ends = {partition: of_it[-1].offset + 1 for partition, of_it in found.items() if of_it}
        await cast(Any, consumer).commit(ends)
        done += len(records)
    await relaying
    measured = clock.read(done)
    await consumer.stop()
    await producer.stop()
    await pool.close()
    return measured


if __name__ == "__main__":
    run_loop(bare)
