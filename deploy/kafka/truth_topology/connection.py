"""Connecting to a broker as one principal, with SCRAM-SHA-512."""

import logging
import socket
from dataclasses import dataclass, field

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

REQUEST_SECONDS = 15
_PROBE_SECONDS = 2
_quiet = logging.getLogger("truth_topology.librdkafka")
_quiet.addHandler(logging.NullHandler())
_quiet.propagate = False


@dataclass(frozen=True, slots=True)
class Login:
    """Where the broker is and who logs in."""

    bootstrap: str
    username: str
    password: str = field(repr=False)
    protocol: str = "SASL_PLAINTEXT"


def client(login: Login) -> AdminClient:
    """An administration client; it connects when it is first asked something."""
    return AdminClient(
        {
            "bootstrap.servers": login.bootstrap,
            "security.protocol": login.protocol,
            "sasl.mechanisms": "SCRAM-SHA-512",
            "sasl.username": login.username,
            "sasl.password": login.password,
            "socket.timeout.ms": REQUEST_SECONDS * 1000,
        },
        logger=_quiet,
    )


def answers(login: Login) -> bool:
    """Whether the broker is there and lets this principal in."""
    host, _, port = login.bootstrap.split(",")[0].rpartition(":")
    try:
        socket.create_connection((host, int(port)), _PROBE_SECONDS).close()
        client(login).list_topics(timeout=_PROBE_SECONDS)
    except (OSError, KafkaException):
        return False
    return True
