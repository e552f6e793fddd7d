"""Golden samples: messages as each contract's version writes them, and edges that every reader must take.

A sample is one JSON file: `{"topic", "key", "headers", "value", "sha256"}`. The message's bytes are `value`
as compact JSON (`octets`), and `sha256` is over them. A step's body has no message of its own; then `topic`
is null.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from truth_contracts.base import Contract
from truth_contracts.envelope import Message, to_kafka, type_of
from truth_contracts.requests import RequestSubmitted
from truth_contracts.steps import Event
from truth_contracts.topics import TOPICS

from truth_gate.chance import values_of
from truth_gate.edges import DOOR_EDGES, newer

MADE = 20
"""Samples that are made by chance for each version, from a seed that is the contract's name and version."""


@dataclass(frozen=True, slots=True)
class Sample:
    """A message as it lies in a topic, or a step's body alone (then without topic, key and headers)."""

    topic: str | None
    key: str | None
    headers: Mapping[str, str]
    value: Any

    @property
    def octets(self) -> bytes:
        """The message's value, byte for byte."""
        return json.dumps(self.value, separators=(",", ":"), ensure_ascii=False).encode()

    def text(self) -> str:
        """The sample as its file holds it."""
        told = {
            "topic": self.topic,
            "key": self.key,
            "headers": dict(self.headers),
            "sha256": hashlib.sha256(self.octets).hexdigest(),
            "value": self.value,
        }
        return json.dumps(told, indent=1, ensure_ascii=False) + "\n"


def read_sample(file: Path) -> Sample:
    """The sample in a file. Raises ValueError when its bytes are not those that it was released with."""
    told = json.loads(file.read_text())
    sample = Sample(told["topic"], told["key"], told["headers"], told["value"])
    if hashlib.sha256(sample.octets).hexdigest() != told["sha256"]:
        raise ValueError(f"{file} is not what it was: its digest differs")
    return sample


def samples_of(kind: type[Contract]) -> dict[str, Sample]:
    """File stem to sample: MADE from chance, the same at every run, and the edges."""
    made = [_sample(kind, value) for value in values_of(kind, MADE)]
    found = {f"{number:02}": sample for number, sample in enumerate(made, start=1)}
    return found | dict(_edges(kind, made[0]))


def _edges(kind: type[Contract], first: Sample) -> Iterator[tuple[str, Sample]]:
    yield "newer-minor", Sample(first.topic, first.key, first.headers, newer(first.value))
    if kind is RequestSubmitted:
        for name, (headers, value) in DOOR_EDGES.items():
            yield name, Sample(first.topic, None, headers, value)


def _sample(kind: type[Contract], value: Contract) -> Sample:
    body = json.loads(value.model_dump_json())
    if isinstance(value, Event):
        message = to_kafka(value, key=b"a-key-of-its-own" if not hasattr(value, "request_id") else None)
        return _of_message(message)
    topics = [topic for topic in TOPICS if kind in topic.events]
    if not topics:
        return Sample(None, None, {}, body)
    headers = {
        "ce_specversion": "1.0",
        "ce_id": f"{value.request_key}-1"[:64] if isinstance(value, RequestSubmitted) else "1",
        "ce_source": "/upstreams/acme",
        "ce_type": type_of(kind),
        "content-type": "application/json",
    }
    return Sample(topics[0].name, None, headers, body)


def _of_message(message: Message) -> Sample:
    headers = {name: octets.decode() for name, octets in message.headers}
    key = None if message.key is None else message.key.decode()
    return Sample(message.topic, key, headers, json.loads(message.value or b"null"))
