"""Proof by what is in flight: messages that the candidate has still to read, by contract and version."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import httpx
from confluent_kafka import Consumer, ConsumerGroupTopicPartitions, Message, TopicPartition
from pydantic import BaseModel, ValidationError
from truth_contracts.manifest import Manifest
from truth_contracts.topics import TOPICS, UPSTREAM, Topic
from truth_topology.connection import REQUEST_SECONDS, BrokerError, Login, connected, settings

from truth_gate.verdict import Flying

_DATASCHEMA = re.compile(r"urn:runtime-truth:[a-z0-9.-]+:(?P<version>[0-9]+\.[0-9]+)")
_POLL_SECONDS = 1.0


class NotFoundOutError(Exception):
    """Somebody who must be asked does not answer, or not with what was asked for."""


class _Principal(BaseModel):
    username: str
    password: str


class _Kafka(BaseModel):
    bootstrap: str
    protocol: str = "SASL_PLAINTEXT"
    ca_file: Path | None = None
    """PEM of the cluster's CA, for SASL_SSL; without it the system's."""
    principals: dict[str, _Principal]


class _Machine(BaseModel):
    client_secret: str


class Environment(BaseModel):
    """Where a system runs, as `.truth/local.json` says it: the console's logins, the services' addresses."""

    kafka: _Kafka
    services: dict[str, str]
    issuer: str
    machines: dict[str, _Machine]


@dataclass(frozen=True, slots=True)
class Live:
    """A running system, asked with the console's own rights, which change nothing."""

    environment: Environment
    token: str

    def manifests(self) -> dict[str, Manifest]:
        """What every service says of itself. Raises NotFoundOutError."""
        return {
            name: Manifest.model_validate(self._ask(name, "/about")) for name in self.environment.services
        }

    def flying_to(self, candidate: Manifest) -> list[Flying]:
        """All that the candidate would have to read: on Kafka, in outboxes, among its dead letters."""
        topics = [topic for topic in TOPICS if candidate.name in topic.readers and topic.cleanup == "delete"]
        found = list(self._in_outboxes(topics))
        own = self._ask(candidate.name, "/api/ops/in-flight")
        found += [_flying(row, f"dead letters of {candidate.name}") for row in own["dead_letters"]]
        return found + self._on_kafka(candidate.name, topics)

    def _in_outboxes(self, topics: Sequence[Topic]) -> Iterator[Flying]:
        names = {topic.name for topic in topics}
        for writer in sorted({topic.owner for topic in topics} - {UPSTREAM}):
            for row in self._ask(writer, "/api/ops/in-flight")["outbox"]:
                if row["topic"] in names:
                    yield _flying(row, f"outbox of {writer}")

    def _on_kafka(self, group: str, topics: Sequence[Topic]) -> list[Flying]:
        kafka = self.environment.kafka
        principal = kafka.principals["console"]
        login = Login(kafka.bootstrap, principal.username, principal.password, kafka.protocol, kafka.ca_file)
        try:
            return between(login, group, topics)
        except BrokerError as error:
            raise NotFoundOutError(f"Kafka: {error}") from error

    def _ask(self, service: str, path: str) -> dict[str, Any]:
        try:
            answer = httpx.get(
                self.environment.services[service] + path,
                headers={"authorization": f"Bearer {self.token}"},
                timeout=REQUEST_SECONDS,
                trust_env=False,
            )
            answer.raise_for_status()
        except (httpx.HTTPError, KeyError) as error:
            raise NotFoundOutError(f"{service} {path}: {error}") from error
        return answer.json()


def live(file: Path) -> Live:
    """The system that a file describes, signed in to as the console. Raises NotFoundOutError."""
    try:
        environment = Environment.model_validate_json(file.read_bytes())
        given = {"grant_type": "client_credentials", "client_id": "console"}
        given["client_secret"] = environment.machines["console"].client_secret
        answer = httpx.post(
            f"{environment.issuer}/token", data=given, timeout=REQUEST_SECONDS, trust_env=False
        )
        answer.raise_for_status()
    except (OSError, ValidationError, KeyError, httpx.HTTPError) as error:
        raise NotFoundOutError(f"{file}: {error}") from error
    return Live(environment, answer.json()["access_token"])


def between(login: Login, group: str, topics: Sequence[Topic]) -> list[Flying]:
    """What lies between a group's committed offsets and the ends, by headers alone."""
    admin = cast("Any", connected(login))  # its offsets have no types
    asked = ConsumerGroupTopicPartitions(group)
    future = admin.list_consumer_group_offsets([asked], request_timeout=REQUEST_SECONDS)[group]
    committed: dict[tuple[str, int], int] = {
        (place.topic, place.partition): place.offset
        for place in future.result().topic_partitions
        if place.offset >= 0
    }
    counts: dict[tuple[str, str | None, str | None], Flying] = {}
    for message in _messages(login, group, [topic.name for topic in topics], committed):
        type_name, version = _contract_of(message)
        key = (f"{message.topic()} after {group}'s offset", type_name, version)
        at = datetime.fromtimestamp(message.timestamp()[1] / 1000, UTC)
        before = counts.get(key)
        oldest = min(at, before.oldest_at) if before and before.oldest_at else at
        counts[key] = Flying(*key, (before.count if before else 0) + 1, oldest)
    return list(counts.values())


def _messages(
    login: Login, group: str, topics: Sequence[str], committed: Mapping[tuple[str, int], int]
) -> Iterator[Message]:
    consumer = Consumer(
        {
            **settings(login),
            # The client looks its coordinator up, which takes the right to describe it. It joins nothing and
            # commits nothing, since partitions are assigned.
            "group.id": group,
            "enable.auto.commit": False,
            "log_level": 0,
        }
    )
    try:
        known = consumer.list_topics(timeout=REQUEST_SECONDS).topics
        ends: dict[tuple[str, int], int] = {}
        for topic in topics:
            for partition in known[topic].partitions:
                place = TopicPartition(topic, partition)
                low, high = consumer.get_watermark_offsets(place, timeout=REQUEST_SECONDS)
                start = max(low, committed.get((topic, partition), low))
                if start < high:
                    ends[topic, partition] = high
                    consumer.incremental_assign([TopicPartition(topic, partition, start)])
        yield from _until(consumer, ends)
    finally:
        consumer.close()


def _until(consumer: Consumer, ends: dict[tuple[str, int], int]) -> Iterator[Message]:
    quiet = 0
    while ends:
        message = consumer.poll(_POLL_SECONDS)
        if message is None:
            quiet += 1
            if quiet > REQUEST_SECONDS:
                raise NotFoundOutError(f"Kafka sends nothing of {', '.join(sorted(t for t, _ in ends))}")
            continue
        if message.error() is not None:
            raise NotFoundOutError(f"Kafka: {message.error()}")
        quiet = 0
        place = (str(message.topic()), int(message.partition() or 0))
        yield message
        if int(message.offset() or 0) + 1 >= ends.get(place, 0):
            ends.pop(place, None)


def _contract_of(message: Message) -> tuple[str | None, str | None]:
    headers = dict(message.headers() or [])
    told = headers.get("ce_type")
    type_name = told.decode("utf-8", "replace") if isinstance(told, bytes) else None
    if (
        type_name is None and message.topic() == "requests.submitted"
    ):  # plain JSON and structured say it inside
        type_name = "truth.requests.submitted.v1"
    schema = headers.get("ce_dataschema")
    return type_name, _version(schema.decode("utf-8", "replace") if isinstance(schema, bytes) else None)


def _flying(row: Mapping[str, Any], where: str) -> Flying:
    oldest = datetime.fromisoformat(row["oldest_at"])
    return Flying(where, row["type"], _version(row["dataschema"]), row["count"], oldest)


def _version(dataschema: str | None) -> str | None:
    found = _DATASCHEMA.fullmatch(dataschema or "")
    return found["version"] if found else None
