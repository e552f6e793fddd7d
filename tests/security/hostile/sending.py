"""Hostile messages are sent, each by the principal that may write its topic; where each came to lie is noted."""

# confluent-kafka's stubs say less than it does.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

import json
import os
import subprocess
import sys
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from confluent_kafka import KafkaError, Message, Producer
from truth_contracts.envelope import Coordinates
from truth_contracts.topics import UPSTREAM, Topic
from truth_local.demo.upstream import settings
from truth_local.system import System
from truth_topology.connection import Login

from tests.security.hostile.messages import Hostile

_MESSAGE_BYTES_MAX = 1_000_000
_SECONDS = 120.0
_ROOT = Path(__file__).parents[3]


@dataclass(frozen=True, slots=True)
class Sent:
    """A message and its place. `message` is None for one whose headers cannot be unpacked."""

    topic: str
    coordinates: Coordinates
    message: Hostile | None


def send(system: System, messages: Iterable[Hostile]) -> list[Sent]:
    """All of them, acknowledged. Raises KafkaException or TimeoutError when the broker does not take one."""
    producers: dict[str, Producer] = {}
    sent: list[Sent] = []
    failures: list[KafkaError] = []

    def note(message: Hostile, error: KafkaError | None, told: Message) -> None:
        if error is not None:
            failures.append(error)
            return
        place = Coordinates(message.topic.name, int(told.partition() or 0), int(told.offset() or 0))
        sent.append(Sent(message.topic.name, place, message))

    for message in messages:
        writer = writer_of(message.topic)
        producer = producers.get(writer) or producers.setdefault(writer, _producer(system, writer))
        told = partial(note, message)
        _produce(producer, message, told)
    for producer in producers.values():
        if producer.flush(_SECONDS):
            raise TimeoutError("the broker did not take all messages")
    if failures:
        raise RuntimeError(f"{len(failures)} messages were not taken, the first for: {failures[0]}")
    return sent


def writer_of(topic: Topic) -> str:
    """The principal that may write a topic."""
    return f"{UPSTREAM}-acme" if topic.owner == UPSTREAM else topic.owner


def send_unreadable(system: System, topics: Sequence[Topic]) -> list[Sent]:
    """One message with a header's name that is not UTF-8 to each of these topics."""
    by_writer: dict[str, list[str]] = defaultdict(list)
    for topic in topics:
        by_writer[writer_of(topic)].append(topic.name)
    orders: dict[str, Any] = {
        "producers": [[_options(system, writer), named] for writer, named in by_writer.items()]
    }
    ran = subprocess.run(
        [sys.executable, "-m", "tests.security.hostile.unreadable"],
        input=json.dumps(orders),
        env=os.environ | {"AIOKAFKA_NO_EXTENSIONS": "1"},
        cwd=_ROOT,
        capture_output=True,
        text=True,
        check=True,
        timeout=_SECONDS,
    )
    places: list[tuple[str, int, int]] = json.loads(ran.stdout)
    return [Sent(topic, Coordinates(topic, partition, offset), None) for topic, partition, offset in places]


def _produce(
    producer: Producer, message: Hostile, told: Callable[[KafkaError | None, Message], None]
) -> None:
    headers: list[tuple[str, str | bytes | None]] = [*message.headers]
    while True:
        try:
            producer.produce(
                message.topic.name, message.value, message.key, headers=headers, on_delivery=told
            )
        except BufferError:  # its queue is full: let it send
            producer.poll(1)
        else:
            producer.poll(0)
            return


def _producer(system: System, principal: str) -> Producer:
    login = Login(system.bootstrap, principal, system.principals[principal].password)
    more = {"acks": "all", "message.max.bytes": _MESSAGE_BYTES_MAX, "linger.ms": 20}
    return Producer(settings(login) | more)


def _options(system: System, principal: str) -> dict[str, str]:
    login = system.principals[principal]
    return {
        "bootstrap_servers": system.bootstrap,
        "security_protocol": "SASL_PLAINTEXT",
        "sasl_mechanism": "SCRAM-SHA-512",
        "sasl_plain_username": login.username,
        "sasl_plain_password": login.password,
    }
