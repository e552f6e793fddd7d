"""Reads what was published, as anybody may who has the right to read: without a group, from the beginning."""

from collections.abc import Iterator
from dataclasses import dataclass

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaException, TopicPartition
from truth_topology.connection import Login

from truth_local.demo.upstream import settings

_POLL_SECONDS = 1.0


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
    """Everything in `topic` up to its present end, by partition and offset; raises KafkaException."""
    # The client wants a group's name; nothing is committed and no group is joined.
    consumer = Consumer(settings(login) | {"group.id": "unused", "enable.auto.commit": False})
    try:
        messages = tuple(_read(consumer, topic))
    finally:
        consumer.close()
    return tuple(sorted(messages, key=lambda message: (message.partition, message.offset)))


def _read(consumer: Consumer, topic: str) -> Iterator[Published]:
    ends = _ends(consumer, topic)
    consumer.assign([TopicPartition(topic, partition, OFFSET_BEGINNING) for partition in ends])
    while ends:
        message = consumer.poll(_POLL_SECONDS)
        if message is None:
            continue
        if error := message.error():
            raise KafkaException(error)
        partition, offset = message.partition() or 0, message.offset() or 0
        headers = tuple((name, _octets(value)) for name, value in message.headers() or [])
        yield Published(topic, partition, offset, _octets(message.key()), message.value(), headers)
        if offset + 1 >= ends.get(partition, 0):
            ends.pop(partition, None)


def _ends(consumer: Consumer, topic: str) -> dict[int, int]:
    """The end offset of each partition that holds anything."""
    metadata = consumer.list_topics(topic, timeout=10).topics[topic]
    if metadata.error:
        raise KafkaException(metadata.error)
    ends: dict[int, int] = {}
    for partition in metadata.partitions:
        low, high = consumer.get_watermark_offsets(TopicPartition(topic, partition), timeout=10)
        if high > low:
            ends[partition] = high
    return ends


def _octets(value: str | bytes | None) -> bytes:
    return value.encode() if isinstance(value, str) else value or b""
