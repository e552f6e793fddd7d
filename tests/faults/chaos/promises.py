"""Checkers of what was promised to people: C1 nothing lost, C2 nothing doubled, C3 nothing skipped.

Each is a pure function of a history and of what a storm left; it returns its violations, none if all is well.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from tests.faults.chaos.evidence import Evidence, Row
from tests.faults.chaos.history import Ids, Op, Told

UNKNOWN_SURFACE = "no-such-surface"
HAND_OFFS = (
    "intakes.accepted",
    "jobs.created",
    "service-events.completed",
    "records.sealed",
    "signals.emitted",
)
"""They carry one event a request."""
_IDENTIFYING = ("request_id", "task_id", "job_id", "command_id", "event_id", "version", "digest")
_SOURCE = "/upstreams/acme"
_BY_PEOPLE = ("approve", "assign", "create_job", "claim", "start", "complete")


def command_of(op: Op) -> str | None:
    """submit, approve, assign, prepare, create_job, or what an operator did; None for anything else."""
    if op.door == "kafka":
        return "submit" if op.asked.get("purpose") == "request" else None
    if op.path == "/api/requests":
        return "submit"
    if op.door in ("governance", "execution") and "/evidence/" not in op.path:
        last = op.path.rsplit("/", 1)[-1]
        return {"job": "create_job"}.get(last, last)
    return None


def poison_keys(told: Told) -> set[str]:
    """Keys of the messages that their readers must refuse."""
    return {op.asked["key"] for op in told.ops if op.asked.get("purpose") == "poison"}


def nothing_lost(told: Told, evidence: Evidence) -> list[str]:
    """C1: what was confirmed happened once, what was refused did not, what is unknown at most once.

    And what happened went on by itself to the next step that needs nobody. Nobody acts wrongly but by naming an
    unknown surface: any other refusal took something back that was promised before.
    """
    found = [
        f"op {op.n}: {told_of}"
        for op in told.ops
        if (command := command_of(op)) is not None
        for told_of in _broken_promises(op, command, _effects(op, command, evidence))
    ]
    return [*found, *_not_gone_on(evidence)]


def nothing_doubled(told: Told, evidence: Evidence) -> list[str]:
    """C2: one of everything a request, in the databases and in the log, whatever was repeated."""
    rows, poison = evidence.rows, poison_keys(told)
    keys: Mapping[str, Callable[[Row], object]] = {
        "intakes": lambda row: (row["source"], row["request_key"]),
        "tasks": lambda row: row["request_id"],
        "creations": lambda row: row["task_id"],
        "jobs": lambda row: row["request_id"],
        "service_events": lambda row: row["job_id"],
        "completions": lambda row: row["request_id"],
        "records": lambda row: row["record_id"],
        "verdicts": lambda row: row["record_id"],
        "signals": lambda row: row["record_id"],
    }
    found = [
        f"{count} {table} for {key}"
        for table, key_of in keys.items()
        for key, count in Counter(map(key_of, rows[table])).items()
        if count > 1
    ]
    ids: dict[tuple[str, str | None], set[str | None]] = {}
    for message in evidence.log:
        if message.topic in HAND_OFFS and message.key not in poison:
            ids.setdefault((message.topic, message.key), set()).add(message.event_id)
    found += [f"{len(told_ids)} events on {topic} for {key}" for (topic, key), told_ids in ids.items() if len(told_ids) > 1]  # fmt: skip
    return found


def nothing_skipped(told: Told, evidence: Evidence) -> list[str]:
    """C3: every step stands on the step before it, and every Record on commands that people gave.

    Twice: by the rows of the databases and this history, and by what each published Record proves by itself.
    """
    rows = evidence.rows
    intakes = {row["request_id"] for row in rows["intakes"]}
    tasks = {row["task_id"]: row for row in rows["tasks"]}
    creations = {row["job_id"]: row for row in rows["creations"]}
    jobs = {row["job_id"]: row for row in rows["jobs"]}
    completed = {
        row["service_event_id"]: row for row in rows["service_events"] if row["state"] == "completed"
    }
    completions = {row["record_id"]: row for row in rows["completions"]}
    records = {row["record_id"] for row in rows["records"]}
    pleased = {row["record_id"] for row in rows["verdicts"] if json.loads(row["reasons"]) == []}
    found = [
        *_orphans("Task", tasks.values(), "request_id", intakes),
        *_orphans("Create Job", creations.values(), "task_id", set(tasks)),
        *_orphans("Job", jobs.values(), "job_id", set(creations)),
        *_orphans("ServiceEvent", rows["service_events"], "job_id", set(jobs)),
        *_orphans("completion", completions.values(), "service_event_id", set(completed)),
        *_orphans("Record", rows["records"], "record_id", set(completions)),
        *_orphans("verdict", rows["verdicts"], "record_id", records),
        *_orphans("Signal", rows["signals"], "record_id", pleased),
    ]
    found += [f"Record {record_id} does not verify: {why}" for record_id, why in evidence.unverified.items()]
    given = _commands_given(told)
    for record_id in records & set(completions):
        event = completed.get(completions[record_id]["service_event_id"])
        job = jobs.get(event["job_id"]) if event else None
        if job is not None:
            missing = [what for what in _BY_PEOPLE if not given.get((what, _subject(what, job)))]
            found += [f"Record {record_id} without {what} by anybody" for what in missing]
    return found


def _broken_promises(op: Op, command: str, effects: int | None) -> Iterator[str]:
    if op.refusals and op.asked.get("surface") != UNKNOWN_SURFACE:
        yield f"{command} was refused ({', '.join(op.refusals)}), {op.attempts} attempts: {op.path}"
    if command != "prepare" and len({_identity(answer) for answer in op.answers}) > 1:
        yield f"{command} was answered in different ways: {op.path}"
    allowed = {"ok": (1,), "fail": (0,), "info": (0, 1)}[op.outcome]
    if effects is not None and effects not in allowed:
        yield f"{command} ended {op.outcome} and has {effects} effects: {op.path} {op.asked}"


def _effects(op: Op, command: str, evidence: Evidence) -> int | None:
    """How often the database shows it; None for a command that leaves nothing by which it is found."""
    rows, asked, target = evidence.rows, op.asked, op.path.split("/")[3:4]
    answered: Ids = op.answers[0] if op.answers else {}
    match command:
        case "submit":
            wanted = {"source": _SOURCE, "request_key": asked["request_key"]}
            return _count(rows["intakes"], wanted | _given(answered, "request_id"))
        case "approve" | "assign":
            wanted = {"task_id": target[0], "version": asked["version"] + 1, "command": command}
            return _count(rows["decisions"], wanted)
        case "create_job":
            return _count(rows["creations"], {"digest": asked["digest"]} | _given(answered, "job_id"))
        case "prepare":
            return None
        case _:
            return _count(rows["commands"], {"command_id": asked["command_id"], "command": command})


def _not_gone_on(evidence: Evidence) -> Iterator[str]:
    rows = evidence.rows
    completed = [row for row in rows["service_events"] if row["state"] == "completed"]
    pleased = [row for row in rows["verdicts"] if json.loads(row["reasons"]) == []]
    for what, before, key, after in (
        ("Intake without a Task", rows["intakes"], "request_id", rows["tasks"]),
        ("Create Job without a Job", rows["creations"], "job_id", rows["jobs"]),
        ("work without a completion at records", completed, "service_event_id", rows["completions"]),
        ("completion without a Record", rows["completions"], "record_id", rows["records"]),
        ("Record without a verdict", rows["records"], "record_id", rows["verdicts"]),
        ("good verdict without a Signal", pleased, "record_id", rows["signals"]),
    ):
        there = {row[key] for row in after}
        yield from (f"{what}: {row[key]}" for row in before if row[key] not in there)
    yield from (
        f"{count} messages unsent at {service}" for service, count in evidence.unsent.items() if count
    )


def _commands_given(told: Told) -> dict[tuple[str, str], list[Op]]:
    """Commands that were not refused, by name and by the Task or Job that they are about."""
    given: dict[tuple[str, str], list[Op]] = {}
    for op in told.ops:
        command = command_of(op)
        if command in _BY_PEOPLE and op.outcome != "fail":
            given.setdefault((command, op.path.split("/")[3]), []).append(op)
    return given


def _subject(command: str, job: Row) -> str:
    return job["task_id" if command in ("approve", "assign", "create_job") else "job_id"]


def _orphans(what: str, rows: Iterable[Row], key: str, parents: set[Any]) -> Iterator[str]:
    return (f"{what} without the step before it: {row}" for row in rows if row[key] not in parents)


def _identity(answer: Mapping[str, Any]) -> str:
    return json.dumps({name: answer.get(name) for name in _IDENTIFYING}, sort_keys=True)


def _given(answered: Mapping[str, Any], name: str) -> dict[str, Any]:
    return {name: answered[name]} if name in answered else {}


def _count(rows: Sequence[Row], wanted: Mapping[str, Any]) -> int:
    return sum(all(row[name] == value for name, value in wanted.items()) for row in rows)
