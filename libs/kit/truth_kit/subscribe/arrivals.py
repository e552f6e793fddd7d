"""From the client's records to a batch: arrivals in order, and by partition; being read already."""
# aiokafka has no type hints:
# pyright: reportUnknownMemberType=false

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from aiokafka import TopicPartition
from truth_contracts.envelope import Coordinates, Message

from truth_kit.subscribe.consumer import Consumer, Record, UnreadableRecord
from truth_kit.subscribe.reading import Reading, read
from truth_kit.subscribe.route import AnyRoute, Arrival


@dataclass(frozen=True, slots=True)
class Batch:
    """Records that the client handed over: its position lies behind them, and none of them is decided."""

    arrivals: Sequence[Arrival]
    of_partition: Mapping[TopicPartition, Sequence[Arrival]]
    reading: "asyncio.Task[Reading]"

    @classmethod
    def begin(cls, routes: Sequence[AnyRoute], records: Sequence[Record]) -> "Batch":
        """Begin to read them; who awaits nothing of it must put it back."""
        arrivals = arrivals_of(records)
        return cls(arrivals, by_partition(arrivals), asyncio.ensure_future(read(routes, arrivals)))

    def put_back(self, consumer: Consumer) -> None:
        """Make the client hand them over again, as far as their partitions are still ours."""
        self.reading.cancel()
        assigned = consumer.assignment()
        for partition, found in self.of_partition.items():
            if partition in assigned:
                consumer.seek(partition, found[0].coordinates.offset)


def arrivals_of(records: Sequence[Record]) -> list[Arrival]:
    """In order of topic, partition and offset."""
    return sorted([_arrival(record) for record in records], key=_place)


def by_partition(arrivals: Sequence[Arrival]) -> dict[TopicPartition, list[Arrival]]:
    """The same order within each."""
    found: dict[TopicPartition, list[Arrival]] = {}
    for arrival in arrivals:
        place = arrival.coordinates
        found.setdefault(TopicPartition(place.topic, place.partition), []).append(arrival)
    return found


def firsts_appended(found: Mapping[TopicPartition, Sequence[Arrival]]) -> dict[TopicPartition, datetime]:
    """When the broker appended the first of each; of what cannot be unpacked that is not known."""
    return {
        partition: next(arrival.appended_at for arrival in arrivals if arrival.is_readable)
        for partition, arrivals in found.items()
        if any(arrival.is_readable for arrival in arrivals)
    }


def appended_at(arrivals: Sequence[Arrival], offset: int) -> datetime:
    """When the broker appended the one at `offset`, which is among them."""
    return next(arrival.appended_at for arrival in arrivals if arrival.coordinates.offset == offset)


def _arrival(record: Record) -> Arrival:
    headers = tuple([(name, value or b"") for name, value in record.headers])
    return Arrival(
        Message(record.topic, record.key, record.value, headers),
        Coordinates(record.topic, record.partition, record.offset),
        datetime.fromtimestamp(record.timestamp / 1000, UTC),
        is_readable=not isinstance(record, UnreadableRecord),
    )


def _place(arrival: Arrival) -> tuple[str, int, int]:
    place = arrival.coordinates
    return place.topic, place.partition, place.offset
