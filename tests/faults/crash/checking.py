"""What must hold after every kill: each walk is there once at every step, and nothing is told that did not happen."""

import subprocess
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from truth_contracts.topics import SERVICES, TOPICS
from truth_local.demo.reading import Published
from truth_local.system import System

from tests.faults.crash.walking import Finished, Poisoned, of_message
from tests.faults.settled import published, rows

HAND_OFFS = (
    "intakes.accepted",
    "intakes.answered",
    "jobs.created",
    "service-events.completed",
    "records.sealed",
    "signals.emitted",
)
_COMMANDS = "claim,complete,evidence,evidence,note,note,note,stage,stage,stage,start"
_EXPECTED: Sequence[tuple[str, str, object]] = (
    # service, what to ask for the request {id}, what must be found
    ("intake", "SELECT count(*) FROM truth.step WHERE request_id = '{id}'", 2),
    ("intake", "SELECT count(*) FROM truth.answer WHERE request_id = '{id}'", 1),
    (
        "intake",
        "SELECT string_agg(step || ' ' || state, ',' ORDER BY step) FROM truth.projection WHERE request_id = '{id}'",
        "job closed,record sealed,service_event completed,signal emitted,task promoted",
    ),
    ("governance", "SELECT count(*) FROM truth.task WHERE request_id = '{id}' AND state = 'promoted'", 1),
    (
        "governance",
        "SELECT string_agg(d.command, ',' ORDER BY d.version) FROM truth.decision d JOIN truth.task USING (task_id)"
        " WHERE request_id = '{id}'",
        "open,ask,answer,approve,assign,create_job",
    ),
    (
        "governance",
        "SELECT count(*) FROM truth.job_creation JOIN truth.task USING (task_id) WHERE request_id = '{id}'",
        1,
    ),
    (
        "governance",
        "SELECT j.job_state || ' ' || s.service_event_state FROM truth.job_seen j"
        " JOIN truth.service_event_seen s USING (request_id) WHERE request_id = '{id}'",
        "closed completed",
    ),
    ("execution", "SELECT count(*) FROM truth.job WHERE request_id = '{id}' AND state = 'closed'", 1),
    (
        "execution",
        "SELECT string_agg(c.command, ',' ORDER BY c.command) FROM truth.command c JOIN truth.job USING (job_id)"
        " WHERE request_id = '{id}'",
        _COMMANDS,
    ),
    (
        "execution",
        "SELECT concat_ws(' ', count(*), max(s.state), (SELECT count(*) FROM truth.note n WHERE n.service_event_id"
        " = min(s.service_event_id::text)::uuid), (SELECT count(*) FROM truth.evidence e WHERE e.service_event_id"
        " = min(s.service_event_id::text)::uuid), (SELECT count(*) FROM truth.completed_stage c"
        " WHERE c.service_event_id = min(s.service_event_id::text)::uuid))"
        " FROM truth.service_event s JOIN truth.job USING (job_id) WHERE request_id = '{id}'",
        "1 completed 3 2 3",
    ),
    (
        "records",
        "SELECT count(*) FROM truth.record JOIN truth.completion USING (record_id) WHERE request_id = '{id}'",
        1,
    ),
    (
        "records",
        "SELECT count(*) FROM truth.evidence JOIN truth.evidence_copy USING (sha256, bytes)"
        " JOIN truth.completion USING (record_id) WHERE request_id = '{id}'",
        2,
    ),
    ("signals", "SELECT count(*) FROM truth.decision WHERE request_id = '{id}'", 1),
    (
        "signals",
        "SELECT count(*) FROM truth.signal JOIN truth.decision USING (record_id) WHERE request_id = '{id}'",
        1,
    ),
)
_KNOWN = {  # topic, member of its messages, and the rows of its owner's database that they must tell of
    "intakes.accepted": ("request_id", "intake", "SELECT request_id FROM truth.intake"),
    "intakes.answered": ("event_id", "intake", "SELECT event_id FROM truth.answer"),
    "tasks.changed": ("id", "governance", "SELECT task_id FROM truth.task"),
    "jobs.created": ("event_id", "governance", "SELECT event_id FROM truth.job_creation"),
    "jobs.changed": ("id", "execution", "SELECT job_id FROM truth.job"),
    "service-events.changed": ("id", "execution", "SELECT service_event_id FROM truth.service_event"),
    "service-events.completed": ("service_event_id", "execution", "SELECT service_event_id FROM truth.service_event"),
    "records.sealed": ("record_id", "records", "SELECT record_id FROM truth.record"),
    "signals.emitted": ("signal_id", "signals", "SELECT signal_id FROM truth.signal"),
}  # fmt: skip


def wrong_in_databases(system: System, finished: Finished) -> Iterator[str]:
    """What of a walk's rows is missing or too many."""
    key = "SELECT count(*) FROM truth.intake WHERE request_key = '{id}'"
    expected = [("intake", key.format(id=finished.request_key), 1)]
    expected += [
        (service, query.format(id=finished.walked.request_id), value) for service, query, value in _EXPECTED
    ]
    for service, query, value in expected:
        ((found,),) = rows(system, service, query)
        if found != value:
            yield f"{service}: {found!r} instead of {value!r} from {query}"


def ends(system: System) -> dict[tuple[str, int], int]:
    """Where each partition of each topic ends now."""
    return {
        (message.topic, message.partition): message.offset + 1
        for messages in published(system).values()
        for message in messages
    }


def wrong_on_topics(
    system: System,
    since: Mapping[tuple[str, int], int],
    finished: Sequence[Finished],
    poisoned: Sequence[Poisoned],
) -> Iterator[str]:
    """What was told since then that did not happen, twice, out of order, or not at all."""
    on = {
        topic: [one for one in messages if one.offset >= since.get((topic, one.partition), 0)]
        for topic, messages in published(system).items()
    }
    injected = {one.event_id.encode() for one in poisoned}
    good = {topic: [one for one in messages if _id(one) not in injected] for topic, messages in on.items()}
    for topic in HAND_OFFS:
        yield from not_once(topic, good[topic], finished)
    for topic, (member, service, query) in _KNOWN.items():
        known = {str(row[0]) for row in rows(system, service, query)}
        told = {str(of_message(one.value).get(member)) for one in good[topic]}
        yield from (f"{topic}: tells of {ghost}, which is not in {service}" for ghost in told - known)
    for topic in ("tasks.changed", "jobs.changed", "service-events.changed"):
        yield from out_of_order(topic, good[topic])
    yield from _wrong_letters(system, on, poisoned)


def wrong_in_log(system: System) -> Iterator[str]:
    """What the audit of the whole log finds, and Records that are missing from it."""
    part = system.parts["records-1"]
    command = (part.command[0], "-m", "truth_records", "audit", "--whole")
    audit = subprocess.run(  # noqa: S603 our own command
        command, env=dict(part.environment), cwd="/", capture_output=True, text=True, timeout=120, check=False
    )
    if audit.returncode != 0:
        yield f"records: the audit says {audit.stdout}{audit.stderr}"
    ((drafts,),) = rows(system, "records", "SELECT count(*) FROM truth.draft")
    if drafts:
        yield f"records: {drafts} drafts were never sealed"


def not_once(topic: str, messages: Sequence[Published], finished: Sequence[Finished]) -> Iterator[str]:
    """Keys with more than one event of a hand-off, and walks without theirs."""
    ids: defaultdict[bytes | None, set[object]] = defaultdict(set)
    for message in messages:  # a relay may repeat an event; nobody may tell a second one
        ids[message.key].add(of_message(message.value).get("event_id"))
    yield from (f"{topic}: {len(told)} events of {key!r}" for key, told in ids.items() if len(told) != 1)
    for one in finished:
        if one.walked.request_id.encode() not in ids:
            yield f"{topic}: nothing of {one.walked.request_id}"


def out_of_order(topic: str, messages: Sequence[Published]) -> Iterator[str]:
    """Keys whose versions first appear in another order than from 1 on without a gap."""
    first: defaultdict[bytes | None, list[object]] = defaultdict(list)
    for message in messages:
        version = of_message(message.value).get("version")
        if version not in first[message.key]:
            first[message.key].append(version)
    for key, versions in first.items():
        if versions != list(range(1, len(versions) + 1)):
            yield f"{topic}: {key!r} tells versions {versions}"


def _wrong_letters(
    system: System, on: Mapping[str, Sequence[Published]], poisoned: Sequence[Poisoned]
) -> Iterator[str]:
    """Each bad message is one dead letter of each of its readers, told; nothing else is."""
    readers = {topic.name: topic.readers for topic in TOPICS}
    places = {_id(one): (one.topic, one.partition, one.offset) for messages in on.values() for one in messages
              if not one.topic.endswith((".dead-letters", ".refused"))}  # fmt: skip
    for service in SERVICES:
        query = 'SELECT topic, partition, "offset" FROM truth.dead_letter'
        kept = [tuple(row) for row in rows(system, service, query)]
        wanted = {
            places[one.event_id.encode()] for one in poisoned if service in readers[one.topic]
        }  # fmt: skip
        since = {place for place in kept if place in wanted}
        yield from (f"{service}: no dead letter of {place}" for place in wanted - since)
        if len(kept) != len(set(kept)):
            yield f"{service}: a message is two dead letters"
        told = {_told(one) for topic in (f"{service}.dead-letters", "requests.refused") for one in on[topic]}
        yield from (f"{service}: the dead letter of {place} was not told" for place in wanted - told)


def _told(message: Published) -> tuple[str, int, int]:
    headers = dict(message.headers)
    if "dl_topic" in headers:
        return headers["dl_topic"].decode(), int(headers["dl_partition"]), int(headers["dl_offset"])
    members = of_message(message.value)
    return "requests.submitted", int(str(members["partition"])), int(str(members["offset"]))


def _id(message: Published) -> bytes | None:
    return dict(message.headers).get("ce_id")
