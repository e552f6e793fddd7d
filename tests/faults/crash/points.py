"""Where a service is killed: between which statements, of which module, in which of the five services.

A point stands directly before or after one statement, named by its beginning as `ast.unparse` writes it.
Production code holds none of this: `launch` weaves the points in while a module is loaded. A statement that
is not there exactly once is an error, so that a point can neither vanish nor move unnoticed.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from truth_contracts.topics import SERVICES

Trigger: TypeAlias = Literal["walk", "poison", "rebalance", "redrive"]
"""What brings a service to a point: a request on its whole path, bad messages, a second replica, a redrive."""


@dataclass(frozen=True, slots=True)
class Point:
    """One place. `when` is an expression over the function's own names: only then it is reached."""

    name: str
    module: str
    function: str
    side: Literal["before", "after"]
    statement: str
    when: str = "True"
    services: Sequence[str] = ()
    trigger: Trigger = "walk"


@dataclass(frozen=True, slots=True)
class Case:
    """A point in one service: what is enumerated."""

    service: str
    point: Point

    @property
    def name(self) -> str:
        """`<service>: <point>`, the row of the table."""
        return f"{self.service}: {self.point.name}"


_DECIDE = ("truth_kit.subscribe.decide", "act")
_LOOP = "truth_kit.subscribe.subscription"
_RELAY = "truth_kit.relay"
_COMMIT = "await asyncio.wait_for(consumer.commit("
_DRAIN = "await asyncio.wait_for(self._idle.wait(), DRAIN_SECONDS)"

CONSUMER = (
    Point("batch handed over, nothing done", *_DECIDE, "before", "async with database.begin()", services=SERVICES),
    Point("state and outbox written", *_DECIDE, "after", "offered = await offer(", "offered.acted_on", SERVICES),
    Point("inbox written, not committed", *_DECIDE, "after", "await note(", "offered.acted_on", SERVICES),
    Point("batch committed, offsets not", *_DECIDE, "after", "async with database.begin()", "offered.acted_on", SERVICES),
    Point("offset commit to be sent", _LOOP, "_commit", "before", _COMMIT, services=SERVICES),
    Point("offsets committed", _LOOP, "_commit", "after", _COMMIT, services=SERVICES),
)  # fmt: skip

DEAD_LETTER = tuple(
    Point(name, module, function, "after", statement, when, SERVICES, "poison")
    for name, module, function, statement, when in (
        ("dead letter decided, not written", *_DECIDE, "refused = broken +", "refused"),
        ("dead letter written", *_DECIDE, "await record(", "refused"),
        ("dead letter told", *_DECIDE, "await _tell(", "refused"),
        ("dead letter committed, offsets not", *_DECIDE, "async with database.begin()", "refused"),
        (
            "offsets committed past a dead letter",
            _LOOP,
            "_commit",
            _COMMIT,
            "self._refused",
        ),
    )
)

# Before a replica has had a partition, joining the group revokes nothing.
REVOKE = (
    Point("partitions revoked, not drained", _LOOP, "on_partitions_revoked", "before", _DRAIN, "self._ends", SERVICES, "rebalance"),
    Point("partitions revoked and drained", _LOOP, "on_partitions_revoked", "after", _DRAIN, "self._ends", SERVICES, "rebalance"),
)  # fmt: skip

RELAY = (
    Point("outbox read", _RELAY, "_publish", "after", "rows = await lock.fetch(", "rows", SERVICES),
    Point("handed to the producer", _RELAY, "_send", "before", "await asyncio.gather(", services=SERVICES),
    Point(
        "acknowledged, not marked sent", _RELAY, "_send", "after", "await asyncio.gather(", services=SERVICES
    ),
    Point("marked sent", _RELAY, "_publish", "after", "await lock.execute(_DELETE", services=SERVICES),
)

_BEGIN = ("truth_kit.database", "begin")


def _committing(what: str, service: str, module: str, function: str) -> tuple[Point, Point]:
    """Around the commit of a command: before it, and when it is durable but not answered."""
    when = f"_within({module!r}, {function!r})"
    return (
        Point(f"{what}: written, not committed", *_BEGIN, "after", "yield tx", when, (service,)),
        Point(
            f"{what}: committed, not answered", *_BEGIN, "after", "async with tx.begin()", when, (service,)
        ),
    )


def _of(service: str, module: str, function: str, *points: tuple[str, str, str]) -> tuple[Point, ...]:
    """Points directly after statements of one function: name, statement, when."""
    return tuple(
        Point(name, f"truth_{service}.{module}", function, "after", statement, when, (service,))
        for name, statement, when in points
    )


INTAKE = (
    *_of("intake", "consumer", "on_request_submitted",
        ("Intake inserted", "inserted = await intakes.insert_intakes(", "sealed"),
        ("Intake in the outbox", "await outbox.add(", "sealed")),
    *_of("intake", "consumer", "on_step_told", ("tracker set", "await tracking.set_seen(", "True")),
    Point("Intake by HTTP inserted", "truth_intake.api.admitting", "admit", "before",
        "await outbox.add(", services=("intake",)),
    *_of("intake", "api.admitting", "admit", ("Intake by HTTP in the outbox", "await outbox.add(", "True")),
    *_committing("submit", "intake", "truth_intake.api.requests", "submit_request"),
    *_of("intake", "api.answering", "answer",
        ("answer inserted", "await tracking.insert_answer(", "True"),
        ("answer in the outbox", "await outbox.add(", "True")),
    *_committing("answer", "intake", "truth_intake.api.intakes", "answer_by_id"),
)  # fmt: skip


def _move(command: str) -> tuple[Point, ...]:
    when = f"moved.last.command == {command!r}"
    return (
        *_of("governance", "api.commanding", "carry_out",
            (f"{command}: Task moved", "await tasks.set_moved(", when),
            (f"{command}: told in the outbox", "await outbox.add(", when)),
        *_committing(command, "governance", "truth_governance.api.review", command),
    )  # fmt: skip


GOVERNANCE = (
    *_of("governance", "consumer", "on_intake_accepted",
        ("Task inserted", "await tasks.insert_tasks(", "opened"),
        ("Task told in the outbox", "await outbox.add(", "opened")),
    *_of("governance", "consumer", "on_intake_answered",
        ("answered Task moved", "await tasks.set_moved(", "moved"),
        ("answered Task told in the outbox", "await outbox.add(", "moved")),
    *_of("governance", "consumer", "on_job_changed", ("Job shown", "await watched.set_jobs(", "True")),
    *_of("governance", "consumer", "on_service_event_changed",
        ("ServiceEvent shown", "await watched.set_service_events(", "True")),
    *(point for command in ("ask", "approve", "assign") for point in _move(command)),
    *_of("governance", "api.create_job", "prepare_job",
        ("prepare: preparation inserted", "await jobs.insert_preparation(", "True")),
    *_committing("prepare", "governance", "truth_governance.api.create_job", "prepare_job"),
    *_of("governance", "api.create_job", "create_job",
        ("create: signed", "history = seal_step(", "True"),
        ("create: Task promoted", "await tasks.set_moved(", "True"),
        ("create: creation inserted", "await jobs.insert_creation(", "True"),
        ("create: JobCreated in the outbox", "await outbox.add(", "True")),
    *_committing("create", "governance", "truth_governance.api.create_job", "create_job"),
)  # fmt: skip


def _command(command: str, function: str) -> tuple[Point, ...]:
    when = f"command.NAME == {command!r}"
    carry_out = ("truth_execution.api.commanding", "carry_out")
    return (
        Point(f"{command}: work moved", *carry_out, "after", "await work.set_moved(",
            f"given.{when}", ("execution",)),
        Point(f"{command}: command kept", *carry_out, "before", "await outbox.add(", when, ("execution",)),
        Point(f"{command}: told in the outbox", *carry_out, "after", "await outbox.add(", when, ("execution",)),
        *_committing(command, "execution", "truth_execution.api.commands", function),
    )  # fmt: skip


_COMMANDS = {
    "claim": "claim_job",
    "start": "start",
    "note": "write_note",
    "evidence": "attach_evidence",
    "stage": "complete_stage",
    "complete": "complete",
}
EXECUTION = (
    *_of("execution", "consumer", "on_job_created",
        ("Job inserted", "await jobs.insert_jobs(", "queued"),
        ("Job told in the outbox", "await outbox.add(", "queued")),
    *_of("execution", "api.photos", "receive",
        ("photo on disk, not noted", "photo = await store.receive(", "True"),
        ("photo noted, not committed", "is_new = await blobs.insert_blob(", "True"),
        ("photo noted, not answered", "async with database.begin()", "True")),
    *(point for name, function in _COMMANDS.items() for point in _command(name, function)),
)  # fmt: skip

BLOB = tuple(
    Point(name, "truth_kit.blobs.folder", "keep", "after", statement, services=("execution", "records"))
    for name, statement in (
        ("bytes written, without their name", "os.fsync(self._file.fileno())"),
        ("bytes named", "os.link("),
    )
)

RECORDS = (
    *_of("records", "consumer", "on_service_event_completed",
        ("draft inserted", "await store.insert_drafts(", "fresh")),
    *_of("records", "evidence", "_copy",
        ("evidence copied, not noted", "kept = await self.own.put(", "True"),
        ("evidence noted, not committed", "await store.insert_copy(", "True"),
        ("evidence noted", "async with runtime.database.begin()", "True")),
    *_of("records", "sealer", "_restore", ("sealer: edge restored", "check_outside(", "True")),
    *_of("records", "sealer", "_seal",
        ("sealer: drafts read", "ready = await pipeline.list_ready(", "ready")),
    *_of("records", "pipeline", "seal",
        ("sealer: checkpoint signed", "batch, told = await asyncio.to_thread(", "True")),
    *_of("records", "pipeline", "_write",
        ("sealer: sealed", "await store.seal(", "True")),
)  # fmt: skip

SIGNALS = _of(
    "signals", "consumer", "on_record_sealed",
    ("decision inserted", "await store.insert_decisions(", "decisions"),
    ("Signal inserted", "await store.insert_signals(", "signals"),
    ("Signal in the outbox", "await outbox.add(", "signals"),
)  # fmt: skip

REDRIVE = tuple(
    Point(name, "truth_kit.dead_letters.redrive", "_redrive", "after", statement, services=SERVICES, trigger="redrive")
    for name, statement in (
        ("redrive: acted on, not noted", "again = await _decide_again("),
        ("redrive: noted, not committed", "await insert_action("),
        ("redrive: committed, not answered", "async with database.begin()"),
    )
)  # fmt: skip

POINTS = (
    *CONSUMER, *DEAD_LETTER, *REVOKE, *RELAY,
    *INTAKE, *GOVERNANCE, *EXECUTION, *BLOB, *RECORDS, *SIGNALS, *REDRIVE,
)  # fmt: skip


def cases() -> Iterator[Case]:
    """Every point in every service that has it."""
    return (Case(service, point) for point in POINTS for service in point.services)
