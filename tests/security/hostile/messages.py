"""Hostile messages for every consumed topic: shaped by its schema or taken from its past, whole or broken."""

import copy
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from truth_contracts.envelope import source_of, type_of
from truth_contracts.topics import REQUESTS_SUBMITTED, SERVICES, TOPICS, Topic
from truth_local.demo import doors
from truth_local.demo.reading import Published

from tests.security.hostile.breaking import break_it
from tests.security.hostile.draft import Draft
from tests.security.hostile.shapes import shaped

CONSUMED = tuple(
    topic
    for topic in TOPICS
    if set(topic.readers) & set(SERVICES) and topic.cleanup == "delete" and topic.events
)
"""Every topic that a service consumes as a member of its group."""

BYTES_MAX = 950_000
"""What is longer the broker itself refuses, whatever it holds."""

_WHOLE = 0.12
"""Share of messages that nothing was done to: repeats of true ones, and well-formed inventions."""
_FROM_THE_PAST = 0.5
_SURFACES = ("kitchen-repairs", "roof-inspections", "garden-care", "no-such-surface")
_BREAKS_MAX = 3


@dataclass(frozen=True, slots=True)
class Hostile:
    """A message to be sent, and what was done to it; nothing, if `ways` is empty."""

    topic: Topic
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...]
    ways: tuple[str, ...]
    is_from_the_past: bool

    @property
    def size(self) -> int:
        """Bytes of key, value and headers."""
        headers = sum(len(name.encode()) + len(value) for name, value in self.headers)
        return len(self.key or b"") + len(self.value or b"") + headers


def hostile(count: int, seed: int, past: Mapping[str, Sequence[Published]]) -> Iterator[Hostile]:
    """`count` messages, the same for the same seed and past. `past` are true messages by topic."""
    random = Random(seed)  # noqa: S311 to be repeated, not to be secret
    for number in range(count):
        yield _sendable(CONSUMED[number % len(CONSUMED)], past, random)


def _sendable(topic: Topic, past: Mapping[str, Sequence[Published]], random: Random) -> Hostile:
    while True:
        message = _message(topic, past, random)
        if message.size <= BYTES_MAX:
            return message


def _message(topic: Topic, past: Mapping[str, Sequence[Published]], random: Random) -> Hostile:
    is_from_the_past = bool(past[topic.name]) and random.random() < _FROM_THE_PAST
    draft = _past(topic, past[topic.name], random) if is_from_the_past else _invented(topic, past, random)
    if is_from_the_past and random.random() < _WHOLE:
        true = random.choice(past[topic.name])
        return Hostile(topic, true.key, true.value, true.headers, (), is_from_the_past)
    breaks = 0 if not is_from_the_past and random.random() < _WHOLE else random.randint(1, _BREAKS_MAX)
    ways = tuple(break_it(draft, random) for _ in range(breaks))
    return Hostile(topic, draft.key, draft.value, tuple(draft.headers), ways, is_from_the_past)


def _past(topic: Topic, published: Sequence[Published], random: Random) -> Draft:
    true, other = random.choice(published), random.choice(published)
    body = json.loads(true.value or b"{}")
    return Draft(topic, body, [*true.headers], true.key, json.loads(other.value or b"{}"))


def _invented(topic: Topic, past: Mapping[str, Sequence[Published]], random: Random) -> Draft:
    kind = type_of(random.choice(topic.events))
    body = shaped(kind, random)
    if topic is REQUESTS_SUBMITTED:
        body["surface"] = random.choice(_SURFACES)
        return Draft(
            topic,
            body,
            _headers(kind, doors.SOURCE, shaped(kind, random)["request_key"]),
            random.randbytes(8),
        )
    published = past[topic.name]
    other: dict[str, Any] = json.loads(random.choice(published).value or b"{}") if published else {}
    headers = _headers(kind, source_of(topic.owner), body["event_id"])
    key = str(body.get("request_id", "")).encode()
    headers += [("ce_subject", key), ("ce_partitionkey", key)]
    return Draft(topic, copy.deepcopy(body), headers, key, other)


def _headers(kind: str, source: str, event_id: str) -> list[tuple[str, bytes]]:
    told = {
        "ce_specversion": "1.0",
        "ce_id": event_id,
        "ce_source": source,
        "ce_type": kind,
        "content-type": "application/json",
    }
    return [(name, value.encode()) for name, value in told.items()]
