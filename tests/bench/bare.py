"""The floor: the same hop on bare aiokafka and asyncpg, with inbox and outbox, and nothing else.

It parses each message, keeps it, and tells of it on `tasks.changed`, as governance does; it checks nothing,
logs nothing, and gives up at the first failure.
"""

import asyncio
import contextlib
import json
from pathlib import Path
from typing import Any, TypeAlias, cast
from uuid import uuid4

import asyncpg
import orjson
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, TopicPartition
from truth_kit.connections import read_secret

from tests.bench.loop import Clock, Measured, Order, run_loop

TABLES = """
    CREATE SCHEMA IF NOT EXISTS bench;
    DROP TABLE IF EXISTS bench.inbox, bench.task, bench.outbox;
    CREATE TABLE bench.inbox (source text, event_id text, at timestamptz NOT NULL DEFAULT now(), PRIMARY KEY (source, event_id));
    CREATE TABLE bench.task (
        task_id uuid PRIMARY KEY, request_id uuid UNIQUE NOT NULL, state text NOT NULL, version int NOT NULL,
        steps bytea NOT NULL, at timestamptz NOT NULL DEFAULT now()
    );
    CREATE TABLE bench.outbox (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, topic text NOT NULL, key bytea, value bytea,
        headers text NOT NULL, created_at timestamptz NOT NULL DEFAULT now()
    );
    GRANT USAGE ON SCHEMA bench TO governance_app;
    GRANT ALL ON ALL TABLES IN SCHEMA bench TO governance_app;
"""
_INBOX = "INSERT INTO bench.inbox SELECT unnest($1::text[]), unnest($2::text[]) ON CONFLICT DO NOTHING RETURNING event_id"
_TASKS = "INSERT INTO bench.task SELECT unnest($1::uuid[]), unnest($2::uuid[]), 'pending_review', 1, unnest($3::bytea[])"
_OUTBOX = "INSERT INTO bench.outbox (topic, key, value, headers) SELECT 'tasks.changed', unnest($1::bytea[]), unnest($2::bytea[]), unnest($3::text[])"
_HEADERS = json.dumps([["ce_specversion", "1.0"], ["ce_type", "truth.tasks.changed.v1"]])
_LINGER_MS = 0
Record: TypeAlias = "ConsumerRecord[bytes, bytes]"


async def _act(pool: "asyncpg.Pool[asyncpg.Record]", records: list[Record]) -> None:
    events = [orjson.loads(record.value or b"") for record in records]
    changed = [
        orjson.dumps(
            {
                "event_id": str(uuid4()),
                "request_id": event["request_id"],
                "version": 1,
                "state": "pending_review",
            }
        )
        for event in events
    ]
    async with pool.acquire() as conn, conn.transaction():
        new = await conn.fetch(
            _INBOX, ["/runtime-truth/intake"] * len(events), [event["event_id"] for event in events]
        )
        if len(new) != len(events):
            raise RuntimeError("the floor measures first deliveries only")
        await conn.execute(
            _TASKS,
            [uuid4() for _ in events],
            [event["request_id"] for event in events],
            [r.value for r in records],
        )
        await conn.execute(_OUTBOX, [record.key for record in records], changed, [_HEADERS] * len(events))


async def _relay(dsn: str, producer: AIOKafkaProducer, wake: asyncio.Event, messages: int) -> None:
    conn, sent = await asyncpg.connect(dsn), 0
    while sent < messages:
        wake.clear()
        rows = await conn.fetch(
            "SELECT id, topic, key, value, headers FROM bench.outbox ORDER BY id LIMIT 500"
        )
        if not rows:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(wake.wait(), 1)
            continue
        acks: list[asyncio.Future[Any]] = [
            await cast(Any, producer).send(
                r["topic"],
                r["value"],
                key=r["key"],
                headers=[(n, v.encode()) for n, v in json.loads(r["headers"])],
            )
            for r in rows
        ]
        await asyncio.gather(*acks)
        await conn.execute(
            "DELETE FROM bench.outbox WHERE id = ANY($1::bigint[])", [row["id"] for row in rows]
        )
        sent += len(rows)
    await conn.close()


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
        clock.start_once()
        await _act(pool, records)
        wake.set()
        await cast(Any, consumer).commit(
            {TopicPartition(p.topic, p.partition): rs[-1].offset + 1 for p, rs in found.items() if rs}
        )
        done += len(records)
    await relaying
    measured = clock.read(done)
    await consumer.stop()
    await producer.stop()
    await pool.close()
    return measured


if __name__ == "__main__":
    run_loop(bare)
