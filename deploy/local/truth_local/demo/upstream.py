"""An upstream system: it knows the topic, the CloudEvents headers and its login, and nothing else of us."""

import json
from collections.abc import Mapping
from uuid import uuid4

from confluent_kafka import KafkaException, Producer
from truth_topology.connection import Login

_ACK_SECONDS = 20


def publish(login: Login, source: str, request: Mapping[str, object], event_id: str | None = None) -> str:
    """Publish `request` to `requests.submitted` as a CloudEvent in binary mode; returns its id.

    Durable on return: all in-sync replicas have it. Raises as `send` does.
    """
    event_id = event_id or str(uuid4())
    headers = {
        "ce_specversion": "1.0",
        "ce_id": event_id,
        "ce_source": source,
        "ce_type": "truth.requests.submitted.v1",
        "content-type": "application/json",
    }
    send(login, "requests.submitted", json.dumps(request).encode(), headers)
    return event_id


def send(  # noqa: PLR0913 what a message is made of, the last two by name
    login: Login,
    topic: str,
    value: bytes | None,
    headers: Mapping[str, str | bytes],
    *,
    key: bytes | None = None,
    partition: int | None = None,
) -> None:
    """Send one message to any topic, to the partition that follows from its key unless one is named.

    Raises KafkaException with the broker's reason when it refuses, TimeoutError without an acknowledgement.
    """
    producer = Producer(settings(login) | {"acks": "all", "message.timeout.ms": _ACK_SECONDS * 1000})
    failures: list[KafkaException] = []
    producer.produce(
        topic,
        value,
        key,
        -1 if partition is None else partition,
        headers=list(headers.items()),
        on_delivery=lambda error, _: failures.append(KafkaException(error)) if error else None,
    )
    if producer.flush(_ACK_SECONDS):
        raise TimeoutError(f"no acknowledgement from {login.bootstrap} within {_ACK_SECONDS} s")
    if failures:
        raise failures[0]


def settings(login: Login) -> dict[str, str | int]:
    """What a Kafka client of this login connects with."""
    return {
        "bootstrap.servers": login.bootstrap,
        "security.protocol": login.protocol,
        "sasl.mechanism": "SCRAM-SHA-512",
        "sasl.username": login.username,
        "sasl.password": login.password,
        "log_level": 0,
    }
