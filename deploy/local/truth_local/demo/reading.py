"""Reads what was published, as anybody may who has the right to read: without a group, from the beginning."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, cast

from aiokafka import AIOKafkaConsumer, TopicPartition
from truth_topology.connection import Login

_POLL_MS = 1000


@dataclass(frozen=True, slots=True)
class Published:
    """A message as it lies in a topic."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...]


def read_topic(login: Login, topic: str) -> tuple[Published, ...]:
    """Everything in `topic` up to its present end, by partition and offset.

    Raises aiokafka.errors.KafkaError. Not for use inside a running event loop.
    """
    messages = asyncio.run(_read_topic(login, topic))
    return tuple(sorted(messages, key=lambda message: (message.partition, message.offset)))


async def _read_topic(login: Login, topic: str) -> list[Published]:
    consumer = AIOKafkaConsumer(
        topic,
        bootstrap_servers=login.bootstrap,
        security_protocol=login.protocol,
        sasl_mechanism="SCRAM-SHA-512",
        sasl_plain_username=login.username,
        sasl_plain_password=login.password,
        group_id=None,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
    )
    await consumer.start()
    try:
        return [message async for message in _read(consumer)]
    finally:
        await consumer.stop()


async def _read(consumer: AIOKafkaConsumer) -> AsyncIterator[Published]:
    client = cast("Any", consumer)  # aiokafka's own types are partial
    partitions = sorted(consumer.assignment())  # without a group: all of them, from the start
    starts: dict[TopicPartition, int] = await client.beginning_offsets(partitions)
    ends: dict[TopicPartition, int] = await client.end_offsets(partitions)
    left = {partition for partition in partitions if ends[partition] > starts[partition]}
    while left:
        polled: dict[TopicPartition, list[Any]] = await client.getmany(timeout_ms=_POLL_MS)
        for partition, records in polled.items():
            for record in records:
                yield Published(
                    record.topic,
                    record.partition,
                    record.offset,
                    record.key,
                    record.value,
                    tuple(record.headers),
                )
                if record.offset + 1 >= ends[partition]:
                    left.discard(partition)
