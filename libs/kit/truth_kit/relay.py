"""Outbox to Kafka: one owner a database, in id order, deleted once acknowledged.

A crash or a takeover may repeat the last rows; it never skips one and never reorders first appearances.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import cast

import asyncpg
import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import ClusterAuthorizationFailedError, KafkaError, TopicAuthorizationFailedError
from truth_contracts.envelope import Headers

from truth_kit.connections import RELAY_LOCK, KafkaConnection, dial
from truth_kit.database import Database
from truth_kit.metrics import Metrics
from truth_kit.outbox import unpack_headers
from truth_kit.telemetry import described
from truth_kit.tracing import TRACEPARENT, tell_published

log = structlog.get_logger()

_BATCH_MAX = 500
_BATCH_BYTES_MAX = 2 * 1024 * 1024
"""Of values and headers, and one row more: 500 refused messages with all they brought could be 500 MB."""
_LOOK_SECONDS = 1.0
"""The look is the truth, the bell only shortens the wait: other replicas' commits do not ring it."""
_START_SECONDS_MAX = 20
_ACK_SECONDS_MAX = 60
_FLUSH_SECONDS_MAX = 5
_ABANDON_SECONDS_MAX = 12
_BACK_OFF_SECONDS_MAX = 5
_FORBIDDEN_SECONDS = 30
_FORBIDDEN = (TopicAuthorizationFailedError, ClusterAuthorizationFailedError)

_SELECT = f"""
    SELECT * FROM (
        SELECT id, topic, key, value, headers, extract(epoch FROM now() - created_at)::float8 AS age_seconds,
               (SELECT parent FROM truth.trace WHERE trace.key = outbox.key) AS parent,
               coalesce(octet_length(value), 0) + octet_length(headers) AS bytes,
               sum(coalesce(octet_length(value), 0) + octet_length(headers))
                   OVER (ORDER BY id ROWS UNBOUNDED PRECEDING) AS bytes_so_far
          FROM truth.outbox WHERE id > $2 ORDER BY id LIMIT $1
    ) AS first WHERE bytes_so_far - bytes < {_BATCH_BYTES_MAX} ORDER BY id
"""  # noqa: S608 a number of ours
_DELETE = "DELETE FROM truth.outbox WHERE id = ANY($1::bigint[])"
_COUNT = """
    SELECT count(*) AS rows,
           (SELECT extract(epoch FROM now() - created_at)::float8
              FROM truth.outbox ORDER BY id LIMIT 1) AS age_seconds
      FROM truth.outbox
"""


@dataclass(slots=True)
class Passed:
    """Up to which id the outbox was sent, and from which it must be read.

    Deleted rows stay in the table and its index until vacuum takes them, and any long transaction keeps it
    from that: read from the beginning, each new row would walk all of them. But ids are drawn before the
    commit, so a row may still come below those that were sent. Hence reading begins after what was sent when
    the last look but one was made, and once a second it looks at everything.
    """

    sent: int = 0
    _floor: int = 0
    _floor_next: int = 0
    _looked_at: float | None = None

    def begin_at(self, now: float) -> int:
        """The id after which to read at `now`, in seconds of a clock that only goes forward; 0 for all."""
        if self._looked_at is not None and now - self._looked_at < _LOOK_SECONDS:
            return self._floor
        self._floor, self._floor_next, self._looked_at = self._floor_next, self.sent, now
        return 0


@dataclass(frozen=True, slots=True)
class RelayFacts:
    """How publishing goes. Seconds are ages; what is not known is None, never 0."""

    is_owner: bool  # False: another replica publishes and this one stands by, or a neighbour is away
    rows: int | None  # unsent, as last seen
    oldest_seconds: float | None  # age of the first unsent row; None if there is none or it is not known
    looked_seconds: float | None  # since the outbox was last seen
    waiting_for: str | None  # None while all is well
    sent: int  # messages, since this process started


class Relay:
    """Publishes a database's outbox, if it is the one replica that may.

    Ownership is a session lock, held by the connection that also reads and deletes: no lock, no read, no
    delete. An owner that freezes loses its session after 5 s, hence the lock.
    """

    def __init__(
        self,
        service: str,
        kafka: KafkaConnection,
        database: Database,
        metrics: Metrics | None = None,
    ) -> None:
        self._service, self._kafka, self._database = service, kafka, database
        self._metrics = metrics or Metrics(service)
        self._stopping = asyncio.Event()
        self._flush_until: float | None = None
        self._failures = 0  # in a row
        self._is_owner = False
        self._waiting_for: str | None = "outbox: not seen yet"
        self._rows: int | None = None
        self._oldest_since: float | None = None
        self._looked_at: float | None = None
        self._sent = 0

    async def run(self) -> None:
        """Publish until stop(). A broker or a database that is away, at the start or later, is waited for."""
        while not self._stopping.is_set():
            try:
                await self._own_and_publish()
            except Exception as error:  # noqa: BLE001 away, fenced, a sequence lost: start from nothing
                await self._back_off(error)

    def stop(self) -> None:
        """Make run() return once what is committed now is published, after 5 s at the latest."""
        self._flush_until = time.monotonic() + _FLUSH_SECONDS_MAX
        self._stopping.set()
        self._database.wake.set()

    def facts(self) -> RelayFacts:
        """What readiness asks."""
        now = time.monotonic()
        return RelayFacts(
            is_owner=self._is_owner,
            rows=self._rows,
            oldest_seconds=None if self._oldest_since is None else now - self._oldest_since,
            looked_seconds=None if self._looked_at is None else now - self._looked_at,
            waiting_for=self._waiting_for,
            sent=self._sent,
        )

    async def _own_and_publish(self) -> None:
        # After a busy minute the table is large and empty: counting it by its index reads what is there.
        settings = {"idle_session_timeout": "5000", "enable_seqscan": "off"}
        lock = await dial(
            self._database.connection, f"truth-{self._service}-relay", settings, command_timeout=10
        )
        try:
            if await self._own(lock):
                await self._publish_with_new_producer(lock)
        finally:
            self._is_owner = False
            lock.terminate()

    async def _own(self, lock: asyncpg.Connection) -> bool:
        """Wait until the lock is ours; False if told to stop first."""
        while not await lock.fetchval("SELECT pg_try_advisory_lock($1)", RELAY_LOCK):
            await self._look(lock)
            self._failures, self._waiting_for = 0, None  # standing by is well
            if await self._stopped_within(_LOOK_SECONDS):
                return False
        return True

    async def _publish_with_new_producer(self, lock: asyncpg.Connection) -> None:
        """After a failed acknowledgement aiokafka refuses a partition for ever: only a new producer helps."""
        producer = new_producer(self._kafka, f"truth-{self._service}-relay")
        try:
            await self._as_owner(lock, producer.start(), _START_SECONDS_MAX)
            self._is_owner, self._waiting_for = True, None
            log.info("relay.owned")
            await self._publish(lock, producer)
        finally:
            await _abandon(producer)

    async def _publish(self, lock: asyncpg.Connection, producer: AIOKafkaProducer) -> None:
        passed = Passed()
        while not self._is_flush_over():
            self._database.wake.clear()
            after = 0 if self._stopping.is_set() else passed.begin_at(time.monotonic())
            rows = await lock.fetch(_SELECT, _BATCH_MAX, after)
            await self._note(lock, rows)
            if rows:
                await self._as_owner(lock, _send(producer, rows), _ACK_SECONDS_MAX)
                await lock.execute(_DELETE, [row["id"] for row in rows])
                passed.sent = max(passed.sent, rows[-1]["id"])
                self._sent += len(rows)
                self._tell(rows)
            elif self._stopping.is_set():
                return
            if _were_all(rows) and not self._stopping.is_set():
                self._failures = 0
                self._saw(0, None)
                await _set_within(self._database.wake, _LOOK_SECONDS)

    async def _as_owner(self, lock: asyncpg.Connection, work: Awaitable[None], seconds: float) -> None:
        """Await `work`, looking every second: that keeps the lock's session alive and proves it is ours."""
        working, until = asyncio.ensure_future(work), time.monotonic() + seconds
        try:
            while not (await asyncio.wait({working}, timeout=_LOOK_SECONDS))[0]:
                await self._look(lock)
                if time.monotonic() > until or self._is_flush_over():
                    raise TimeoutError("the broker does not answer")
            working.result()
        finally:
            working.cancel()

    async def _note(self, lock: asyncpg.Connection, rows: Sequence[asyncpg.Record]) -> None:
        """Facts from what was read; a full batch tells how old, and only a look how many."""
        if _were_all(rows):
            self._saw(len(rows), rows[0]["age_seconds"] if rows else None)
        elif self._looked_at is None or time.monotonic() - self._looked_at > _LOOK_SECONDS:
            await self._look(lock)

    async def _look(self, lock: asyncpg.Connection) -> None:
        row = await lock.fetchrow(_COUNT)
        if row is not None:
            self._saw(row["rows"], row["age_seconds"])

    def _saw(self, rows: int, age_seconds: float | None) -> None:
        now = time.monotonic()
        self._rows, self._looked_at = rows, now
        self._oldest_since = None if age_seconds is None else now - age_seconds

    def _tell(self, rows: Sequence[asyncpg.Record]) -> None:
        self._metrics.count_sent(row["topic"] for row in rows)
        if self._metrics.tracer is not None:
            tell_published(self._metrics.tracer, [(row["topic"], _headers(row)) for row in rows])

    async def _back_off(self, error: Exception) -> None:
        self._failures += 1
        if isinstance(error, _FORBIDDEN):  # nothing is dropped: it is published once the right is granted
            seconds, self._waiting_for = (
                _FORBIDDEN_SECONDS,
                f"relay: not authorised: {described(error)}"[:200],
            )
            self._metrics.count_forbidden()
            log.error("relay.forbidden", error=described(error))
        else:
            seconds = min(0.2 * 2 ** min(self._failures, 10), _BACK_OFF_SECONDS_MAX)
            neighbour = "broker" if isinstance(error, KafkaError) else "database or broker"
            self._waiting_for = f"{neighbour}: {described(error)}"[:200]
            log.warning("relay.waiting", error=described(error), failures=self._failures)
        await self._stopped_within(seconds)

    def _is_flush_over(self) -> bool:
        return self._flush_until is not None and time.monotonic() > self._flush_until

    async def _stopped_within(self, seconds: float) -> bool:
        return await _set_within(self._stopping, seconds)


def new_producer(kafka: KafkaConnection, client_id: str) -> AIOKafkaProducer:
    """A producer that repeats by itself without doubling or reordering, until every replica has it."""
    return AIOKafkaProducer(
        bootstrap_servers=kafka.bootstrap,
        client_id=client_id,
        security_protocol=kafka.security_protocol,
        ssl_context=kafka.ssl_context,
        sasl_mechanism="SCRAM-SHA-512",
        sasl_plain_username=kafka.username,
        sasl_plain_password=kafka.password,
        enable_idempotence=True,
        acks="all",
        linger_ms=0,
        request_timeout_ms=10_000,
        retry_backoff_ms=300,
    )


def _were_all(rows: Sequence[asyncpg.Record]) -> bool:
    """Whether a read took all there was; what was committed since then rings, or waits for the next look."""
    return not rows or (len(rows) < _BATCH_MAX and rows[-1]["bytes_so_far"] < _BATCH_BYTES_MAX)


async def _set_within(event: asyncio.Event, seconds: float) -> bool:
    if event.is_set():
        return True
    try:
        await asyncio.wait_for(event.wait(), seconds)
    except TimeoutError:
        return False
    return True


async def _send(producer: AIOKafkaProducer, rows: Sequence[asyncpg.Record]) -> None:
    """All of them in order, then all acknowledgements. An idempotent producer retries by itself, in order."""
    send = cast("Callable[..., Awaitable[asyncio.Future[object]]]", producer.send)  # aiokafka has no types
    acks: list[asyncio.Future[object]] = []
    for row in rows:
        ack = await send(row["topic"], row["value"], key=row["key"], headers=list(_headers(row)))
        ack.add_done_callback(_retrieve)
        acks.append(ack)
    await asyncio.gather(*acks)


def _headers(row: asyncpg.Record) -> Headers:
    """As they were written, with the trace that the request came with; a refused message keeps its own."""
    headers, parent = unpack_headers(row["headers"]), row["parent"]
    if parent is None or any(name == TRACEPARENT for name, _ in headers):
        return headers
    return (*headers, (TRACEPARENT, parent.encode()))


def _retrieve(ack: "asyncio.Future[object]") -> None:
    """Take the error of an acknowledgement nobody waits for any more, so that asyncio does not complain."""
    if not ack.cancelled():
        ack.exception()


async def _abandon(producer: AIOKafkaProducer) -> None:
    """Close a producer without sending anything more: stop() alone waits for a broker that may be away.

    Nothing needed is lost: what is not acknowledged is still in the outbox.
    """
    sender = producer._sender.sender_task  # pyright: ignore[reportPrivateUsage] there is no public way
    if sender:
        sender.cancel()
    try:
        await asyncio.wait_for(producer.stop(), _ABANDON_SECONDS_MAX)
    except Exception as error:  # noqa: BLE001 it is dropped all the same
        log.warning("relay.producer_not_stopped", error=described(error))
