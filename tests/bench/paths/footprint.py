"""What a path leaves behind: rows written and bytes of write-ahead log in PostgreSQL, messages in Kafka."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

import asyncpg
from confluent_kafka import Consumer, TopicPartition
from truth_contracts.topics import SERVICES, TOPICS
from truth_local.demo.upstream import settings
from truth_local.system import System
from truth_topology.connection import Login

from tests.bench.paths import load
from tests.bench.paths.load import Side
from tests.bench.rows import Row, alone

_PATHS = 64
_CLIENTS = 8
_FLUSHED_SECONDS = 11.0
"""Sessions tell what they did when they come to rest, a busy one at most ten seconds later."""
_REQUEST_SECONDS = 10


@dataclass(frozen=True, slots=True)
class _Reading:
    rows: int
    octets: int
    messages: Mapping[str, int]


async def footprint(system: System, side: Side) -> list[Row]:
    """Rows, WAL and messages of a path of ours, at rest before and after."""
    conn = await asyncpg.connect(system.dsns["intake"].superuser)
    try:
        before = await _read(system, conn)
        await load.run(side, _CLIENTS, _PATHS)
        await asyncio.sleep(_FLUSHED_SECONDS)
        after = await _read(system, conn)
    finally:
        await conn.close()
    messages = {topic: (count - before.messages[topic]) / _PATHS for topic, count in after.messages.items()}
    return [
        alone("rows inserted, changed and deleted", [(after.rows - before.rows) / _PATHS], "rows/path"),
        alone("write-ahead log", [(after.octets - before.octets) / _PATHS / 1024], "KiB/path"),
        *(
            alone(f"messages on {topic}", [count], "messages/path")
            for topic, count in messages.items()
            if count
        ),
    ]


async def _read(system: System, conn: asyncpg.Connection) -> _Reading:
    rows = await conn.fetchval(
        "SELECT sum(tup_inserted + tup_updated + tup_deleted)::bigint FROM pg_stat_database WHERE datname = ANY($1)",
        list(SERVICES),
    )
    octets = await conn.fetchval("SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::bigint")
    return _Reading(int(rows), int(octets), await asyncio.to_thread(_ends, system))


def _ends(system: System) -> dict[str, int]:
    """How many messages there ever were, by topic."""
    login = Login(system.bootstrap, "admin", system.principals["admin"].password)
    consumer = Consumer(settings(login) | {"group.id": "unused", "enable.auto.commit": False})
    found = consumer.list_topics(timeout=_REQUEST_SECONDS).topics
    ends = {
        topic.name: sum(
            consumer.get_watermark_offsets(TopicPartition(topic.name, number), timeout=_REQUEST_SECONDS)[1]
            for number in found[topic.name].partitions
        )
        for topic in TOPICS
    }
    consumer.close()
    return ends
