"""The consumer loop: a batch, one transaction, then its offsets; and again after whatever went wrong."""
# aiokafka has no type hints:
# pyright: reportUnknownMemberType=false

import asyncio
import gc
import random
import time
from collections.abc import Collection, Sequence
from datetime import datetime

import structlog
from aiokafka import ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import KafkaError
from truth_contracts.ops import TopicLag

from truth_kit.connections import KafkaConnection
from truth_kit.database import Database
from truth_kit.fresh import utc_now
from truth_kit.metrics import Metrics
from truth_kit.subscribe.arrivals import Batch, appended_at, firsts_appended
from truth_kit.subscribe.consumer import BATCH_MAX, DRAIN_SECONDS, Consumer, Feed, Record
from truth_kit.subscribe.counting import count
from truth_kit.subscribe.decide import Decided, act
from truth_kit.subscribe.lag import ConsumerFacts, fetched_seconds, lags
from truth_kit.subscribe.route import AnyRoute
from truth_kit.subscribe.singly import decide_singly, is_about_a_value
from truth_kit.telemetry import described

log = structlog.get_logger()

_START_SECONDS_MAX = 60
_STOP_SECONDS_MAX = DRAIN_SECONDS + 8
_COMMIT_SECONDS_MAX = 5
_COMMIT_AGAIN_SECONDS_MAX = 2  # with a drain below what a rebalance waits for
_UNPOLLED_SECONDS_MAX = 30
_STEADY_SECONDS = 10
_BACK_OFF_SECONDS_MAX = 10


class Subscription(ConsumerRebalanceListener):
    """Consumes a service's routes, as the group named like the service.

    A batch is decided in one transaction and its offsets are committed after it, never before. A failure
    means the same batch again: nothing is skipped, and nothing is acted on twice (the inbox). While a large
    batch is decided the next one is read, and the offsets of the one before are told to the broker; decided
    is one at a time. `replica` is a stable name of this process, if it has one: then a restart disturbs
    nobody.
    """

    def __init__(  # noqa: PLR0913 what a consumer is made of
        self,
        service: str,
        routes: Sequence[AnyRoute],
        kafka: KafkaConnection,
        database: Database,
        *,
        replica: str | None = None,
        batch_max: int = BATCH_MAX,
        metrics: Metrics | None = None,
    ) -> None:
        self._service, self._routes, self._kafka, self._database = service, routes, kafka, database
        self._replica, self._batch_max = replica, batch_max
        self._metrics = metrics or Metrics(service)
        self._is_careful = False  # something could not be unpacked: find it record by record
        self._is_singly = False  # the database did not take a value: decide record by record
        self._stopping, self._idle = asyncio.Event(), asyncio.Event()
        self._idle.set()
        self._feed: Feed | None = None
        self._is_draining = False  # no batch begins after the running one: partitions or consumer are to go
        self._attempt: asyncio.Task[Decided] | None = None
        self._starts_failed = self._batches_failed = 0  # in a row
        self._ends: dict[TopicPartition, int] = {}  # up to where all is decided, per assigned partition
        self._uncommitted: dict[TopicPartition, int] = {}  # those of them that the broker does not have yet
        self._waiting_since: dict[TopicPartition, datetime] = {}  # the first past the end, if read
        self._committing = asyncio.Lock()
        self._blocked: dict[TopicPartition, str] = {}
        self._broker_error: str | None = "broker: not connected yet"
        self._batch_error: str | None = None
        self._committed_at: float | None = None
        self._acted_on = self._refused = self._repeated = 0

    async def run(self) -> None:
        """Consume until stop(). A broker that is away, at the start or later, is waited for."""
        while not self._stopping.is_set():
            try:
                self._feed = Feed(
                    self._kafka,
                    [route.topic.name for route in self._routes],
                    self,
                    group=self._service,
                    replica=self._replica,
                    batch_max=self._batch_max,
                )
                self._is_draining = False
                await self._start(self._feed)
                await self._watch(self._feed)
            except Exception as error:  # noqa: BLE001 whatever it is, the consumer is built anew
                self._starts_failed += 1
                self._is_careful = isinstance(error, UnicodeDecodeError)
                self._broker_error = f"broker: {described(error)}"[:200]
                log.warning("consumer.waiting", error=described(error), failures=self._starts_failed)
            finally:
                await self._close()
            await self._back_off(self._starts_failed)

    def stop(self) -> None:
        """Make run() return: no more polls, the running batch ends and is committed, the group is left."""
        self._stopping.set()

    def facts(self) -> ConsumerFacts:
        """What readiness asks."""
        now, consumer = time.monotonic(), self._feed.consumer if self._feed else None
        mine = sorted(consumer.assignment()) if consumer and not self._broker_error else []
        polled_at = consumer.polled_at if consumer else None
        by_topic = self._lags(consumer, mine) if consumer and not self._broker_error else None
        return ConsumerFacts(
            assigned=tuple((partition.topic, partition.partition) for partition in mine),
            polled_seconds=None if polled_at is None else now - polled_at,
            fetched_seconds=fetched_seconds(consumer, mine) if consumer else None,
            committed_seconds=None if self._committed_at is None else now - self._committed_at,
            behind=None if by_topic is None else sum(lag.behind for lag in by_topic.values()),
            waiting_for=self._waiting_for(),
            acted_on=self._acted_on,
            refused=self._refused,
            repeated=self._repeated,
            lags=by_topic,
        )

    async def on_partitions_revoked(  # pyright: ignore[reportIncompatibleMethodOverride] aiokafka awaits it
        self, revoked: Collection[TopicPartition]
    ) -> None:
        """Keep the partitions until the running batch is committed; past the deadline roll it back."""
        del revoked  # eager rebalancing takes them all
        self._is_draining = True
        try:
            await asyncio.wait_for(self._idle.wait(), DRAIN_SECONDS)
        except TimeoutError:
            log.warning("batch.given_up", seconds=DRAIN_SECONDS)
            if self._attempt:
                self._attempt.cancel()
            await self._idle.wait()
        async with self._committing:  # nothing is committed for what is another's by then
            self._uncommitted = {}

    async def on_partitions_assigned(  # pyright: ignore[reportIncompatibleMethodOverride] aiokafka awaits it
        self, assigned: Collection[TopicPartition]
    ) -> None:
        """Note where each partition begins for us; what failed or was blocked is tried again somewhere."""
        self._is_draining, self._blocked, self._batch_error = False, {}, None
        self._uncommitted, self._waiting_since = {}, {}  # the broker knows better
        consumer = self._feed.consumer if self._feed else None
        if consumer is None:
            return
        partitions = sorted(assigned)
        positions = [asyncio.wait_for(consumer.position(partition), 3) for partition in partitions]
        found = await asyncio.gather(*positions, return_exceptions=True)
        self._ends = {
            partition: position
            for partition, position in zip(partitions, found, strict=True)
            if not isinstance(position, BaseException)
        }
        log.info("partitions.assigned", partitions=len(partitions))

    async def _start(self, feed: Feed) -> None:
        starting = asyncio.ensure_future(feed.start(self._on_batch, is_careful=self._is_careful))
        await self._until_stopped(_START_SECONDS_MAX, starting)
        if not starting.done():
            starting.cancel()
            await asyncio.wait({starting}, timeout=_COMMIT_SECONDS_MAX)
            if not self._stopping.is_set():
                raise TimeoutError(f"no group within {_START_SECONDS_MAX} s")
            return
        starting.result()

    async def _watch(self, feed: Feed) -> None:
        steady_at = time.monotonic() + _STEADY_SECONDS
        while not self._stopping.is_set():
            consumer = feed.consumer
            if consumer is None:
                raise ConnectionError("the consumer is gone")
            if consumer.broken is not None:
                raise consumer.broken
            if consumer.polled_at is not None:
                self._broker_error = None
            if time.monotonic() > steady_at:  # what breaks at once each time must not become a hot loop
                self._starts_failed = 0
            unpolled = time.monotonic() - (consumer.polled_at or time.monotonic())
            if self._idle.is_set() and unpolled > _UNPOLLED_SECONDS_MAX:
                raise TimeoutError(f"not polled for {_UNPOLLED_SECONDS_MAX} s")
            # What the broker did not take before: a quiet partition brings no batch that would do it.
            await self._commit(consumer, _COMMIT_AGAIN_SECONDS_MAX)
            await self._until_stopped(0.2 if self._broker_error else 1)

    async def _close(self) -> None:
        if self._feed is None:
            return
        self._is_draining = True
        try:
            await asyncio.wait_for(self._feed.stop(), _STOP_SECONDS_MAX)
        except Exception as error:  # noqa: BLE001 a broken consumer is dropped all the same
            log.warning("consumer.stop_failed", error=described(error))
        self._feed = None
        gc.collect()  # a consumer is a ring of objects around all that it had read ahead

    async def _on_batch(self, records: Sequence[Record]) -> None:
        """Never raises: FastStream would swallow it and read on past the failure."""
        consumer = self._feed.consumer if self._feed else None
        if consumer is None:
            return
        self._idle.clear()
        try:
            batch: Batch | None = Batch.begin(self._routes, records)
            while batch:
                batch = await self._try_batch(consumer, batch)
            await self._commit(consumer)
        except Exception as error:  # noqa: BLE001 nothing may be read past an unknown failure
            consumer.broken = error
        finally:
            if self._attempt:
                self._attempt.cancel()
            self._attempt = None  # with all that the batch was read into
            self._idle.set()
        # This sleep is the pause before the same batch: heartbeats run on, and stop() ends it.
        await self._back_off(self._batches_failed)

    async def _try_batch(self, consumer: Consumer, batch: Batch) -> Batch | None:
        """Decide `batch`, and read the next one meanwhile. That one is returned, if it may follow."""
        self._attempt = asyncio.ensure_future(self._decide(batch))
        began = time.monotonic()
        self._waiting_since |= firsts_appended(batch.of_partition)
        following = await self._read_on(consumer, batch)
        telling = asyncio.ensure_future(self._commit(consumer))  # where the batch before this one ended
        await asyncio.wait({self._attempt})
        error, seconds = _error_of(self._attempt), time.monotonic() - began
        if following and (error is not None or self._attempt.result().blocked):
            following.put_back(consumer)  # it lies behind what is to be read again
            following = None
        if error is None:
            count(self._metrics, batch.arrivals, self._attempt.result(), seconds, utc_now())
            self._succeeded(consumer, batch, self._attempt.result())
        else:
            self._failed(consumer, batch, error, seconds)
        await telling
        if following and self._is_draining:
            following.put_back(consumer)
            following = None
        return following

    async def _decide(self, batch: Batch) -> Decided:
        if self._is_singly:
            return await decide_singly(self._database, self._service, self._routes, batch.arrivals, utc_now())
        return await act(self._database, self._service, self._routes, await batch.reading, utc_now())

    async def _read_on(self, consumer: Consumer, batch: Batch) -> Batch | None:
        """Behind a batch that is half full at least; else what comes meanwhile had better come together."""
        if len(batch.arrivals) * 2 < self._batch_max or self._is_singly:
            return None
        found = await consumer.read_on(self._batch_max)
        records = [record for of_partition in found.values() for record in of_partition]
        return Batch.begin(self._routes, records) if records else None

    def _failed(self, consumer: Consumer, batch: Batch, error: BaseException, seconds: float) -> None:
        self._is_singly = is_about_a_value(error)
        self._metrics.count_failed(error, seconds)
        self._batches_failed += 1
        self._batch_error = f"batch: {described(error)}"[:200]
        log.warning(
            "batch.rolled_back",
            error=described(error),
            events=len(batch.arrivals),
            failures=self._batches_failed,
        )
        batch.put_back(consumer)

    def _succeeded(self, consumer: Consumer, batch: Batch, decided: Decided) -> None:
        assigned = consumer.assignment()
        mine = {partition: found for partition, found in batch.of_partition.items() if partition in assigned}
        self._batches_failed, self._batch_error, self._is_singly = 0, None, False
        self._acted_on += decided.acted_on
        self._refused += decided.refused
        self._repeated += decided.repeated
        ends = {partition: found[-1].coordinates.offset + 1 for partition, found in mine.items()}
        self._waiting_since = {at: since for at, since in self._waiting_since.items() if at not in ends}
        for (topic, number), blocked in decided.blocked.items():
            partition = TopicPartition(topic, number)
            if partition in ends:
                consumer.seek(partition, blocked.offset)
                consumer.pause(partition)  # only another release of this service can read on
                ends[partition] = blocked.offset
                self._waiting_since[partition] = appended_at(mine[partition], blocked.offset)
                self._blocked[partition] = blocked.reason
                log.error("partition.blocked", topic=topic, partition=number, reason=blocked.reason)
        self._ends |= ends
        self._uncommitted |= ends
        log.info(
            "batch.committed", acted_on=decided.acted_on, refused=decided.refused, repeated=decided.repeated
        )

    async def _commit(self, consumer: Consumer, seconds: float = _COMMIT_SECONDS_MAX) -> None:
        """Tell the broker up to where all is decided."""
        assigned = consumer.assignment()
        ends = {partition: end for partition, end in self._uncommitted.items() if partition in assigned}
        if not ends or self._committing.locked():
            return
        async with self._committing:
            try:
                await asyncio.wait_for(consumer.commit(dict(ends)), seconds)
            except (KafkaError, TimeoutError) as error:  # read again after a restart; the inbox drops it
                log.warning("offsets.not_committed", error=described(error))
                return
            self._committed_at = time.monotonic()
            left = self._uncommitted.items()
            self._uncommitted = {partition: end for partition, end in left if ends.get(partition) != end}

    def _lags(self, consumer: Consumer, mine: Sequence[TopicPartition]) -> dict[str, TopicLag] | None:
        return lags(consumer, mine, self._ends, self._waiting_since, utc_now())

    def _waiting_for(self) -> str | None:
        reasons = [self._broker_error, self._batch_error, *sorted(set(self._blocked.values()))]
        return "; ".join(reason for reason in reasons if reason) or None

    async def _until_stopped(self, seconds: float, *also: "asyncio.Future[None]") -> None:
        stopping = asyncio.ensure_future(self._stopping.wait())
        await asyncio.wait({stopping, *also}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()

    async def _back_off(self, failures: int) -> None:
        if failures:
            seconds = min(0.2 * 2 ** min(failures, 10), _BACK_OFF_SECONDS_MAX)
            await self._until_stopped(seconds * random.uniform(0.7, 1))  # noqa: S311 spreads replicas, no secret


def _error_of(attempt: "asyncio.Task[Decided]") -> BaseException | None:
    return asyncio.CancelledError("given up at a rebalance") if attempt.cancelled() else attempt.exception()
