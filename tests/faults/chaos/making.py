"""A small storm that went well, by hand: one request on its way to a Signal, and a piece of poison."""

from dataclasses import replace
from typing import Any

from truth_contracts.topics import SERVICES
from truth_sealing.edge import Edge

from tests.faults.chaos.evidence import Entry, Evidence, Lying, Row
from tests.faults.chaos.history import Fault, Op, Sample, Sealed, Told

LEAF = bytes(range(32))
ROOT = Edge().append([LEAF]).edge.root.hex()
REPLICAS = [f"{service}-{n}" for n in (1, 2) for service in SERVICES]


def op(n: int, who: str, path: str, asked: dict[str, Any], answer: dict[str, Any], **changed: Any) -> Op:
    """A command over HTTP that was confirmed at once."""
    door = "execution" if "/jobs/" in path else "intake" if "requests" in path else "governance"
    return replace(Op(n, who, door, "POST", path, asked, "ok", (answer,)), **changed)


def ops() -> dict[str, Op]:
    """Everything that was asked, by what it was."""
    commands = {
        what: op(20 + n, "olga", f"/api/jobs/j1/{what}", {"command_id": f"c-{what}"}, {"job_id": "j1", "command_id": f"c-{what}"})
        for n, what in enumerate(("claim", "start", "complete"))
    }  # fmt: skip
    return {
        "submit": op(
            1,
            "acme",
            "/api/requests",
            {"request_key": "k1", "surface": "kitchen-repairs"},
            {"request_id": "r1"},
        ),
        "approve": op(2, "ada", "/api/tasks/t1/approve", {"version": 1}, {"version": 2}),
        "assign": op(3, "ada", "/api/tasks/t1/assign", {"version": 2, "operator_id": "olga"}, {"version": 3}),
        "prepare": op(4, "ada", "/api/tasks/t1/job/prepare", {"version": 3}, {"digest": "d1"}),
        "create_job": op(5, "ada", "/api/tasks/t1/job", {"digest": "d1"}, {"job_id": "j1"}),
        "poison": Op(
            6,
            "governance",
            "kafka",
            "PUBLISH",
            "jobs.created",
            {"purpose": "poison", "key": "poison-1"},
            "ok",
            ({},),
        ),
        **commands,
    }


def told(**changed: Any) -> Told:
    """The history of that storm."""
    samples = tuple(sample(2.0 * n) for n in range(90))
    good = Told(
        seed=1,
        ops=tuple(ops().values()),
        faults=(Fault("replica killed", "intake-1", 10.0, 13.0, frozenset({"intake-1"})),),
        samples=samples,
        sealed=(Sealed(100.0, {0: "b1"}, {1: ROOT}),),
        healed=180.0,
        settled=190.0,
    )
    return replace(good, **changed)


def told_with(what: str, **changed: Any) -> Told:
    """The same with one operation changed."""
    return told(ops=tuple((ops() | {what: replace(ops()[what], **changed)}).values()))


def sample(at: float, **changed: Any) -> Sample:
    """A look at a system that is well."""
    nothing: dict[str, int | None] = dict.fromkeys(SERVICES, 0)
    good = Sample(
        at=at,
        ready=dict.fromkeys(REPLICAS, True),
        began=at - 0.5,
        lag=nothing,
        committed=nothing,
        outbox=nothing,
        rss={name: (number, 100.0) for number, name in enumerate(REPLICAS)},
    )
    return replace(good, **changed)


def rows() -> dict[str, list[Row]]:
    """What the databases hold."""
    return {
        "intakes": [
            {"request_id": "r1", "source": "/upstreams/acme", "request_key": "k1", "maturity": "live"}
        ],
        "tasks": [{"task_id": "t1", "request_id": "r1", "state": "promoted"}],
        "decisions": [
            {"task_id": "t1", "version": version, "command": command, "actor": "person:ada"}
            for version, command in enumerate(("open", "approve", "assign", "create_job"), start=1)
        ],
        "creations": [{"task_id": "t1", "job_id": "j1", "event_id": "e3", "digest": "d1"}],
        "jobs": [{"job_id": "j1", "task_id": "t1", "request_id": "r1", "state": "closed"}],
        "commands": [
            {"command_id": f"c-{what}", "job_id": "j1", "command": what}
            for what in ("claim", "start", "complete")
        ],
        "service_events": [{"service_event_id": "s1", "job_id": "j1", "state": "completed"}],
        "completions": [{"record_id": "x1", "request_id": "r1", "service_event_id": "s1"}],
        "records": [{"idx": 0, "record_id": "x1", "digest": "b1", "leaf": LEAF.hex()}],
        "checkpoints": [{"size": 1, "root": ROOT}],
        "verdicts": [{"record_id": "x1", "request_id": "r1", "reasons": "[]"}],
        "signals": [{"signal_id": "g1", "record_id": "x1"}],
    }


def lying(topic: str, offset: int, event_id: str | None, **changed: Any) -> Lying:
    """A message about the request, on partition 0."""
    source = None if event_id is None else "/runtime-truth/x"
    return replace(Lying(topic, 0, offset, "r1", source, event_id, f"of {event_id}"), **changed)


POISON_AT = ("jobs.created", 0, 1)


def evidence(**changed: Any) -> Evidence:
    """What that storm left: governance's relay repeated itself once, and the poison lies behind the Job."""
    log = [
        lying("jobs.created", 0, "e3"),
        lying("jobs.created", 1, "e9", key="poison-1"),
        lying("jobs.changed", 0, "e4"),
        lying("jobs.changed", 1, "e5"),
        lying("jobs.changed", 2, "e4"),
        lying("execution.dead-letters", 0, "/".join(map(str, POISON_AT)), key="poison-1"),
    ]
    good = Evidence(
        rows=rows(),
        log=log,
        ledger={
            "governance": [Entry(1, "jobs.created", "r1", "e3")],
            "execution": [
                Entry(1, "jobs.changed", "r1", "e4"),
                Entry(2, "jobs.changed", "r1", "e5"),
                Entry(3, "execution.dead-letters", "poison-1", "/".join(map(str, POISON_AT))),
            ],
        },
        unsent=dict.fromkeys(SERVICES, 0),
        inbox={
            "execution": [("/runtime-truth/x", "e3")],
            "intake": [("/runtime-truth/x", event_id) for event_id in ("e4", "e5")],
            "governance": [("/runtime-truth/x", event_id) for event_id in ("e4", "e5")],
        },
        dead={"execution": [(*POISON_AT, "body_invalid")]},
        committed={
            "execution": [("jobs.created", 0, 2)],
            "intake": [("jobs.changed", 0, 3)],
            "governance": [("jobs.changed", 0, 3)],
        },
    )
    return replace(good, **changed)


def evidence_with(table: str, *changed: Row) -> Evidence:
    """The same with other rows in one table."""
    return evidence(rows=rows() | {table: list(changed)})
