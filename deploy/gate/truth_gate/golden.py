"""Makes the golden samples of a contract's present version: by chance from a fixed seed, and the edges."""

import json
from collections.abc import Iterator

from truth_contracts.base import Contract
from truth_contracts.envelope import Message, to_kafka, type_of
from truth_contracts.requests import RequestSubmitted
from truth_contracts.steps import Event
from truth_contracts.topics import TOPICS

from truth_gate.chance import values_of
from truth_gate.edges import DOOR_EDGES, newer
from truth_gate.samples import Sample

MADE = 20
"""Samples that are made by chance for each version, from a seed that is the contract's name and version."""


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
