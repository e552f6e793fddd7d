"""`make ops PART=many`: one request among 100,000 messages, and the flow over them, in seconds (no service runs)."""

import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, cast
from uuid import uuid4

import pytest
from confluent_kafka import ConsumerGroupTopicPartitions, Producer, TopicPartition
from truth_console.broker import Broker
from truth_console.trace.messages import find_messages
from truth_console.trace.path import PATH
from truth_contracts.ops import Step
from truth_local.demo.upstream import settings
from truth_local.system import System
from truth_topology.connection import Login, client

MESSAGES = 100_000
TRACE_SECONDS_MAX = 2.0
LOOK_SECONDS_MAX = 1.0  # at 4 partitions
TOPICS = [place.topic for place in PATH if place.topic]
VALUE = b'{"filler": "' + b"x" * 2_000 + b'"}'


@pytest.fixture(scope="module")
def sought(infrastructure: System) -> Mapping[str, Mapping[str, Step]]:
    """By request, the steps of one amid all the others' messages and of one after them, each at its time."""
    producer = Producer(
        settings(login(infrastructure, "admin")) | {"linger.ms": 20, "partitioner": "murmur2"}
    )
    fill(producer, MESSAGES // 2)
    amid = walked(producer, AMID)
    fill(producer, MESSAGES - MESSAGES // 2)
    return {AMID: amid, NEWEST: walked(producer, NEWEST)}


@pytest.fixture
def apart(infrastructure: System) -> None:
    """The two readers of records.sealed stand at two places of each partition."""
    places = [TopicPartition("records.sealed", number, 10) for number in range(4)]
    asked = ConsumerGroupTopicPartitions("intake", places)
    admin = cast("Any", client(login(infrastructure, "admin")))  # its results have no types
    admin.alter_consumer_group_offsets([asked])["intake"].result()


AMID, NEWEST = str(uuid4()), str(uuid4())


def walked(producer: Producer, request_id: str) -> Mapping[str, Step]:
    """The steps of a request that just went the whole path."""
    steps: dict[str, Step] = {}
    for place in PATH:
        if place.topic:
            at = datetime.now(UTC)
            producer.produce(place.topic, VALUE, request_id.encode())
            producer.flush()
            steps[place.step] = Step(
                step=place.step, id=request_id, state="", at=at, actor=None, waits_for=None
            )
    return steps


def login(system: System, name: str) -> Login:
    return Login(system.bootstrap, name, system.principals[name].password)


def fill(producer: Producer, count: int) -> None:
    for number in range(count):
        while True:
            try:
                producer.produce(TOPICS[number % len(TOPICS)], VALUE, uuid4().bytes)
                break
            except BufferError:
                producer.poll(0.1)
    producer.flush()


@pytest.mark.parametrize(
    "request_id", [pytest.param(AMID, id="amid all"), pytest.param(NEWEST, id="nothing after it")]
)
def test_a_trace_reads_where_the_steps_are(
    infrastructure: System, sought: Mapping[str, Mapping[str, Step]], request_id: str
) -> None:
    began = time.monotonic()
    found = find_messages(login(infrastructure, "console"), request_id, sought[request_id], None)
    seconds = time.monotonic() - began
    print(f"{len(found)} messages among {MESSAGES:,} found in {seconds:.2f} s")  # noqa: T201 the figure is what it is for
    assert set(found) == set(sought[request_id])
    assert seconds < TRACE_SECONDS_MAX


def test_a_time_before_everything_is_not_read_to_the_end(
    infrastructure: System, sought: Mapping[str, Mapping[str, Step]]
) -> None:
    early = {
        name: step.model_copy(update={"at": step.at - timedelta(days=1)})
        for name, step in sought[AMID].items()
    }
    assert find_messages(login(infrastructure, "console"), str(uuid4()), early, None) == {}


@pytest.mark.usefixtures("sought", "apart")
def test_the_flow_is_refreshed_in_time(infrastructure: System) -> None:
    broker = Broker(login(infrastructure, "console"))
    broker.look()  # the first connects, and reads the first message of each partition that waits
    began = time.monotonic()
    look = broker.look()
    seconds = time.monotonic() - began
    print(f"a look took {seconds:.2f} s")  # noqa: T201 as above
    readers = {"intakes.accepted": "governance", "jobs.created": "execution", "records.sealed": "signals"}
    for topic, reader in readers.items():
        assert look.lags[reader, topic].messages >= MESSAGES // len(TOPICS)
    assert look.lags["intake", "records.sealed"].committed == 4 * 10
    assert all(lag.oldest_at for lag in look.lags.values() if lag.messages)
    assert seconds < LOOK_SECONDS_MAX
