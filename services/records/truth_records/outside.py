"""What is known of the log outside its database: the newest checkpoints on `records.checkpoints`."""

from collections.abc import Mapping, Sequence
from typing import Protocol, cast

from aiokafka import AIOKafkaConsumer, TopicPartition
from pydantic import ValidationError
from truth_contracts.base import read
from truth_contracts.records import CheckpointSigned
from truth_contracts.topics import RECORDS_CHECKPOINTS
from truth_kit.connections import KafkaConnection

_TAIL = 1000
"""Offsets read from each partition's end. The topic is compacted and one log writes at a time, so that its
newest checkpoint is the last of its partition; more are read in case another log's lie behind it."""

_FETCH_MS = 1000


async def read_checkpoints(kafka: KafkaConnection) -> list[str]:
    """The notes at the ends of the topic, of whatever log. Joins no group and commits nothing.

    Raises aiokafka.errors.KafkaError while the broker is away.
    """
    consumer = AIOKafkaConsumer(
        RECORDS_CHECKPOINTS.name,
        bootstrap_servers=kafka.bootstrap,
        client_id="truth-records-sealer",
        group_id=None,
        enable_auto_commit=False,
        security_protocol=kafka.security_protocol,
        ssl_context=kafka.ssl_context,
        sasl_mechanism="SCRAM-SHA-512",
        sasl_plain_username=kafka.username,
        sasl_plain_password=kafka.password,
        retry_backoff_ms=300,
    )
    try:
        await consumer.start()
        return await _read_tails(cast(_Consumer, consumer))
    finally:
        await consumer.stop()


class _Record(Protocol):
    value: bytes | None


class _Consumer(Protocol):
    """What is used here of AIOKafkaConsumer, whose own annotations are partial."""

    def assignment(self) -> set[TopicPartition]: ...
    async def beginning_offsets(
        self, partitions: Sequence[TopicPartition]
    ) -> Mapping[TopicPartition, int]: ...
    async def end_offsets(self, partitions: Sequence[TopicPartition]) -> Mapping[TopicPartition, int]: ...
    def seek(self, partition: TopicPartition, offset: int) -> None: ...
    async def position(self, partition: TopicPartition) -> int: ...
    async def getmany(self, *, timeout_ms: int) -> Mapping[TopicPartition, Sequence[_Record]]: ...


async def _read_tails(consumer: _Consumer) -> list[str]:
    partitions = sorted(consumer.assignment())
    firsts = await consumer.beginning_offsets(partitions)
    ends = await consumer.end_offsets(partitions)
    for partition in partitions:
        consumer.seek(partition, max(firsts[partition], ends[partition] - _TAIL))
    notes: list[str] = []
    while [p for p in partitions if await consumer.position(p) < ends[p]]:
        for records in (await consumer.getmany(timeout_ms=_FETCH_MS)).values():
            notes += [note for record in records if (note := _note(record))]
    return notes


def _note(record: _Record) -> str | None:
    """The signed note in a message; None in what cannot be read, since only its signature counts anyway."""
    try:
        return read(CheckpointSigned, record.value or b"").note
    except ValidationError:
        return None
