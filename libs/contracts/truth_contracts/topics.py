"""Topics: the only place where one is named, with who writes it, who reads it and how long it is kept."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from truth_contracts.base import Contract
from truth_contracts.intakes import IntakeAccepted, IntakeAnswered
from truth_contracts.jobs import JobChanged, JobClaimedBody, JobCreated
from truth_contracts.records import CheckpointSigned, RecordSealed
from truth_contracts.requests import RequestBody, RequestRefused, RequestSubmitted
from truth_contracts.service_events import ServiceEventChanged, ServiceEventCompleted
from truth_contracts.signals import SignalEmitted
from truth_contracts.tasks import TaskApprovedBody, TaskAssignedBody, TaskChanged

SERVICES = ("intake", "governance", "execution", "records", "signals")
"""The five services, in path order. Each one's Kafka principal and consumer group are named like it."""

PARTITIONS = 12
"""Partitions of every topic, for ever: order per request rests on it. The local system uses 4."""

UPSTREAM = "upstream"
"""Prefix of the principals that may submit requests: `upstream-<name>`."""

PARTNER = "partner"
"""Prefix of the principals that may read Records and Signals: `partner-<name>`."""

_DAY_MS = 24 * 3600 * 1000
_FOR_EVER = -1
_KIB = 1024


@dataclass(frozen=True, slots=True)
class Topic:
    """A Kafka topic. `readers` and `owner` are services, or the prefixes UPSTREAM and PARTNER.

    `carries` are the steps' bodies that travel inside its messages as texts: nothing in an envelope tells
    their versions, and they may be as old as the oldest open Task.
    """

    name: str
    owner: str
    readers: tuple[str, ...]
    events: tuple[type[Contract], ...]
    retention_ms: int
    bytes_max: int = 256 * _KIB  # of a message's value
    cleanup: Literal["delete", "compact"] = "delete"
    carries: tuple[type[Contract], ...] = ()


REQUESTS_SUBMITTED = Topic(
    "requests.submitted", UPSTREAM, ("intake",), (RequestSubmitted,), 7 * _DAY_MS, bytes_max=64 * _KIB
)
REQUESTS_REFUSED = Topic("requests.refused", "intake", (UPSTREAM,), (RequestRefused,), 7 * _DAY_MS)
INTAKES_ACCEPTED = Topic(
    "intakes.accepted",
    "intake",
    ("governance",),
    (IntakeAccepted,),
    30 * _DAY_MS,
    carries=(RequestBody,),
)
INTAKES_ANSWERED = Topic("intakes.answered", "intake", ("governance",), (IntakeAnswered,), 30 * _DAY_MS)
TASKS_CHANGED = Topic("tasks.changed", "governance", ("intake",), (TaskChanged,), 7 * _DAY_MS)
JOBS_CREATED = Topic(
    "jobs.created",
    "governance",
    ("execution",),
    (JobCreated,),
    30 * _DAY_MS,
    carries=(RequestBody, IntakeAccepted, TaskApprovedBody, TaskAssignedBody),
)
JOBS_CHANGED = Topic("jobs.changed", "execution", ("intake", "governance"), (JobChanged,), 7 * _DAY_MS)
SERVICE_EVENTS_CHANGED = Topic(
    "service-events.changed", "execution", ("intake", "governance"), (ServiceEventChanged,), 7 * _DAY_MS
)
SERVICE_EVENTS_COMPLETED = Topic(
    "service-events.completed",
    "execution",
    ("records",),
    (ServiceEventCompleted,),
    30 * _DAY_MS,
    carries=(*JOBS_CREATED.carries, JobCreated, JobClaimedBody),
)
RECORDS_SEALED = Topic(
    "records.sealed", "records", ("signals", "intake", PARTNER), (RecordSealed,), _FOR_EVER
)
RECORDS_CHECKPOINTS = Topic(
    "records.checkpoints", "records", ("records",), (CheckpointSigned,), _FOR_EVER, cleanup="compact"
)
SIGNALS_EMITTED = Topic("signals.emitted", "signals", ("intake", PARTNER), (SignalEmitted,), _FOR_EVER)


def dead_letters(service: str) -> Topic:
    """Where `service` tells of what it refused to act on. Values and headers are the refused message's."""
    return Topic(f"{service}.dead-letters", service, (), (), 90 * _DAY_MS)


TOPICS: tuple[Topic, ...] = (
    REQUESTS_SUBMITTED,
    REQUESTS_REFUSED,
    INTAKES_ACCEPTED,
    INTAKES_ANSWERED,
    TASKS_CHANGED,
    JOBS_CREATED,
    JOBS_CHANGED,
    SERVICE_EVENTS_CHANGED,
    SERVICE_EVENTS_COMPLETED,
    RECORDS_SEALED,
    RECORDS_CHECKPOINTS,
    SIGNALS_EMITTED,
    *(dead_letters(service) for service in SERVICES),
)


@dataclass(frozen=True, slots=True, order=True)
class Right:
    """One thing that a Kafka principal may do: a literal ACL, without wildcard or prefix."""

    principal: str
    operation: Literal["READ", "WRITE", "DESCRIBE"]
    resource: Literal["topic", "group"]
    name: str


def rights(upstreams: tuple[str, ...] = (), partners: tuple[str, ...] = ()) -> tuple[Right, ...]:
    """Every right there is, sorted: one writing service for each topic, and its readers.

    `upstreams` and `partners` are the names after the prefix. Whoever consumes has the group named like its
    principal. `console` reads every topic and describes the services' groups; it joins none.
    """
    members = {UPSTREAM: tuple(f"{UPSTREAM}-{name}" for name in upstreams)}
    members[PARTNER] = tuple(f"{PARTNER}-{name}" for name in partners)
    return tuple(sorted(set(_rights(members))))


def _rights(members: dict[str, tuple[str, ...]]) -> Iterator[Right]:
    for topic in TOPICS:
        for writer in members.get(topic.owner, (topic.owner,)):
            yield Right(writer, "WRITE", "topic", topic.name)
            yield Right(writer, "DESCRIBE", "topic", topic.name)
        for reader in topic.readers:
            for principal in members.get(reader, (reader,)):
                yield Right(principal, "READ", "topic", topic.name)
                yield Right(principal, "READ", "group", principal)
        yield Right("console", "READ", "topic", topic.name)
    for service in SERVICES:
        yield Right("console", "DESCRIBE", "group", service)
