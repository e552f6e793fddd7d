"""Requests through the running system, and three accounts of them: its counters, its databases, Kafka's log."""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from uuid import uuid4

from confluent_kafka import Consumer, Producer, TopicPartition
from prometheus_client.parser import text_string_to_metric_families
from truth_contracts.topics import SERVICES, TOPICS
from truth_local.demo import acting, doors
from truth_local.demo.acting import Answer, Person, wait_for
from truth_local.demo.upstream import settings
from truth_local.demo.walk import People
from truth_local.system import System
from truth_topology.connection import Login

from tests.faults.groups import is_caught_up
from tests.faults.settled import rows
from tests.faults.traffic import patient_people
from tests.ops.conftest import worked

Told = tuple[str, ...]
"""What a number is about: a service or a topic, a table or a counter, its label."""

_AT_ONCE = 8
_TOPICS = [topic for topic in TOPICS if topic.owner in SERVICES]
_READ = [(topic.name, reader) for topic in TOPICS for reader in topic.readers if reader in SERVICES
         if topic.cleanup == "delete"]  # fmt: skip
_LABELS: Mapping[str, str] = {
    "messaging_client_sent_messages_total": "messaging_destination_name",
    "messaging_client_consumed_messages_total": "messaging_destination_name",
    "messaging_process_duration_seconds_count": "error_type",
    "truth_hop_seconds_count": "",
    "truth_contract_messages_total": "",
    "truth_inbox_duplicates_total": "",
    "truth_dead_letters_total": "reason",
    "truth_redriven_total": "",
    "truth_relay_forbidden_total": "",
    "truth_step_total": "step",
    "truth_path_seconds_count": "to",
}
"""Every counter that a service shows, and by which label it is looked at here; the others are summed up."""

_OF_THE_DATABASE = "truth_redriven_total"
"""The same in every replica; all others are each process's own."""

_TABLES: Mapping[str, str] = {
    "inbox": "SELECT '', count(*) FROM truth.inbox",
    "dead_letter": "SELECT code, count(*) FROM truth.dead_letter GROUP BY code",
    "redriven": "SELECT '', count(*) FROM truth.dead_letter_action WHERE outcome = 'redriven'",
}
_STEPS: Mapping[str, tuple[str, str]] = {
    "request": ("intake", "SELECT count(*) FROM truth.intake"),
    "intake": ("intake", "SELECT count(*) FROM truth.intake"),
    "task_approved": ("governance", "SELECT count(*) FROM truth.job_creation"),
    "task_assigned": ("governance", "SELECT count(*) FROM truth.job_creation"),
    "job_created": ("governance", "SELECT count(*) FROM truth.job_creation"),
    "job_claimed": ("execution", "SELECT count(*) FROM truth.service_event WHERE state = 'completed'"),
    "service_event_completed": (
        "execution",
        "SELECT count(*) FROM truth.service_event WHERE state = 'completed'",
    ),
    "record": ("records", "SELECT count(*) FROM truth.record"),
    "signal": ("signals", "SELECT count(*) FROM truth.signal"),
}
"""Where the owner of a step keeps those that were handed on."""


@dataclass(frozen=True, slots=True)
class Books:
    """The three accounts at one moment; or what each grew by."""

    counters: Counter[Told]
    tables: Counter[Told]
    log: Counter[Told]

    def since(self, before: "Books") -> "Books":
        """What came to each."""
        return Books(*(Counter(after) for after in _grown(self, before)))


def _grown(after: Books, before: Books) -> Iterator[dict[Told, int]]:
    pairs = (after.counters, before.counters), (after.tables, before.tables), (after.log, before.log)
    for now, then in pairs:
        yield {told: now[told] - then[told] for told in now if now[told] != then[told]}


def read_books(system: System) -> Books:
    """All three, now."""
    return Books(_counters(system), _tables(system), _log(system))


def quiet_books(system: System) -> Books:
    """All three, when nothing moves any more; TimeoutError after 30 s."""

    def quiet() -> Books | None:
        before = read_books(system)
        unsent = sum(rows(system, name, "SELECT count(*) FROM truth.outbox")[0][0] for name in SERVICES)
        drafts = rows(system, "records", "SELECT count(*) FROM truth.draft")[0][0]
        if unsent or drafts or not all(is_caught_up(system, name) for name in SERVICES):
            return None
        after = read_books(system)
        return after if after == before and _is_fresh(after) else None

    return wait_for(quiet, "system at rest")


def _is_fresh(books: Books) -> bool:
    """What was redriven is read from the database, every two seconds at most."""
    return all(
        books.counters[name, _OF_THE_DATABASE, ""] == books.tables[name, "redriven", ""] for name in SERVICES
    )


def disagreements(grown: Books) -> list[str]:
    """Each number that two accounts tell differently."""
    return [
        f"{' '.join(told)}: {ours} counted, {theirs} {where}"
        for told, ours, theirs, where in (*_against_log(grown), *_against_tables(grown))
        if ours != theirs
    ]


def _against_log(grown: Books) -> Iterator[tuple[Told, int, int, str]]:
    counters, log = grown.counters, grown.log
    for topic in _TOPICS:
        told = (topic.owner, "messaging_client_sent_messages_total", topic.name)
        yield told, counters[told], log[topic.name,], "in the log"
    for topic, reader in _READ:
        told = (reader, "messaging_client_consumed_messages_total", topic)
        yield told, counters[told], log[topic,], "in the log"


def _against_tables(grown: Books) -> Iterator[tuple[Told, int, int, str]]:
    counters, tables = grown.counters, grown.tables
    for service in SERVICES:
        total = partial(_total, counters, service)
        redriven = tables[service, "redriven", ""]
        acted_on = tables[service, "inbox", ""] - redriven  # the API acted on these, not the consumer
        refused = sum(tables[told] for told in tables if told[:2] == (service, "dead_letter"))
        for name in ("truth_contract_messages_total", "truth_hop_seconds_count"):
            yield (service, name), total(name), acted_on, "in the inbox"
        decided = acted_on + refused + total("truth_inbox_duplicates_total")
        consumed = total("messaging_client_consumed_messages_total")
        yield (service, "consumed"), consumed, decided, "acted on, refused or repeated"
        yield (service, "redriven"), total(_OF_THE_DATABASE), redriven, "in the account"
        yield (service, "forbidden"), total("truth_relay_forbidden_total"), 0, "expected"
        for code in {told[2] for told in (*tables, *counters) if _is_letter(told, service)}:
            told = (service, "truth_dead_letters_total", code)
            yield told, counters[told], tables[service, "dead_letter", code], "kept"
    for step in _STEPS:
        for name in ("truth_step_total", "truth_path_seconds_count"):
            counted = sum(counters[service, name, step] for service in SERVICES)
            kept = tables["step", step]
            yield (name, step), counted, 0 if (name, step) == _FIRST else kept, "kept by its owner"


_FIRST = ("truth_path_seconds_count", "request")  # nothing comes before it


def _total(counters: Counter[Told], service: str, name: str) -> int:
    return sum(count for told, count in counters.items() if told[:2] == (service, name))


def _is_letter(told: Told, service: str) -> bool:
    return told[0] == service and told[1] in ("dead_letter", "truth_dead_letters_total")


def _counters(system: System) -> Counter[Told]:
    found: Counter[Told] = Counter()
    for replica, url in system.replica_urls.items():
        service = replica.rpartition("-")[0]
        told = acting.lasting_client().get(f"{url}/metrics").raise_for_status().text
        for family in text_string_to_metric_families(told):
            for sample in family.samples:
                if sample.name in _LABELS:
                    told = (service, sample.name, sample.labels.get(_LABELS[sample.name], ""))
                    own = 0 if sample.name == _OF_THE_DATABASE else found[told]
                    found[told] = own + int(sample.value)
                elif sample.name.endswith(("_total", "_count")):
                    raise AssertionError(f"{sample.name} is counted, and compared with nothing")
    return found


def _tables(system: System) -> Counter[Told]:
    found: Counter[Told] = Counter()
    for service in SERVICES:
        for name, query in _TABLES.items():
            found.update({(service, name, label): count for label, count in rows(system, service, query)})
    for step, (owner, query) in _STEPS.items():
        found["step", step] = rows(system, owner, query)[0][0]
    return found


def _log(system: System) -> Counter[Told]:
    """How many messages were ever appended to each topic."""
    login = Login(system.bootstrap, "console", system.principals["console"].password)
    consumer = Consumer(settings(login) | {"group.id": "nobody", "enable.auto.commit": False})
    found: Counter[Told] = Counter()
    try:
        known = consumer.list_topics(timeout=10).topics
        for topic in TOPICS:
            for number in known[topic.name].partitions:
                _, end = consumer.get_watermark_offsets(TopicPartition(topic.name, number), timeout=10)
                found[topic.name,] += end
    finally:
        consumer.close()
    return found


@dataclass(frozen=True, slots=True)
class Traffic:
    """Requests of one surface: over both doors, some sent twice, and some before the surface was there."""

    system: System
    who: People
    paul: Person
    surface: str
    count: int

    def run(self) -> None:
        """All of it. Every request is walked to its end, and no dead letter is left open."""
        early = self._early()
        stages: Sequence[Answer] = ()
        body: Answer = {"title": "Counted", "maturity": "live", "stages": stages}
        self.who.admin.ask("PUT", "intake", f"/api/surfaces/{self.surface}", body)
        late = [self._request() for _ in range(self.count - 1)]
        published, posted = late[::2], late[1::2]
        self._publish([*published, *published[::10]])  # one in ten twice, as an upstream that is not sure
        self._act_on(early)
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            list(pool.map(self._post, posted))
            list(pool.map(self._walk, enumerate([early[0], *late])))

    def _early(self) -> list[Answer]:
        """Three requests that are refused for want of the surface."""
        early = [self._request() for _ in range(3)]
        self._publish(early)
        wait_for(lambda: len(self._letters(early)) == len(early) or None, "dead letters")
        return early

    def _act_on(self, early: Sequence[Answer]) -> None:
        """One of them is redriven, the others are left at that."""
        first, *others = sorted(
            self._letters(early), key=lambda one: one["event_id"] != early[0]["request_key"]
        )
        door = "/api/ops/dead-letters/{id}"
        self.paul.post("intake", f"{door.format(**first)}/redrive", {"reason": "it is there now"})
        for letter in others:
            self.paul.post("intake", f"{door.format(**letter)}/dismiss", {"reason": "counted"})

    def _letters(self, early: Sequence[Answer]) -> list[Answer]:
        keys = {one["request_key"] for one in early}
        found = self.paul.get("intake", "/api/ops/dead-letters")["dead_letters"]
        return [one for one in found if one["event_id"] in keys]

    def _request(self) -> Answer:
        return doors.request(self.surface, "Counted", "To be counted.")

    def _publish(self, asked: Sequence[Answer]) -> None:
        login = Login(
            self.system.bootstrap, "upstream-acme", self.system.principals["upstream-acme"].password
        )
        producer = Producer(settings(login) | {"acks": "all"})
        for one in asked:
            headers = {
                "ce_specversion": "1.0",
                "ce_id": one["request_key"],
                "ce_source": doors.SOURCE,
                "ce_type": "truth.requests.submitted.v1",
                "content-type": "application/json",
            }
            producer.produce("requests.submitted", json.dumps(one).encode(), headers=list(headers.items()))
        assert producer.flush(30) == 0

    def _post(self, asked: Answer) -> None:
        self.who.upstream.post("intake", "/api/requests", asked)

    def _walk(self, numbered: tuple[int, Answer]) -> None:
        number, asked = numbered
        look: Callable[[], Answer | None] = partial(
            acting.intake_of, self.who.auditor, doors.SOURCE, str(asked["request_key"])
        )
        request_id = str(wait_for(look, "Intake")["request_id"])
        worked(self.who, request_id, "fulfilled" if number % 2 else "not_fulfilled")


def counted(system: System, count: int) -> tuple[Books, list[str]]:
    """So many requests through the system: what its accounts grew by, and where they disagree."""
    before, who = quiet_books(system), patient_people(system)
    Traffic(system, who, acting.person(system, "paul"), f"counted-{uuid4().hex[:8]}", count).run()
    grown = quiet_books(system).since(before)
    return grown, disagreements(grown)
