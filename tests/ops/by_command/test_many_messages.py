"""`make ops PART=many`: one request among 100,000 messages, and the flow over them, in seconds (no service runs)."""

import shutil
import tempfile
import time
from collections.abc import Generator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast
from uuid import uuid4

import pytest
from confluent_kafka import ConsumerGroupTopicPartitions, Producer, TopicPartition
from confluent_kafka.admin import (
    NewPartitions,  # pyright: ignore[reportPrivateImportUsage] it is documented there
)
from truth_console.broker import Broker
from truth_console.trace.messages import find_messages
from truth_console.trace.path import PATH
from truth_contracts.ops import Step
from truth_contracts.topics import PARTITIONS, TOPICS
from truth_local.backends import described
from truth_local.demo.acting import wait_for
from truth_local.demo.upstream import settings
from truth_local.starting import start_infrastructure, stop_all
from truth_local.system import System
from truth_local.watch import Watch
from truth_topology.connection import Login, client
from truth_topology.topology import LOCAL

MESSAGES = 100_000
TRACE_SECONDS_MAX = 2.0
LOOK_SECONDS_MAX = {LOCAL.partitions: 1.0, PARTITIONS: 3.0}
ON_THE_PATH = [place.topic for place in PATH if place.topic]
VALUE = b'{"filler": "' + b"x" * 2_000 + b'"}'
AMID, NEWEST = str(uuid4()), str(uuid4())


@dataclass(frozen=True, slots=True)
class Filled:
    """A Kafka with all these messages."""

    partitions: int
    login: Login  # the console's
    steps: Mapping[str, Mapping[str, Step]]
    """By request, the steps of one amid all the others' messages and of one after them, each at its time."""


@pytest.fixture(scope="module", params=LOOK_SECONDS_MAX, ids=lambda partitions: f"{partitions} partitions")
def filled(request: pytest.FixtureRequest) -> Generator[Filled]:
    """A Kafka of its own: the number of partitions can never be taken back."""
    partitions, folder = int(request.param), Path(tempfile.mkdtemp(prefix="truth-"))
    try:
        with described("local", folder, "folder") as system:
            try:
                start_infrastructure(system, Watch())
                partition(system, partitions)
                yield Filled(partitions, login(system, "console"), fill(system))
            finally:
                stop_all(system, lambda _part, _what: None)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def partition(system: System, partitions: int) -> None:
    """Every topic of ours has so many, as it has elsewhere from the start."""
    if partitions > LOCAL.partitions:
        wanted = [NewPartitions(topic.name, partitions) for topic in TOPICS]
        admin = cast("Any", client(login(system, "admin")))  # its results have no types
        for made in admin.create_partitions(wanted).values():
            made.result()


def fill(system: System) -> Mapping[str, Mapping[str, Step]]:
    """All the messages; and the two readers of records.sealed stand at two places of each partition."""
    producer = Producer(settings(login(system, "admin")) | {"linger.ms": 20, "partitioner": "murmur2"})
    publish(producer, MESSAGES // 2)
    amid = walked(producer, AMID)
    publish(producer, MESSAGES - MESSAGES // 2)
    admin = cast("Any", client(login(system, "admin")))
    places = [TopicPartition("records.sealed", number, 10) for number in range(LOCAL.partitions)]

    def set_places() -> bool | None:
        """A broker that nobody asked before has no coordinator for groups at first."""
        asked = [ConsumerGroupTopicPartitions("intake", places)]
        done = admin.alter_consumer_group_offsets(asked)["intake"].result()
        return None if any(one.error for one in done.topic_partitions) else True

    wait_for(set_places, "places of intake")
    return {AMID: amid, NEWEST: walked(producer, NEWEST)}


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


def publish(producer: Producer, count: int) -> None:
    for number in range(count):
        while True:
            try:
                producer.produce(ON_THE_PATH[number % len(ON_THE_PATH)], VALUE, uuid4().bytes)
                break
            except BufferError:
                producer.poll(0.1)
    producer.flush()


@pytest.mark.parametrize(
    "request_id", [pytest.param(AMID, id="amid all"), pytest.param(NEWEST, id="nothing after it")]
)
def test_a_trace_reads_where_the_steps_are(filled: Filled, request_id: str) -> None:
    began = time.monotonic()
    found = find_messages(filled.login, request_id, filled.steps[request_id], None)
    seconds = time.monotonic() - began
    print(f"{len(found)} messages among {MESSAGES:,} found in {seconds:.2f} s")  # noqa: T201 the figure is what it is for
    assert set(found) == set(filled.steps[request_id])
    assert seconds < TRACE_SECONDS_MAX


def test_a_time_before_everything_is_not_read_to_the_end(filled: Filled) -> None:
    early = {
        name: step.model_copy(update={"at": step.at - timedelta(days=1)})
        for name, step in filled.steps[AMID].items()
    }
    assert find_messages(filled.login, str(uuid4()), early, None) == {}


def test_the_flow_is_refreshed_in_time(filled: Filled) -> None:
    broker = Broker(filled.login)
    broker.look()  # the first connects, and reads the first message of each partition that waits
    began = time.monotonic()
    look = broker.look()
    seconds = time.monotonic() - began
    print(f"a look over {filled.partitions} partitions a topic took {seconds:.2f} s")  # noqa: T201 as above
    readers = {"intakes.accepted": "governance", "jobs.created": "execution", "records.sealed": "signals"}
    for topic, reader in readers.items():
        assert look.lags[reader, topic].messages >= MESSAGES // len(ON_THE_PATH)
    assert look.lags["intake", "records.sealed"].committed == LOCAL.partitions * 10
    assert all(lag.oldest_at for lag in look.lags.values() if lag.messages)
    assert seconds < LOOK_SECONDS_MAX[filled.partitions]
