"""What became of each message, read from the databases of the services that consumed it."""

# JSON of any shape: isinstance() of an Any leaves its members unknown to the type checker.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

import jsonschema
from truth_contracts.envelope import Coordinates, Message, Received, from_kafka, type_of
from truth_contracts.topics import REQUESTS_SUBMITTED, SERVICES, TOPICS, Topic
from truth_local.system import System

from tests.faults.settled import rows
from tests.security.hostile.sending import Sent
from tests.security.hostile.shapes import schema_of

Fate = Literal["acted on", "duplicate", "refused", "dead"]

PROVED = (
    ("intakes.accepted", "governance"),
    ("jobs.created", "execution"),
    ("service-events.completed", "records"),
    ("records.sealed", "signals"),
)
"""Where a message is acted on only if its chain or its proof holds: nothing that was invented may pass."""

_NOW = datetime(2026, 1, 1, tzinfo=UTC)  # when the broker took it; decides nothing


@dataclass(frozen=True, slots=True)
class Known:
    """What a service has put down: places of dead letters with their code, and events acted on."""

    dead: Mapping[Coordinates, str]
    acted_on: frozenset[tuple[str, str]]


@dataclass(slots=True)
class Account:
    """Every message at every reader, and what does not add up."""

    fates: Counter[tuple[str, str, Fate]] = field(default_factory=Counter[tuple[str, str, Fate]])
    codes: Counter[tuple[str, str]] = field(default_factory=Counter[tuple[str, str]])
    """By topic and refusal code."""
    wrong: list[str] = field(default_factory=list[str])

    def of(self, fate: Fate) -> int:
        """How many had this fate, over all topics and readers."""
        return sum(count for (_, _, one), count in self.fates.items() if one == fate)


def know(system: System, service: str) -> Known:
    """What the service has put down by now."""
    letters = rows(system, service, 'SELECT topic, partition, "offset", code FROM truth.dead_letter')
    noted = rows(system, service, "SELECT source, event_id FROM truth.inbox")
    dead = {Coordinates(topic, partition, offset): code for topic, partition, offset, code in letters}
    return Known(dead, frozenset((source, event_id) for source, event_id in noted))


def account(sent: Sequence[Sent], before: Mapping[str, Known], after: Mapping[str, Known]) -> Account:
    """What became of `sent` at each service that reads it. Pure."""
    found = Account()
    for service in SERVICES:
        seen = set(before[service].acted_on)
        for one in (one for one in _in_order(sent) if service in _topic(one).readers):
            fate = _fate(one, after[service], seen, found)
            if fate is not None:
                found.fates[one.topic, service, fate] += 1
    found.wrong += [
        f"{topic}: {service} acted on what nobody proved"
        for topic, service in PROVED
        if found.fates[topic, service, "acted on"]
    ]
    return found


_BY_NAME = {topic.name: topic for topic in TOPICS}


def _topic(sent: Sent) -> Topic:
    return _BY_NAME[sent.topic]


def _in_order(sent: Iterable[Sent]) -> list[Sent]:
    return sorted(sent, key=lambda one: (one.topic, one.coordinates.partition, one.coordinates.offset))


def _fate(sent: Sent, after: Known, seen: set[tuple[str, str]], found: Account) -> Fate | None:
    code = after.dead.get(sent.coordinates)
    if code is not None:
        found.codes[sent.topic, code] += 1
        return "refused" if _topic(sent) is REQUESTS_SUBMITTED else "dead"
    received = _read(sent)
    if received is None or (received.source, received.event_id) not in after.acted_on:
        found.wrong.append(f"{sent.coordinates}: neither acted on nor refused ({_told(sent)})")
        return None
    if (reason := _unfit(received)) is not None:
        found.wrong.append(f"{sent.coordinates}: acted on against its schema: {reason} ({_told(sent)})")
    key = (received.source, received.event_id)
    if key in seen:
        return "duplicate"
    seen.add(key)
    return "acted on"


def _read(sent: Sent) -> Received[Any] | None:
    if sent.message is None:
        return None
    one = sent.message
    read = from_kafka(one.topic, Message(sent.topic, one.key, one.value, one.headers), sent.coordinates, _NOW)
    return read if isinstance(read, Received) else None


def _unfit(received: Received[Any]) -> str | None:
    """What a stranger's validator has against it, unknown members aside: a second opinion on what was read."""
    validator = jsonschema.Draft202012Validator(_opened(schema_of(type_of(type(received.event)))))
    return next((error.message[:200] for error in validator.iter_errors(dict(received.body))), None)


def _opened(schema: Any) -> Any:
    """The schema as a reader takes it: unknown members are left alone, and what has a default may be missing."""
    if isinstance(schema, list):
        return [_opened(inner) for inner in schema]
    if not isinstance(schema, dict):
        return schema
    kept = {name: _opened(inner) for name, inner in schema.items()}
    if isinstance(kept.get("properties"), dict):
        kept["required"] = [
            name for name in kept.get("required", []) if "default" not in kept["properties"][name]
        ]
        kept.pop("additionalProperties", None)
    return kept


def _told(sent: Sent) -> str:
    if sent.message is None:
        return "a header's name that is not UTF-8"
    whence = "from the past" if sent.message.is_from_the_past else "invented"
    return f"{whence}; {', '.join(sent.message.ways) or 'whole'}"
