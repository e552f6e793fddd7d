"""From the client's records to arrivals, in order, and by partition."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from aiokafka import TopicPartition
from truth_contracts.envelope import Coordinates, Message

from truth_kit.subscribe.consumer import Record, UnreadableRecord
from truth_kit.subscribe.route import Arrival


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
