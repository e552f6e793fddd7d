"""A Kafka consumer that joins nothing and commits nothing."""

from collections.abc import Generator
from contextlib import contextmanager

from confluent_kafka import Consumer
from truth_contracts.topics import SERVICES
from truth_topology.connection import Login


@contextmanager
def reader(login: Login) -> Generator[Consumer]:
    """Partitions are assigned by hand, and nothing is read before.

    The client looks a group's coordinator up whatever it does: it is told one that the console may describe.
    """
    consumer = Consumer(
        {
            "bootstrap.servers": login.bootstrap,
            "security.protocol": login.protocol,
            "sasl.mechanism": "SCRAM-SHA-512",
            "sasl.username": login.username,
            "sasl.password": login.password,
            **({"ssl.ca.location": str(login.ca_file)} if login.ca_file else {}),
            "group.id": SERVICES[0],
            "enable.auto.commit": False,
            "enable.auto.offset.store": False,
            "auto.offset.reset": "earliest",
            "log_level": 0,
        }
    )
    try:
        yield consumer
    finally:
        consumer.close()
