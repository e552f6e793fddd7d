"""The checks over topics see what they must: a second event, a missing one, a gap, a version out of order."""

import json
from collections.abc import Mapping, Sequence

import pytest
from truth_local.demo.reading import Published
from truth_local.demo.walk import Walked

from tests.faults.crash.checking import not_once, out_of_order
from tests.faults.crash.walking import Finished

TOPIC = "jobs.created"


def message(key: str, **members: object) -> Published:
    return Published(TOPIC, 0, 0, key.encode(), json.dumps(members).encode(), ())


def finished(request_id: str) -> Finished:
    return Finished("k", Walked("", request_id, "s", "live", "j", "fulfilled", "r", None, (), {}))


@pytest.mark.parametrize(
    ("told", "found"),
    [
        pytest.param([("a", "1"), ("b", "2")], 0, id="one event each"),
        pytest.param([("a", "1"), ("b", "2"), ("a", "1")], 0, id="one repeated by the relay"),
        pytest.param([("a", "1"), ("b", "2"), ("a", "3")], 1, id="a second event"),
        pytest.param([("a", "1")], 1, id="none of a finished walk"),
    ],
)
def test_a_hand_off_is_told_once(told: Sequence[tuple[str, str]], found: int) -> None:
    messages = [message(key, event_id=event_id) for key, event_id in told]
    assert len(list(not_once(TOPIC, messages, [finished("a"), finished("b")]))) == found


@pytest.mark.parametrize(
    ("versions", "is_wrong"),
    [
        pytest.param({"a": [1, 2, 3], "b": [1]}, False, id="in order"),
        pytest.param({"a": [1, 2, 1, 2, 3]}, False, id="repeats"),
        pytest.param({"a": [1, 3]}, True, id="a gap"),
        pytest.param({"a": [1, 3, 2]}, True, id="another order"),
        pytest.param({"a": [2]}, True, id="without its beginning"),
    ],
)
def test_versions_first_appear_in_order(versions: Mapping[str, Sequence[int]], *, is_wrong: bool) -> None:
    messages = [message(key, version=version) for key, told in versions.items() for version in told]
    assert bool(list(out_of_order(TOPIC, messages))) is is_wrong
