"""One key in several topics at once: in the partition it leads to, from a time on."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

# Services publish with this one; librdkafka keeps its own to itself.
from aiokafka.partitioner import murmur2  # pyright: ignore[reportUnknownVariableType] it has no types
from confluent_kafka import Consumer, Message, TopicPartition

MESSAGES_MAX = 50_000
"""Read from one partition before giving up."""

_BEFORE = timedelta(seconds=2)  # a step's time is its owner's clock, the broker has its own
_AFTER = timedelta(minutes=10)  # what was published later than this after its step is not looked for
_REQUEST_SECONDS = 5


class NotReadError(Exception):
    """Kafka does not answer, so nothing is known of messages."""


@dataclass(frozen=True, slots=True)
class _Stretch:
    """What is read of a topic."""

    partition: int
    start: int
    end: int
    until_ms: int

    def ends_with(self, message: Message) -> bool:
        """Whether nothing after `message` is read."""
        return int(message.offset() or 0) + 1 >= self.end or message.timestamp()[1] > self.until_ms


def partition_of(key: bytes, partitions: int) -> int:
    """Where services' producers put a key."""
    hashed: int = cast("Any", murmur2)(key)
    return (hashed & 0x7FFFFFFF) % partitions


def first_messages(consumer: Consumer, key: bytes, times: Mapping[str, datetime]) -> dict[str, Message]:
    """By topic, the first message of `key` from about its time on. Raises NotReadError or KafkaException.

    All are fetched together: to turn to another partition costs librdkafka over a second each time.
    """
    wanted = _stretches(consumer, key, times)
    found: dict[str, Message] = {}
    consumer.assign([TopicPartition(topic, one.partition, one.start) for topic, one in wanted.items()])
    while wanted:
        message = consumer.poll(_REQUEST_SECONDS)
        if message is None:
            raise NotReadError("Kafka sends nothing")
        stretch = wanted.get(str(message.topic()))
        if message.error() is not None or stretch is None:
            continue
        if message.key() == key:
            found[str(message.topic())] = message
        elif not stretch.ends_with(message):
            continue
        del wanted[str(message.topic())]
        consumer.incremental_unassign([TopicPartition(str(message.topic()), stretch.partition)])
    return found


def _stretches(consumer: Consumer, key: bytes, times: Mapping[str, datetime]) -> dict[str, _Stretch]:
    """Topics in which nothing is that new are left out."""
    known = consumer.list_topics(timeout=_REQUEST_SECONDS).topics
    asked = [
        TopicPartition(topic, partition_of(key, len(known[topic].partitions)), _ms(at - _BEFORE))
        for topic, at in times.items()
    ]
    starts = consumer.offsets_for_times(asked, timeout=_REQUEST_SECONDS) if asked else []
    return {
        start.topic: _Stretch(
            start.partition, start.offset, _end(consumer, start), _ms(times[start.topic] + _AFTER)
        )
        for start in starts
        if start.offset >= 0
    }


def _end(consumer: Consumer, start: TopicPartition) -> int:
    partition = TopicPartition(start.topic, start.partition)
    _, end = consumer.get_watermark_offsets(partition, timeout=_REQUEST_SECONDS)
    return min(end, start.offset + MESSAGES_MAX)


def _ms(at: datetime) -> int:
    return int(at.timestamp() * 1000)
