"""How a consumer goes; how far it is behind, in messages and in seconds of the one that waits longest."""
# aiokafka has no type hints:
# pyright: reportUnknownMemberType=false

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from aiokafka import TopicPartition
from truth_contracts.ops import TopicLag

if TYPE_CHECKING:
    from truth_kit.subscribe.consumer import Consumer


@dataclass(frozen=True, slots=True)
class ConsumerFacts:
    """How consuming goes. Seconds are ages; what is not known is None, never 0."""

    assigned: tuple[tuple[str, int], ...]  # topic and partition; a consumer without any is fine
    polled_seconds: float | None  # since the loop last asked for records
    fetched_seconds: float | None  # since the broker's last answer, for the partition that waits longest
    committed_seconds: float | None  # since offsets were last committed
    behind: int | None  # messages on the assigned partitions that are not decided yet
    waiting_for: str | None  # None while all is well
    acted_on: int  # events, since this process started; so are the two below
    refused: int
    repeated: int
    lags: Mapping[str, TopicLag] | None = None  # by topic, of the assigned partitions


def lags(
    consumer: "Consumer",
    mine: Iterable[TopicPartition],
    ends: Mapping[TopicPartition, int],
    waiting_since: Mapping[TopicPartition, datetime],
    now: datetime,
) -> dict[str, TopicLag] | None:
    """By topic; None while the end of any partition is not known."""
    found: dict[str, list[tuple[int, float | None]]] = {}
    for partition in mine:
        highwater: int | None = consumer.highwater(partition)
        end = ends.get(partition)
        if highwater is None or end is None:
            return None
        behind = max(0, highwater - end)
        since = waiting_since.get(partition)
        age = None if since is None else max(0.0, (now - since).total_seconds())
        found.setdefault(partition.topic, []).append((behind, age if behind else 0.0))
    return {topic: _together(partitions) for topic, partitions in found.items()}


def fetched_seconds(consumer: "Consumer", mine: Sequence[TopicPartition]) -> float | None:
    """Since the broker's last answer, for the partition that waits longest."""
    answered_at_ms: list[int | None] = [consumer.last_poll_timestamp(partition) for partition in mine]
    known = [at_ms for at_ms in answered_at_ms if at_ms is not None]
    if not known or len(known) < len(mine):
        return None
    return max(0.0, time.time() - min(known) / 1000)


def _together(partitions: Sequence[tuple[int, float | None]]) -> TopicLag:
    ages = [age for _, age in partitions]
    known = [age for age in ages if age is not None]
    return TopicLag(sum(behind for behind, _ in partitions), max(known) if len(known) == len(ages) else None)
