"""What FastStream is told: read raw records in batches, commit nothing by itself, start at the beginning.

Everything else about consuming is in `subscription`. FastStream's defaults lose messages: they commit what
was only handed over, and read on past a failure.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any, TypeAlias, cast

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, ConsumerRecord, TopicPartition
from aiokafka.errors import ConsumerStoppedError
from faststream import AckPolicy
from faststream.kafka import KafkaBroker
from faststream.kafka.message import FAKE_CONSUMER, KafkaMessage
from faststream.security import SASLScram512

from truth_kit.connections import KafkaConnection

Record: TypeAlias = "ConsumerRecord[bytes | None, bytes | None]"
OnBatch: TypeAlias = Callable[[Sequence[Record]], Awaitable[None]]
GetMany: TypeAlias = Callable[..., Awaitable[dict[TopicPartition, list[Record]]]]

BATCH_MAX = 500
"""Records in one transaction at most."""
BATCH_BYTES_MAX = 2 * 1024 * 1024
"""Bytes in one transaction at most, or one record: read, refused and told they take twenty times that."""
_AHEAD_OF_BYTES_MAX = BATCH_BYTES_MAX * 3 // 4
"""Behind a batch that is larger nothing is read ahead: two of them would be held at once."""
_PARTITION_BYTES_MAX = 512 * 1024
"""Read ahead of each partition."""
DRAIN_SECONDS = 6.0
"""How long a running batch may hold back a rebalance or a stop, before it is rolled back."""
_POLL_MS = 500
_CAREFUL_MS = 20
_SESSION_SECONDS = 10
"""A replica with a name is back within this, and nobody else is disturbed."""
_UNNAMED_SESSION_SECONDS = 6
"""The broker's minimum: eager rebalancing waits that long for a replica that was killed."""


class UnreadableRecord(ConsumerRecord[bytes | None, bytes | None]):
    """Stands for a record that aiokafka cannot unpack: a header's name in it is not UTF-8."""


class Consumer(AIOKafkaConsumer):
    """Waits for data, tells when it last polled, and reads nothing past a failure."""

    polled_at: float | None = None
    broken: Exception | None = None
    is_careful = False
    """Read record by record, until the one that cannot be unpacked is found and passed."""
    _bytes_taken = 0  # by the last read

    async def getmany(
        self, *partitions: TopicPartition, timeout_ms: int = 0, max_records: int | None = None
    ) -> dict[TopicPartition, list[Record]]:
        """Records, or none after half a second. Once broken it hangs until it is stopped.

        FastStream asks for 1 ms and sleeps between polls; it logs an error and polls on, for ever.
        """
        del timeout_ms
        if self.broken is None:
            records = await self._read(*partitions, timeout_ms=_POLL_MS, max_records=max_records)
            if self.broken is None:
                return records
        return await asyncio.get_running_loop().create_future()

    async def read_on(self, max_records: int) -> dict[TopicPartition, list[Record]]:
        """What has come in behind a batch, at once; nothing if that would wait, or take too much memory."""
        is_moving: bool = cast("Any", self)._subscription.reassignment_in_progress
        if self.broken or self.is_careful or is_moving or self._bytes_taken > _AHEAD_OF_BYTES_MAX:
            return {}
        return await self._read(timeout_ms=0, max_records=max_records)

    async def _read(
        self, *partitions: TopicPartition, timeout_ms: int, max_records: int | None
    ) -> dict[TopicPartition, list[Record]]:
        try:
            if self.is_careful:
                records = await self._read_one_of_each()
            else:
                getmany = cast("GetMany", super().getmany)
                records = self._put_back_what_is_too_much(
                    await getmany(*partitions, timeout_ms=timeout_ms, max_records=max_records)
                )
        except ConsumerStoppedError:
            raise
        except Exception as error:  # noqa: BLE001 whatever it is, the consumer is built anew
            self.broken = error
            return {}
        self.polled_at = time.monotonic()
        return records

    def _put_back_what_is_too_much(
        self, records: dict[TopicPartition, list[Record]]
    ) -> dict[TopicPartition, list[Record]]:
        """As many as BATCH_BYTES_MAX allows, the first whatever its size; the others are read again."""
        kept: dict[TopicPartition, list[Record]] = {}
        room = BATCH_BYTES_MAX
        for partition, found in records.items():
            fitting = 0
            for record in found:
                room -= _bytes_of(record)
                if room < 0 and (kept or fitting):
                    cast("Any", self).seek(partition, record.offset)  # aiokafka's own types are partial
                    break
                fitting += 1
            if fitting:
                kept[partition] = found[:fitting]
        self._bytes_taken = BATCH_BYTES_MAX - room
        return kept

    async def _read_one_of_each(self) -> dict[TopicPartition, list[Record]]:
        """At most one record a partition: a failing one is then at its partition's position, none is lost.

        aiokafka decodes headers' names while it unpacks, and forgets what it had unpacked before a failure.
        """
        found: dict[TopicPartition, list[Record]] = {}
        client = cast("Any", super())  # aiokafka's own types are partial
        if not self.assignment():
            await asyncio.sleep(_CAREFUL_MS / 1000)
        for partition in sorted(self.assignment()):
            try:
                found |= await client.getmany(partition, timeout_ms=_CAREFUL_MS, max_records=1)
            except UnicodeDecodeError:
                offset: int = await client.position(partition)
                client.seek(partition, offset + 1)
                self.is_careful = False
                found[partition] = [_unreadable(partition, offset)]
        return found


class Feed:
    """One FastStream broker with one batch subscriber. Good for one start and one stop."""

    def __init__(  # noqa: PLR0913 all but three by name
        self,
        connection: KafkaConnection,
        topics: Sequence[str],
        listener: ConsumerRebalanceListener,
        *,
        group: str,
        replica: str | None,
        batch_max: int = BATCH_MAX,
    ) -> None:
        self._broker = KafkaBroker(
            connection.bootstrap.split(","),
            client_id=f"truth-{group}",
            security=_security(connection),
            consumer_only=True,
            allow_auto_create_topics=False,
            apply_types=False,
            logger=None,
            graceful_timeout=DRAIN_SECONDS + 4,
            retry_backoff_ms=300,  # aiokafka writes several log lines at each attempt
        )
        session_seconds = _SESSION_SECONDS if replica else _UNNAMED_SESSION_SECONDS
        self._subscriber = self._broker.subscriber(
            *topics,
            batch=True,
            max_records=batch_max,
            max_partition_fetch_bytes=_PARTITION_BYTES_MAX,
            batch_timeout_ms=1,  # the sleep after an empty poll; Consumer waits inside the poll
            group_id=group,
            group_instance_id=replica,
            auto_offset_reset="earliest",
            ack_policy=AckPolicy.MANUAL,
            listener=listener,
            parser=_untouched,
            decoder=_raw_records,
            no_reply=True,
            session_timeout_ms=session_seconds * 1000,
            heartbeat_interval_ms=session_seconds * 300,
            rebalance_timeout_ms=int(DRAIN_SECONDS * 1000) + 4000,
        )

    @property
    def consumer(self) -> Consumer | None:
        """None before the start and after the stop."""
        return cast("Consumer | None", self._subscriber.consumer)

    async def start(self, on_batch: OnBatch, *, is_careful: bool = False) -> None:
        """Join the group. Raises when the broker is away; then `stop` is still due."""
        self._subscriber(on_batch)
        await self._broker.connect()  # no network yet: it makes the builder of consumers
        config = self._broker.config.broker_config
        builder = cast("partial[AIOKafkaConsumer]", config.builder)
        config.builder = partial(_build, is_careful, **builder.keywords)
        await self._broker.start()

    async def stop(self) -> None:
        """Let the running batch end, then leave the group (a named replica keeps its place)."""
        await self._broker.stop()


def _build(is_careful: bool, *topics: str, **settings: Any) -> Consumer:  # noqa: ANN401 aiokafka's settings
    consumer = Consumer(*topics, **settings)
    consumer.is_careful = is_careful
    return consumer


def _bytes_of(record: Record) -> int:
    size = len(record.key or b"") + len(record.value or b"")
    for name, value in record.headers:  # a generator would take twice as long, for each record that comes in
        size += len(name) + len(value or b"")
    return size


def _unreadable(partition: TopicPartition, offset: int) -> UnreadableRecord:
    # The broker's time is among what could not be unpacked; it must be the same whenever this is read again.
    return UnreadableRecord(partition.topic, partition.partition, offset, 0, 0, None, None, None, -1, -1, ())


def _security(connection: KafkaConnection) -> SASLScram512:
    context = connection.ssl_context
    return SASLScram512(
        connection.username, connection.password, ssl_context=context, use_ssl=context is not None
    )


async def _untouched(records: tuple[Record, ...]) -> KafkaMessage:
    """FastStream's own parser decodes headers as UTF-8, and one bad header silently loses the whole batch."""
    return KafkaMessage(body=b"", headers={}, raw_message=records, message_id="", consumer=FAKE_CONSUMER)


async def _raw_records(message: KafkaMessage) -> list[Record]:
    return list(cast("tuple[Record, ...]", message.raw_message))
