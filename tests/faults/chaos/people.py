"""Who acts in a storm: workers that bring requests and walk them, and a meddler with copies and poison."""

import io
import json
import os
import random
import threading
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from uuid import uuid4

import httpx
from confluent_kafka import Consumer, KafkaException, Message, TopicPartition
from PIL import Image
from truth_contracts.topics import SERVICES, TOPICS, Topic
from truth_local.demo import acting, doors, upstream, walk
from truth_local.demo.acting import Answer
from truth_local.system import System
from truth_topology.connection import Login

from tests.faults.chaos.history import History
from tests.faults.chaos.recorder import PATIENCE_SECONDS, GivenUpError, Outgoing, Recorder, publish

WORKERS = 4
POISON = b"poison-"
"""Begins the key of every message that is poison on our own topics."""
_MEDDLE_SECONDS = (1.0, 4.0)
_READ_SECONDS = 5
_COPIED = [topic for topic in TOPICS if topic.cleanup == "delete" and not topic.name.endswith("dead-letters")]
_POISONED = [topic for topic in _COPIED if set(topic.readers) & set(SERVICES)]


class StormOverError(RuntimeError):
    """The storm is over; what is under way is left as it is."""


def login(system: System, principal: str) -> Login:
    """Straight to the broker, as a principal of the local system."""
    return Login(system.bootstrap, principal, system.principals[principal].password)


@contextmanager
def acting_people(
    system: System, history: History, seed: int, replicas: Mapping[str, Sequence[str]], workers: int
) -> Generator[threading.Event]:
    """So many workers and the meddler act until the event is set, at the latest when the block ends.

    A worker then walks the request in its hands to its end; whoever needs more than that gives up.
    """
    over = threading.Event()
    threads = [
        threading.Thread(
            target=_work, args=(system, history, _chance(seed, n), replicas, over), name=f"worker-{n}"
        )
        for n in range(workers)
    ]
    threads.append(threading.Thread(target=_meddle, args=(system, history, _chance(seed, "meddler"), over)))
    for thread in threads:
        thread.start()
    try:
        yield over
    finally:
        over.set()
        for thread in threads:
            thread.join()


def _chance(seed: int, of: object) -> random.Random:
    return random.Random(f"{seed}/{of}")  # noqa: S311 must repeat, no secret


def _work(
    system: System,
    history: History,
    chance: random.Random,
    replicas: Mapping[str, Sequence[str]],
    over: threading.Event,
) -> None:
    recorders = {name: Recorder(history, name, replicas, chance) for name in ("ada", "olga", "acme", "vera")}
    clients = {name: httpx.Client(transport=recorder) for name, recorder in recorders.items()}
    admin, operator, acme, auditor = (acting.person(system, name, client) for name, client in clients.items())
    who = walk.People(admin, operator, acme, auditor, PATIENCE_SECONDS, _small_photo)
    try:
        while not over.is_set():
            try:
                _turn(system, history, chance, who, over)
            except acting.RefusedError:
                continue  # it is in the history, where C1 judges it
            except (GivenUpError, TimeoutError) as failure:
                history.note("vain", worker=threading.current_thread().name, failure=str(failure))
    finally:
        for client in clients.values():
            client.close()


def _turn(
    system: System, history: History, chance: random.Random, who: walk.People, over: threading.Event
) -> None:
    """One request, taken as far along the path as chance has it: to its end, to a Task, or to an operator."""
    surface = "roof-inspections" if chance.random() < 0.15 else "kitchen-repairs"
    asked = doors.request(surface, "Tap drips", f"Request {chance.getrandbits(64):x}")
    if chance.random() < 0.1:
        asked["surface"] = "no-such-surface"
    if chance.random() < 0.5:
        answer = who.upstream.raw("POST", "intake", "/api/requests", asked)
        intake = answer.json() if answer.is_success else None
    else:
        intake = _by_kafka(system, history, asked, who, over)
    drawn = chance.random()
    if intake is None or drawn < 0.3:
        return
    if drawn < 0.4:
        _approve_and_leave(who, str(intake["request_id"]))
        return
    walk.walk("", intake, who, walk.unseen)
    history.note("walked", request_id=intake["request_id"])


def _by_kafka(
    system: System, history: History, asked: Answer, who: walk.People, over: threading.Event
) -> Answer | None:
    message = Outgoing(
        "request" if asked["surface"] != "no-such-surface" else "poison",
        "requests.submitted",
        json.dumps(asked).encode(),
        _headers(asked["request_key"], doors.SOURCE, "truth.requests.submitted.v1"),
        key=asked["request_key"].encode(),
        told={"source": doors.SOURCE, "request_key": asked["request_key"]},
    )
    acme = login(system, "upstream-acme")
    while not publish(history, acme, message):
        if over.wait(0.5):
            return None
    if message.purpose == "poison":
        return None
    found: Callable[[], Answer | None] = lambda: acting.intake_of(  # noqa: E731
        who.auditor, doors.SOURCE, asked["request_key"]
    )
    return acting.wait_for(found, "Intake", PATIENCE_SECONDS)


def _approve_and_leave(who: walk.People, request_id: str) -> None:
    find: Callable[[], Answer | None] = lambda: acting.task_of(who.admin, request_id)  # noqa: E731
    task = acting.wait_for(find, "Task", PATIENCE_SECONDS)
    acting.assign(who.admin, acting.approve(who.admin, task, None), who.operator.name)


def _meddle(system: System, history: History, chance: random.Random, over: threading.Event) -> None:
    while not over.wait(chance.uniform(*_MEDDLE_SECONDS)):
        message = _poison(chance) if chance.random() < 0.4 else _copy(system, chance)
        if message is None:
            continue
        topic = next(topic for topic in TOPICS if topic.name == message.topic)
        owner = "upstream-acme" if topic.owner == "upstream" else topic.owner
        publish(history, login(system, owner), message)


def _poison(chance: random.Random) -> Outgoing:
    """What its readers must refuse, under a key of its own by which it is found again."""
    topic = chance.choice(_POISONED)
    value = chance.choice([b"{", b"{}", None, b'{"event_id": "\\ud800"}', b"\xff\xfe"])
    source = doors.SOURCE if topic.owner == "upstream" else f"/runtime-truth/{topic.owner}"
    headers = _headers(str(uuid4()), source, f"truth.{topic.name}.v1")
    if chance.random() < 0.2:
        del headers["ce_id"]
    return Outgoing("poison", topic.name, value, headers, key=POISON + uuid4().hex.encode())


def _copy(system: System, chance: random.Random) -> Outgoing | None:
    """Any message that lies on a topic, word for word and for the same partition; None if it cannot be read."""
    topic = chance.choice(_COPIED)
    place = TopicPartition(topic.name, chance.randrange(4))
    consumer = Consumer(
        upstream.settings(login(system, "admin")) | {"group.id": "storm", "enable.auto.commit": False}
    )
    try:
        low, high = consumer.get_watermark_offsets(place, timeout=_READ_SECONDS)
        if high <= low:
            return None
        place.offset = chance.randrange(low, high)
        consumer.assign([place])
        found = consumer.poll(_READ_SECONDS)
    except KafkaException:
        return None
    finally:
        consumer.close()
    if found is None or found.error():
        return None
    return _again(topic, place.partition, found)


def _again(topic: Topic, partition: int, found: Message) -> Outgoing:
    key, value = _octets(found.key()), _octets(found.value())
    given = found.headers() or []
    headers = {name: octets or b"" for name, octets in (given.items() if isinstance(given, dict) else given)}
    event_id = (_octets(headers.get("ce_id")) or b"").decode("latin-1")
    return Outgoing("copy", topic.name, value, headers, key, partition, {"event_id": event_id})


def _octets(told: str | bytes | None) -> bytes | None:
    return told.encode() if isinstance(told, str) else told


def _headers(event_id: str, source: str, kind: str) -> dict[str, str | bytes]:
    return {
        "ce_specversion": "1.0",
        "ce_id": event_id,
        "ce_source": source,
        "ce_type": kind,
        "content-type": "application/json",
    }


def _small_photo(_caption: str) -> bytes:
    """A real JPEG, unlike any other, that costs no time to make."""
    buffer = io.BytesIO()
    Image.frombytes("RGB", (32, 32), os.urandom(3072)).save(buffer, "JPEG")
    return buffer.getvalue()
