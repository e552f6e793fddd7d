"""The flow as rows, from what Kafka and the services told. Pure. Unknown is None everywhere, never 0."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, TypeAlias

from truth_contracts.envelope import type_of
from truth_contracts.ops import Flow, Waiting
from truth_contracts.topics import SERVICES, TOPICS, Topic

from truth_console.asking import Silence
from truth_console.broker import GroupLag, KafkaLook

Trend: TypeAlias = Literal["growing", "steady", "shrinking"]
Found: TypeAlias = Flow | Silence

WATCHED = ("tasks.changed", "jobs.changed", "service-events.changed", "intakes.answered")
"""Topics that no step of the path depends on: told after those that carry it."""

LATE_SECONDS = 5.0
"""From here on a row is worth a word; below it is the time of a hop under load."""


@dataclass(frozen=True, slots=True)
class Row:
    """One topic on its way to one reader."""

    topic: str
    writer: str
    reader: str
    per_second: float | None
    waiting: int | None
    oldest_seconds: float | None  # 0 when nothing waits
    trend: Trend | None
    dead: int | None  # messages of this topic that the reader refused and nobody dealt with
    contract: str  # version as written, and as read where that is another; "?" when not known


@dataclass(frozen=True, slots=True)
class Stand:
    """One service."""

    service: str
    version: str | None
    silent: str | None  # why nothing is known of it
    since: datetime | None  # since when it is silent or fails, as far as this console saw
    failing: Mapping[str, str]
    unsent: int | None
    unsent_seconds: float | None  # 0 when nothing is unsent
    waiting: Sequence[Waiting] | None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The flow at one moment."""

    at: datetime
    kafka_at: datetime | None  # when Kafka last answered: what rows tell of it is as of then
    kafka_silent: str | None  # why it does not now
    rows: Sequence[Row]
    stands: Sequence[Stand]
    headline: str


@dataclass(frozen=True, slots=True)
class Sight:
    """All that was found out at one moment. `before` is Kafka's view some seconds earlier."""

    look: KafkaLook | None
    before: KafkaLook | None
    found: Mapping[str, Found]
    now: datetime


def rows(sight: Sight) -> list[Row]:
    """In the order of the path; what only watchers read comes last."""
    ordered = sorted(_read_topics(), key=lambda pair: pair[0].name in WATCHED)
    return [_row(topic, reader, sight) for topic, reader in ordered]


def _read_topics() -> Iterator[tuple[Topic, str]]:
    for topic in TOPICS:
        if topic.cleanup == "delete":
            yield from ((topic, reader) for reader in topic.readers if reader in SERVICES)


def _row(topic: Topic, reader: str, sight: Sight) -> Row:
    look, before = sight.look, sight.before
    lag = look.lags.get((reader, topic.name)) if look else None
    earlier = before.lags.get((reader, topic.name)) if before else None
    reads = sight.found.get(reader)
    letters = reads.dead_letters if isinstance(reads, Flow) else None
    return Row(
        topic=topic.name,
        writer=topic.owner,
        reader=reader,
        per_second=look.per_second.get(topic.name) if look else None,
        waiting=lag.messages if lag else None,
        oldest_seconds=_oldest(lag, sight.now),
        trend=trend(earlier, lag),
        dead=None if letters is None else letters.get(topic.name, 0),
        contract=_contract(topic, sight.found.get(topic.owner), reads),
    )


def trend(earlier: GroupLag | None, lag: GroupLag | None) -> Trend | None:
    """Growing also when the same messages wait as before: then their seconds grow."""
    if earlier is None or lag is None:
        return None
    is_stuck = lag.messages > 0 and earlier.messages > 0 and lag.committed == earlier.committed
    if lag.messages > earlier.messages or is_stuck:
        return "growing"
    return "shrinking" if lag.messages < earlier.messages else "steady"


def _oldest(lag: GroupLag | None, now: datetime) -> float | None:
    if lag is None:
        return None
    if lag.messages == 0:
        return 0.0
    return None if lag.oldest_at is None else max(0.0, (now - lag.oldest_at).total_seconds())


def _contract(topic: Topic, writer: Found | None, reader: Found | None) -> str:
    kinds = [type_of(kind) for kind in topic.events]
    written = _versions(writer.writes, kinds) if isinstance(writer, Flow) else "?"
    read = _versions(reader.reads, kinds) if isinstance(reader, Flow) else "?"
    if topic.owner not in SERVICES:  # strangers write it
        return read
    return written if written == read else f"{written} read as {read}"


def _versions(told: Mapping[str, str], kinds: Sequence[str]) -> str:
    return ", ".join(told.get(kind, "?") for kind in kinds)


def headline(rows: Sequence[Row], stands: Sequence[Stand], kafka_silent: str | None) -> str:
    """The worst of it in one sentence, what is not known before what is late."""
    if kafka_silent:
        return f"Kafka {kafka_silent}; what is shown of it is as of when it last answered"
    for stand in stands:
        if stand.silent:
            return f"{stand.service} {stand.silent}"
    late = max(rows, key=lambda row: row.oldest_seconds or 0.0)
    if (late.oldest_seconds or 0.0) > LATE_SECONDS:
        moving = "" if late.trend is None else f" and {late.trend}"
        return f"{late.reader} is {late.oldest_seconds:.0f} s behind on {late.topic}{moving}"
    for stand in stands:
        if stand.failing:
            part, reason = next(iter(stand.failing.items()))
            return f"{stand.service} is not ready: {part}: {reason}"
    unknown = [row for row in rows if row.waiting is None or row.oldest_seconds is None]
    if unknown:
        return f"Not known: what waits for {unknown[0].reader} on {unknown[0].topic}"
    dead = sum(row.dead or 0 for row in rows)
    return f"Work flows; {dead} dead letters wait for somebody" if dead else "Work flows; nothing is late"
