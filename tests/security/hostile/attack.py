"""One attack: send, wait until all is decided, see what became of it, clear away what was left on the topics."""

# confluent-kafka's stubs do not say what its futures hold.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from confluent_kafka import OFFSET_END, Consumer, TopicPartition
from truth_contracts.topics import REQUESTS_REFUSED, SERVICES, TOPICS, Topic, dead_letters
from truth_local.demo import acting, doors, walk
from truth_local.demo.acting import wait_for
from truth_local.demo.reading import Published, read_topic
from truth_local.demo.upstream import settings
from truth_local.demo.walk import unseen
from truth_local.system import System
from truth_topology.connection import Login, client

from tests.faults.groups import is_caught_up
from tests.faults.settled import rows
from tests.security.hostile.account import Account, account, know
from tests.security.hostile.messages import CONSUMED, Hostile, hostile
from tests.security.hostile.sending import send, send_unreadable
from tests.security.hostile.standing import Standing, differences, stand

_PAST_MAX = 40
_AT_REST_SECONDS = 300.0
_REQUEST_SECONDS = 15

Past = Mapping[str, Sequence[Published]]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one attack did."""

    sent: Counter[str]
    """By topic."""
    account: Account
    before: Standing
    after: Standing
    wrong: list[str] = field(default_factory=list[str])


def make_past(system: System) -> Past:
    """True messages of every consumed topic, at most 40 of each: a few requests are walked for them."""
    who = walk.people(system)
    acme = Login(system.bootstrap, "upstream-acme", system.principals["upstream-acme"].password)
    for surface in ("kitchen-repairs", "roof-inspections"):
        asked = doors.request(surface, "Drip", "A past.")
        walk.walk("", doors.over_kafka("", asked, acme, who, unseen), who, unseen)
    _ask_and_answer(who)
    wait_until_at_rest(system)
    console = Login(system.bootstrap, "console", system.principals["console"].password)
    return {topic.name: _true(read_topic(console, topic.name)) for topic in CONSUMED}


def attack(system: System, past: Past, count: int, seed: int, unreadable: int) -> Outcome:
    """Send `count` messages, and `unreadable` more that cannot be unpacked; the outcome when all are decided.

    A system that is whole afterwards walks a good request to its Signal. The topics are empty at the end.
    """
    try:
        return _attack(system, hostile(count, seed, past), unreadable)
    finally:
        purge(system)


def _attack(system: System, messages: Iterable[Hostile], unreadable: int) -> Outcome:
    wait_until_at_rest(system)
    before, known, ends = stand(system), {one: know(system, one) for one in SERVICES}, _ends(system)
    sent = send(system, messages)
    sent += send_unreadable(system, [CONSUMED[n % len(CONSUMED)] for n in range(unreadable)])
    wait_until_at_rest(system)
    after = stand(system)
    found = account(sent, known, {one: know(system, one) for one in SERVICES})
    wrong = found.wrong + differences(before, after, system) + _untold(system, found, ends)
    who = walk.people(system)
    asked = doors.request("kitchen-repairs", "Drip", "After all that.")
    if walk.walk("", doors.over_http("", asked, who, unseen), who, unseen).signal_id is None:
        wrong.append("a good request earns no Signal any more")
    wait_until_at_rest(system)
    return Outcome(Counter(one.topic for one in sent), found, before, after, wrong)


def wait_until_at_rest(system: System) -> None:
    """Every group has read all, every outbox is empty, every replica is ready. TimeoutError after 300 s."""

    def rests() -> bool | None:
        # Twice: a service that was looked at first may be told something by one that was looked at last.
        return all(_rests(system, service) for service in (*SERVICES, *SERVICES)) or None

    wait_for(rests, "rest", _AT_REST_SECONDS)


def _rests(system: System, service: str) -> bool:
    if not is_caught_up(system, service) or rows(system, service, "SELECT 1 FROM truth.outbox LIMIT 1"):
        return False
    return all(system.parts[name].ready() for name in system.replica_urls if name.startswith(service))


def purge(system: System) -> None:
    """Delete every record of every topic but the log's own, so that nobody has to cope with what lies there."""
    admin = client(Login(system.bootstrap, "admin", system.principals["admin"].password))
    metadata = admin.list_topics(timeout=_REQUEST_SECONDS).topics
    names = [topic.name for topic in TOPICS if topic.cleanup == "delete"]
    places = [TopicPartition(name, part, OFFSET_END) for name in names for part in metadata[name].partitions]
    for deleted in admin.delete_records(places).values():
        deleted.result(_REQUEST_SECONDS)


def _ask_and_answer(who: walk.People) -> None:
    """A question to the requester and its answer: no demo asks one."""
    intake = doors.over_http("", doors.request("kitchen-repairs", "Drip", "Where?"), who, unseen)
    task = wait_for(lambda: acting.task_of(who.admin, intake["request_id"]), "Task")
    body = {"version": task["version"], "question": "Which tap?"}
    who.admin.post("governance", f"/api/tasks/{task['task_id']}/ask", body)
    answer = f"/api/intakes/{intake['request_id']}/answer"
    answered = lambda: who.upstream.raw("POST", "intake", answer, {"answer": "The left one."})  # noqa: E731
    wait_for(lambda: answered().is_success or None, "question that arrived")


def _true(published: Sequence[Published]) -> list[Published]:
    return [one for one in published if _is_whole(one)][-_PAST_MAX:]


def _is_whole(published: Published) -> bool:
    try:
        body = json.loads(published.value or b"")
    except (ValueError, RecursionError):  # what an attack that was broken off has left
        return False
    return isinstance(body, dict) and bool(published.headers) and len(body) > 1


def _told_on() -> Mapping[str, Topic]:
    return {"requests.submitted": REQUESTS_REFUSED, **{one: dead_letters(one) for one in SERVICES}}


def _ends(system: System) -> Mapping[str, int]:
    return {topic.name: _end(system, topic) for topic in _told_on().values()}


def _end(system: System, topic: Topic) -> int:
    console = Login(system.bootstrap, "console", system.principals["console"].password)
    consumer = Consumer(settings(console) | {"group.id": "signals", "enable.auto.commit": False})
    try:
        parts = consumer.list_topics(topic.name, _REQUEST_SECONDS).topics[topic.name].partitions
        return sum(
            consumer.get_watermark_offsets(TopicPartition(topic.name, part), _REQUEST_SECONDS)[1]
            for part in parts
        )
    finally:
        consumer.close()


def _untold(system: System, found: Account, ends: Mapping[str, int]) -> list[str]:
    """Refusals that were kept and not told on their topic. A relay may tell one twice, so more is fine."""
    wrong: list[str] = []
    for teller, topic in _told_on().items():
        kept = sum(
            count
            for (read, service, fate), count in found.fates.items()
            if (read if fate == "refused" else service) == teller and fate in ("refused", "dead")
        )
        told = _end(system, topic) - ends[topic.name]
        if told < kept:
            wrong.append(f"{topic.name}: {kept} were refused and {told} told")
    return wrong
