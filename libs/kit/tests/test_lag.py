"""How far a consumer is behind, from what it knows of its partitions."""

from datetime import timedelta
from typing import Any, cast

import pytest
from aiokafka import TopicPartition
from truth_contracts.ops import TopicLag
from truth_kit.subscribe.lag import lags

from libs.kit.tests.hop_sample import NOW

FIRST, SECOND, OTHER = TopicPartition("a", 0), TopicPartition("a", 1), TopicPartition("b", 0)


class Ends:
    """The part of a consumer that is asked: the broker's ends."""

    def __init__(self, ends: dict[TopicPartition, int | None]) -> None:
        self._ends = ends

    def highwater(self, partition: TopicPartition) -> int | None:
        """As the broker told it."""
        return self._ends[partition]


def found(
    ends: dict[TopicPartition, int | None], ours: dict[TopicPartition, int], **since: Any
) -> dict[str, TopicLag] | None:
    return lags(cast("Any", Ends(ends)), ends, ours, since.get("since", {}), NOW)


def test_topics_are_added_up_and_the_oldest_counts() -> None:
    since = {FIRST: NOW - timedelta(seconds=5), SECOND: NOW - timedelta(seconds=9)}
    told = found({FIRST: 10, SECOND: 7, OTHER: 3}, {FIRST: 8, SECOND: 6, OTHER: 3}, since=since)
    assert told == {"a": TopicLag(3, 9.0), "b": TopicLag(0, 0.0)}


@pytest.mark.parametrize(
    ("ends", "ours"),
    [
        pytest.param({FIRST: None, OTHER: 3}, {FIRST: 0, OTHER: 3}, id="the broker has not told the end"),
        pytest.param({FIRST: 4, OTHER: 3}, {OTHER: 3}, id="our own place is not known"),
    ],
)
def test_what_is_not_known_is_not_told(
    ends: dict[TopicPartition, int | None], ours: dict[TopicPartition, int]
) -> None:
    assert found(ends, ours) is None


def test_the_age_of_what_was_not_read_yet_is_not_known() -> None:
    assert found({FIRST: 10, SECOND: 7}, {FIRST: 10, SECOND: 6}) == {"a": TopicLag(1, None)}
