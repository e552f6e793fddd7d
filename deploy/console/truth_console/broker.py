"""What Kafka itself tells: ends, committed offsets, rates, and since when the oldest message waits."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias, cast

from confluent_kafka import Consumer, ConsumerGroupTopicPartitions, IsolationLevel, TopicPartition
from confluent_kafka.admin import (
    AdminClient,
    OffsetSpec,  # pyright: ignore[reportPrivateImportUsage] it is documented there
)
from truth_contracts.topics import SERVICES, TOPICS
from truth_topology.connection import BrokerError, Login, connected

from truth_console.reader import reader

Place: TypeAlias = tuple[str, int]
"""Topic and partition."""

RATE_SECONDS = 60
_REQUEST_SECONDS = 5
_READ_SECONDS = 2.0
_LATEST = cast("OffsetSpec", OffsetSpec.latest())
_EARLIEST = cast("OffsetSpec", OffsetSpec.earliest())


@dataclass(frozen=True, slots=True)
class GroupLag:
    """How far a service is behind on a topic."""

    messages: int
    committed: int  # the sum of its offsets: it grows exactly when the service gets on
    oldest_at: datetime | None  # None: nothing waits, or it could not be read


@dataclass(frozen=True, slots=True)
class KafkaLook:
    """The broker's view at one moment."""

    at: datetime
    per_second: Mapping[str, float]  # by topic, over the last minute
    lags: Mapping[tuple[str, str], GroupLag]  # by service and topic


class Broker:
    """Kafka as the console's principal sees it. Raises BrokerError while it is away."""

    def __init__(self, login: Login) -> None:
        self._login = login
        self._admin: AdminClient | None = None
        self._appended: dict[tuple[str, int, int], datetime] = {}  # of messages that waited when last looked

    def look(self) -> KafkaLook:
        """Everything at once; nothing is joined and nothing committed."""
        admin, self._admin = self._admin or connected(self._login), None
        look = self._look(admin)
        self._admin = (
            admin  # after a failure a new one: the old remembers leaders that Kafka lost in a restart
        )
        return look

    def _look(self, admin: AdminClient) -> KafkaLook:
        now = datetime.now(UTC)
        places = self._places(admin)
        ends = _offsets(admin, places, _LATEST)
        starts = _offsets(admin, places, _EARLIEST)
        earlier = now - timedelta(seconds=RATE_SECONDS)
        spec = OffsetSpec.for_timestamp(int(earlier.timestamp() * 1000))
        before = _offsets(admin, places, spec)
        per_second: dict[str, float] = defaultdict(float)
        for place, end in ends.items():
            since = before[place]
            per_second[place[0]] += (end - since) / RATE_SECONDS if since >= 0 else 0.0
        committed = {service: _committed(admin, service) for service in SERVICES}
        nexts = {
            (service, place): max(starts[place], committed[service].get(place, starts[place]))
            for service, place in _reads(places)
        }
        waiting = {(*place, at) for (_, place), at in nexts.items() if at < ends[place]}
        self._appended = self._times(waiting)
        return KafkaLook(now, dict(per_second), self._lags(nexts, ends))

    def _places(self, admin: AdminClient) -> list[Place]:
        known = admin.list_topics(timeout=_REQUEST_SECONDS).topics
        return [
            (topic.name, number)
            for topic in TOPICS
            if topic.name in known
            for number in known[topic.name].partitions
        ]

    def _times(self, waiting: Iterable[tuple[str, int, int]]) -> dict[tuple[str, int, int], datetime]:
        """When each was appended; one that did not come in time is left out."""
        known = {one: self._appended[one] for one in waiting if one in self._appended}
        new = sorted(one for one in waiting if one not in known)
        if not new:
            return known
        with reader(self._login) as consumer:
            return known | _times_of(consumer, new)

    def _lags(
        self, nexts: Mapping[tuple[str, Place], int], ends: Mapping[Place, int]
    ) -> dict[tuple[str, str], GroupLag]:
        parts: dict[tuple[str, str], list[tuple[int, int, datetime | None]]] = defaultdict(list)
        for (service, place), at in nexts.items():
            messages = max(0, ends[place] - at)
            parts[service, place[0]].append((messages, at, self._appended.get((*place, at))))
        return {
            pair: GroupLag(
                sum(messages for messages, _, _ in found),
                sum(at for _, at, _ in found),
                min((at for _, _, at in found if at is not None), default=None),
            )
            for pair, found in parts.items()
        }


def _reads(places: Iterable[Place]) -> Iterable[tuple[str, Place]]:
    readers = {topic.name: topic.readers for topic in TOPICS if topic.cleanup == "delete"}
    return (
        (service, place) for place in places for service in readers.get(place[0], ()) if service in SERVICES
    )


def _offsets(admin: AdminClient, places: Iterable[Place], spec: OffsetSpec) -> dict[Place, int]:
    asked = {TopicPartition(*place): spec for place in places}
    futures = cast("Any", admin).list_offsets(  # its results have no types
        asked, isolation_level=IsolationLevel.READ_UNCOMMITTED, request_timeout=_REQUEST_SECONDS
    )
    return {(at.topic, at.partition): future.result().offset for at, future in futures.items()}


def _committed(admin: AdminClient, service: str) -> dict[Place, int]:
    asked = [ConsumerGroupTopicPartitions(service)]
    future = cast("Any", admin).list_consumer_group_offsets(asked, request_timeout=_REQUEST_SECONDS)[service]
    return {(at.topic, at.partition): at.offset for at in future.result().topic_partitions if at.offset >= 0}


def _times_of(
    consumer: Consumer, wanted: Iterable[tuple[str, int, int]]
) -> dict[tuple[str, int, int], datetime]:
    """Of `wanted`, in order: two readers of a topic may stand at two offsets of one partition."""
    offsets: dict[Place, list[int]] = defaultdict(list)
    for topic, number, offset in wanted:
        offsets[topic, number].append(offset)
    consumer.assign([TopicPartition(*place, waits[0]) for place, waits in offsets.items()])
    found: dict[tuple[str, int, int], datetime] = {}
    until = datetime.now(UTC) + timedelta(seconds=_READ_SECONDS)
    while offsets and datetime.now(UTC) < until:
        message = consumer.poll(0.2)
        if message is None or message.error() is not None:
            continue
        place = (str(message.topic()), int(message.partition() or 0))
        waits = offsets.get(place)
        if not waits or int(message.offset() or 0) < waits[0]:
            continue
        found[*place, waits.pop(0)] = datetime.fromtimestamp(message.timestamp()[1] / 1000, UTC)
        if waits:
            consumer.seek(TopicPartition(*place, waits[0]))
        else:
            del offsets[place]
            consumer.incremental_unassign([TopicPartition(*place)])
    return found


__all__ = ["Broker", "BrokerError", "GroupLag", "KafkaLook"]
