"""The broker of the local system: what it lets in, and what it keeps."""

from uuid import uuid4

import pytest
from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, Producer, TopicPartition
from truth_local.system import System
from truth_topology.connection import Login, answers
from truth_topology.topology import LOCAL

SECONDS = 30


def login(infrastructure: System, name: str) -> Login:
    return Login(infrastructure.bootstrap, name, infrastructure.principals[name].password)


def produced(infrastructure: System, principal: str, topic: str, value: bytes) -> KafkaError | None:
    """The broker's answer to one message; None is an acknowledgement."""
    settings = client(infrastructure, principal) | {"message.timeout.ms": SECONDS * 1000, "acks": "all"}
    told: list[KafkaError | None] = []
    producer = Producer(settings)
    producer.produce(topic, value, on_delivery=lambda error, _message: told.append(error))
    assert producer.flush(SECONDS) == 0
    return told[0]


def consumed(infrastructure: System, principal: str, topic: str, wanted: bytes) -> bool:
    """Whether the message arrives; joins no group. Raises KafkaException when the broker refuses."""
    group = "signals"  # one that the console may describe; librdkafka asks for it, and does no more with it
    consumer = Consumer(client(infrastructure, principal) | {"group.id": group, "enable.auto.commit": False})
    consumer.assign([TopicPartition(topic, number, OFFSET_BEGINNING) for number in range(LOCAL.partitions)])
    try:
        for message in iter(lambda: consumer.poll(SECONDS), None):
            if error := message.error():
                raise KafkaException(error)
            if message.value() == wanted:
                return True
    finally:
        consumer.close()
    return False


def client(infrastructure: System, principal: str) -> dict[str, str | int | float | bool]:
    return {
        "bootstrap.servers": infrastructure.bootstrap,
        "security.protocol": "SASL_PLAINTEXT",
        "sasl.mechanisms": "SCRAM-SHA-512",
        "sasl.username": principal,
        "sasl.password": infrastructure.principals[principal].password,
        "log_level": 0,
    }


def test_an_owner_may_write_and_a_reader_may_read(infrastructure: System) -> None:
    value = uuid4().bytes
    assert produced(infrastructure, "signals", "signals.dead-letters", value) is None
    assert consumed(infrastructure, "console", "signals.dead-letters", value)


@pytest.mark.parametrize(
    ("principal", "topic"),
    [
        ("upstream-acme", "jobs.created"),
        ("intake", "jobs.created"),
        ("execution", "jobs.created"),
        ("console", "signals.emitted"),
    ],
)
def test_the_broker_refuses_a_foreign_writer(infrastructure: System, principal: str, topic: str) -> None:
    error = produced(infrastructure, principal, topic, b"forged")
    assert error is not None
    assert error.code() == KafkaError.TOPIC_AUTHORIZATION_FAILED


def test_the_broker_refuses_a_foreign_reader(infrastructure: System) -> None:
    consumer = Consumer(client(infrastructure, "upstream-acme") | {"group.id": "upstream-acme"})
    consumer.subscribe(["intakes.accepted"])
    message = consumer.poll(SECONDS)
    consumer.close()
    error = None if message is None else message.error()
    assert error is not None
    assert error.code() == KafkaError.TOPIC_AUTHORIZATION_FAILED


@pytest.mark.parametrize("name", ["admin", "intake", "nobody"])
def test_nobody_logs_in_with_another_password(infrastructure: System, name: str) -> None:
    assert not answers(Login(infrastructure.bootstrap, name, "wrong"))


def test_kafka_keeps_what_was_acknowledged_through_kill(infrastructure: System) -> None:
    value = uuid4().bytes
    assert produced(infrastructure, "signals", "signals.dead-letters", value) is None
    infrastructure.kill("kafka")
    assert not answers(login(infrastructure, "admin"))
    infrastructure.start("kafka")
    assert consumed(infrastructure, "console", "signals.dead-letters", value)
