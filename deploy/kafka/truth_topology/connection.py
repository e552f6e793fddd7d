"""Connecting to a broker: as one principal with SCRAM-SHA-512, or on a listener that asks for no login."""

import logging
import socket
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient

BrokerError = KafkaException
"""The broker is away, refuses the login, or refuses what was asked of it."""

REQUEST_SECONDS = 15
_PROBE_SECONDS = 2
_LOGIN_SECONDS = 5
_LOOK_SECONDS = 0.5
_quiet = logging.getLogger("truth_topology.librdkafka")
_quiet.addHandler(logging.NullHandler())
_quiet.propagate = False


@dataclass(frozen=True, slots=True)
class Login:
    """Where the broker is and who logs in. With PLAINTEXT or SSL nobody does."""

    bootstrap: str
    username: str = ""
    password: str = field(default="", repr=False)
    protocol: str = "SASL_PLAINTEXT"
    ca_file: Path | None = None  # PEM of the cluster's CA, for SASL_SSL; None: the system's

    @property
    def is_anonymous(self) -> bool:
        """Whether the listener asks for no login."""
        return not self.protocol.startswith("SASL_")


def client(login: Login) -> AdminClient:
    """An administration client; it connects when it is first asked something."""
    return AdminClient(settings(login), logger=_quiet)


def connected(login: Login, seconds: float = _LOGIN_SECONDS) -> AdminClient:
    """An administration client that is logged in. Raises BrokerError, which says why not."""
    told: list[KafkaError] = []
    watched: dict[str, Any] = {**settings(login), "error_cb": told.append}
    admin, deadline = AdminClient(watched, logger=_quiet), time.monotonic() + seconds
    while True:
        try:
            admin.list_topics(timeout=_LOOK_SECONDS)
        except BrokerError as error:
            admin.poll(0)  # serves the callback, which knows more than "transport failure"
            for reason in told:
                if reason.code() == KafkaError._AUTHENTICATION:
                    raise BrokerError(reason) from error
            if time.monotonic() > deadline:
                raise
        else:
            return admin


def answers(login: Login) -> bool:
    """Whether the broker is there and lets this principal in."""
    host, _, port = login.bootstrap.split(",")[0].rpartition(":")
    try:
        socket.create_connection((host, int(port)), _PROBE_SECONDS).close()
        connected(login, _PROBE_SECONDS)
    except (OSError, BrokerError):
        return False
    return True


def settings(login: Login) -> dict[str, Any]:
    """Settings of librdkafka for this login, the same for any kind of client."""
    told: dict[str, Any] = {
        "bootstrap.servers": login.bootstrap,
        "security.protocol": login.protocol,
        "socket.timeout.ms": REQUEST_SECONDS * 1000,
        **({"ssl.ca.location": str(login.ca_file)} if login.ca_file else {}),
    }
    if login.is_anonymous:
        return told
    return told | {
        "sasl.mechanisms": "SCRAM-SHA-512",
        "sasl.username": login.username,
        "sasl.password": login.password,
    }
