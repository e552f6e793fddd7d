"""Does the relay slow down when a million rows have passed the outbox? A fresh database beside one of that age."""

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, cast
from uuid import uuid4

import asyncpg
import structlog
from aiokafka import AIOKafkaConsumer
from sqlalchemy import make_url
from truth_contracts.envelope import Message
from truth_kit import outbox
from truth_kit.connections import DatabaseConnection, KafkaConnection
from truth_kit.database import Database
from truth_kit.relay import Relay
from truth_local.services import migrate
from truth_local.system import System

from tests.bench.logs import execute
from tests.bench.rows import Row, paired, quantile

_TOPIC = "tasks.changed"
_HEADERS = outbox.pack_headers((("ce_specversion", b"1.0"), ("ce_type", b"truth.tasks.changed.v1")))
_PASS = """
    INSERT INTO truth.outbox (topic, key, value, headers)
    SELECT $1, gen_random_uuid()::text::bytea, convert_to(repeat('x', 600), 'UTF8'), $2 FROM generate_series(1, $3)
"""
_CHUNK = 10_000
_SENT = 200
_PAUSE_SECONDS = 0.01


@dataclass(frozen=True, slots=True)
class Publishing:
    """A database with its relay at work."""

    database: Database
    relay: Relay
    superuser: asyncpg.Connection


def measure(system: System, age: int, rounds: int, tell: Callable[[str], None]) -> list[Row]:
    """Latency of the relay, from commit to a reader, after `age` rows beside none; and its rate, late beside early."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    migrate(system.layout, system.ports, "governance")
    return asyncio.run(_measure(system, age, rounds, tell))


async def _measure(system: System, age: int, rounds: int, tell: Callable[[str], None]) -> list[Row]:
    async with (
        _publishing(system, "bench_outbox_new") as new,
        _publishing(system, "bench_outbox_old") as old,
        _reading(system) as reader,
    ):
        tell(f"Passing {age:,} rows through an outbox …")
        rates = [await _pass(old, age // 10) for _ in range(10)]
        await cast(Any, reader).seek_to_end()
        pairs: list[tuple[list[float], list[float]]] = []
        for number in range(rounds + 1):
            tell(f"Relay latency, round {number} of {rounds} …")
            pairs.append((await _latencies(old, reader), await _latencies(new, reader)))
    return [
        *(
            paired(
                f"relay latency after {age:,} rows beside none: {name}",
                [(quantile(a, share), quantile(b, share)) for a, b in pairs[1:]],  # the first warmed up
                "ms",
            )
            for name, share in (("p50", 0.5), ("p99", 0.99))
        ),
        paired(f"relay rate, last tenth of {age:,} rows beside the first", [(rates[-1], rates[0])], "rows/s"),
    ]


@asynccontextmanager
async def _publishing(system: System, name: str) -> AsyncGenerator[Publishing]:
    """A copy of governance's migrated database with a relay, both gone at the end."""
    dsns, principal = system.dsns["governance"], system.principals["governance"]
    await execute(dsns.superuser, f'CREATE DATABASE "{name}" TEMPLATE governance OWNER governance_owner')
    app, superuser = (
        make_url(dsn).set(database=name).render_as_string(hide_password=False)
        for dsn in (dsns.app, dsns.superuser)
    )
    database = Database(DatabaseConnection(dsn=app), "governance")
    kafka = KafkaConnection(
        bootstrap=system.bootstrap, username=principal.username, password_file=principal.password_file
    )
    relay = Relay("governance", kafka, database)
    running = asyncio.create_task(relay.run())
    conn = await asyncpg.connect(superuser)
    try:
        yield Publishing(database, relay, conn)
    finally:
        relay.stop()
        await running
        await asyncio.gather(database.close(), conn.close())
        await execute(dsns.superuser, f'DROP DATABASE "{name}" WITH (FORCE)')


@asynccontextmanager
async def _reading(system: System) -> AsyncGenerator[AIOKafkaConsumer]:
    consumer = AIOKafkaConsumer(
        _TOPIC,
        bootstrap_servers=system.bootstrap,
        group_id=None,
        auto_offset_reset="latest",
        security_protocol="SASL_PLAINTEXT",
        sasl_mechanism="SCRAM-SHA-512",
        sasl_plain_username="admin",
        sasl_plain_password=system.principals["admin"].password,
    )
    await consumer.start()
    try:
        yield consumer
    finally:
        await consumer.stop()


async def _pass(through: Publishing, rows: int) -> float:
    """Rows a second, put in as fast as the relay takes them out."""
    started, sent = time.perf_counter(), through.relay.facts().sent
    for first in range(0, rows, _CHUNK):
        chunk = min(_CHUNK, rows - first)
        await through.superuser.execute(_PASS, _TOPIC, _HEADERS, chunk)
        through.database.wake.set()
        while through.relay.facts().sent < sent + first + chunk:  # noqa: ASYNC110 it rings no bell
            await asyncio.sleep(0.002)
    return rows / (time.perf_counter() - started)


async def _latencies(through: Publishing, reader: AIOKafkaConsumer) -> list[float]:
    """Milliseconds from a commit to the message at a reader, one at a time."""
    found: list[float] = []
    for _ in range(_SENT):
        key = str(uuid4()).encode()
        async with through.database.begin() as tx:
            await outbox.add(tx, [Message(_TOPIC, key, b"x" * 600, outbox.unpack_headers(_HEADERS))])
        started = time.perf_counter()
        while (await cast(Any, reader).getone()).key != key:
            pass
        found.append((time.perf_counter() - started) * 1e3)
        await asyncio.sleep(_PAUSE_SECONDS)
    return found
