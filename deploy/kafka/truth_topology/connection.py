"""Connecting to a broker as one principal, with SCRAM-SHA-512."""

import logging
import socket
from dataclasses import dataclass, field
from typing import Any

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient

BrokerError = KafkaException
"""The broker is away, refuses the login, or refuses what was asked of it."""

REQUEST_SECONDS = 15
_PROBE_SECONDS = 2
_LOGIN_SECONDS = 5
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
    return AdminClient(_settings(login), logger=_quiet)


def connected(login: Login) -> AdminClient:
    """An administration client that is logged in. Raises BrokerError, which says why not."""
    told: list[KafkaError] = []
    settings: dict[str, Any] = {**_settings(login), "error_cb": told.append}
    admin = AdminClient(settings, logger=_quiet)
    try:
        admin.list_topics(timeout=_LOGIN_SECONDS)
    except BrokerError as error:
        admin.poll(0)  # serves the callbacks, which know more than "transport failure"
        refusals = [reason for reason in told if reason.code() == KafkaError._AUTHENTICATION]
        raise (BrokerError(refusals[0]) if refusals else error) from error
    return admin


def answers(login: Login) -> bool:
    """Whether the broker is there and lets this principal in."""
    host, _, port = login.bootstrap.split(",")[0].rpartition(":")
    try:
        socket.create_connection((host, int(port)), _PROBE_SECONDS).close()
        client(login).list_topics(timeout=_PROBE_SECONDS)
    except (OSError, BrokerError):
        return False
    return True


def _settings(login: Login) -> dict[str, Any]:
    return {
        "bootstrap.servers": login.bootstrap,
        "security.protocol": login.protocol,
        "sasl.mechanisms": "SCRAM-SHA-512",
        "sasl.username": login.username,
        "sasl.password": login.password,
        "socket.timeout.ms": REQUEST_SECONDS * 1000,
    }
