"""One service replaced alone, by a new image, while 200 requests a minute flow: nothing lost, nothing doubled."""

import io
import json
import queue
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial

import httpx
import pytest
from confluent_kafka import KafkaException
from truth_contracts.topics import SERVICES
from truth_local.demo import acting, doors, upstream, walk
from truth_local.demo.acting import Answer, wait_for
from truth_local.demo.reading import read_topic
from truth_local.demo.walk import People, Walked, unseen
from truth_topology.connection import Login

from tests.containers.compose import Composed
from tests.faults.traffic import patient_people

REQUESTS_PER_MINUTE = 200
WALKERS = 2
STOP_SECONDS_MAX = 5
READY_SECONDS_MAX = 15
SETTLE_SECONDS = 180
HAND_OFFS = ("jobs.created", "service-events.completed", "records.sealed", "signals.emitted")


@dataclass(slots=True)
class Flow:
    """What was asked and what came of it."""

    accepted: list[Answer] = field(default_factory=list[Answer])
    walked: list[Walked] = field(default_factory=list[Walked])
    failures: list[str] = field(default_factory=list[str])
    late: float = 0.0
    """How far, in seconds, submitting fell behind its pace at worst."""


@contextmanager
def flowing(running: Composed) -> Generator[Flow]:
    """Requests come at a steady pace, half by Kafka and half by HTTP; two people walk as many as they can."""
    flow, stopping = Flow(), threading.Event()
    to_walk: queue.SimpleQueue[Answer] = queue.SimpleQueue()
    threads = [
        threading.Thread(target=_submit, args=(running, number, 4, flow, to_walk, stopping))
        for number in range(4)
    ]
    threads += [
        threading.Thread(target=_walk, args=(running, flow, to_walk, stopping)) for _ in range(WALKERS)
    ]
    for thread in threads:
        thread.start()
    try:
        yield flow
    finally:
        stopping.set()
        for thread in threads:
            thread.join()


def _submit(
    running: Composed,
    number: int,
    of: int,
    flow: Flow,
    to_walk: "queue.SimpleQueue[Answer]",
    stopping: threading.Event,
) -> None:
    who = patient_people(running.system)
    login = Login(
        running.system.bootstrap, "upstream-acme", running.system.principals["upstream-acme"].password
    )
    pace, started = 60 / REQUESTS_PER_MINUTE, time.monotonic()
    for turn in range(number, 1_000_000, of):
        due = started + turn * pace
        if stopping.wait(max(0.0, due - time.monotonic())):
            return
        flow.late = max(flow.late, time.monotonic() - due)
        asked = doors.request("kitchen-repairs", "Tap drips", f"Turn {turn}.")
        try:
            intake = _ask(who, login, asked, over_kafka=number % 2 == 1)
        except (acting.RefusedError, TimeoutError, httpx.HTTPError, KafkaException) as failure:
            flow.failures.append(f"{asked['request_key']}: {failure!r}")
            continue
        flow.accepted.append(intake)
        to_walk.put(intake)


def _ask(who: People, login: Login, asked: Answer, *, over_kafka: bool) -> Answer:
    """The Intake of a request, through either door."""
    if not over_kafka:
        return who.upstream.post("intake", "/api/requests", asked)
    upstream.publish(login, doors.SOURCE, asked, event_id=asked["request_key"])
    look = partial(acting.intake_of, who.auditor, doors.SOURCE, asked["request_key"])
    return wait_for(look, "Intake", SETTLE_SECONDS)


def _walk(
    running: Composed, flow: Flow, to_walk: "queue.SimpleQueue[Answer]", stopping: threading.Event
) -> None:
    who = patient_people(running.system)
    while not stopping.is_set():
        try:
            intake = to_walk.get(timeout=0.2)
            flow.walked.append(walk.walk("", intake, who, unseen))
        except queue.Empty:
            continue
        except (acting.RefusedError, TimeoutError, httpx.HTTPError) as failure:
            flow.failures.append(f"{failure!r}")


@pytest.fixture(scope="module")
def new_images(running: Composed) -> str:
    """A next release of each service: another image, of another id."""
    for service in SERVICES:
        text = f"FROM truth-{service}:dev\nLABEL release=next\n"
        running.engine.images.build(
            fileobj=io.BytesIO(text.encode()), tag=f"truth-{service}:next", rm=True, pull=False
        )
    return "next"  # they stay: containers of later tests run on them, and the next run builds upon them


def test_each_service_is_replaced_alone_under_load(
    running: Composed, new_images: str, seconds: dict[str, float]
) -> None:
    began = {
        service: container.attrs["State"]["StartedAt"] for service, container in running.containers().items()
    }
    with flowing(running) as flow:
        started = time.monotonic()
        for service in SERVICES:
            walked = len(flow.walked)
            wait_for(lambda walked=walked: len(flow.walked) > walked + 1 or None, "requests that flow", 90)
            _replace(running, service, new_images, seconds)
        walked = len(flow.walked)
        wait_for(lambda: len(flow.walked) > walked + 1 or None, "requests that flow to the end", 90)
        minutes = (time.monotonic() - started) / 60
    seconds["requests a minute"] = len(flow.accepted) / minutes
    seconds["requests accepted"] = len(flow.accepted)
    seconds["requests walked to their Signal"] = len(flow.walked)
    seconds["latest submission behind its pace, s"] = flow.late
    assert flow.failures == []
    after = running.containers()
    for service, at in began.items():
        assert (after[service].attrs["State"]["StartedAt"] == at) == (service not in SERVICES), service
    _check_once(running, flow)


def _replace(running: Composed, service: str, version: str, seconds: dict[str, float]) -> None:
    setting = {f"TRUTH_{service.upper()}_VERSION": version}
    others = {name: one.id for name, one in running.containers().items() if name != service}
    old = running.containers()[service]
    running.compose(
        "run", "--rm", "--no-deps", "--pull", "never", f"{service}-migrate", **setting
    )  # while the old one serves
    stopping = time.monotonic()
    running.compose("stop", service)
    seconds[f"{service} stopped, s"] = time.monotonic() - stopping
    old.reload()
    said = old.logs(tail=8).decode()  # how long each part of the stop took
    assert old.attrs["State"]["ExitCode"] == 0, said
    starting = time.monotonic()
    running.compose("up", "--detach", "--no-deps", "--no-build", "--pull", "never", service, **setting)
    url = f"{running.system.urls[service]}/health/ready"
    wait_for(lambda: _is_ready(url), f"{service} ready", 60)
    seconds[f"{service} ready, s"] = time.monotonic() - starting
    new = running.containers()
    assert new[service].attrs["Image"] != old.attrs["Image"]
    assert {name: one.id for name, one in new.items() if name != service} == others
    assert seconds[f"{service} stopped, s"] <= STOP_SECONDS_MAX, said
    assert seconds[f"{service} ready, s"] <= READY_SECONDS_MAX


def _is_ready(url: str) -> bool | None:
    try:
        return httpx.get(url, timeout=2, trust_env=False).is_success or None
    except httpx.TransportError:
        return None


def _check_once(running: Composed, flow: Flow) -> None:
    """Every accepted request has one Intake and one Task, every walked one exactly one of everything after it."""

    def settled() -> bool | None:
        left = sum(
            int(running.rows(service, "SELECT count(*) FROM truth.outbox")[0][0]) for service in SERVICES
        )
        tasks = int(running.rows("governance", "SELECT count(*) FROM truth.task")[0][0])
        return True if left == 0 and tasks >= len(flow.accepted) else None

    wait_for(settled, "system without waiting messages", SETTLE_SECONDS)
    accepted = [str(intake["request_id"]) for intake in flow.accepted]
    assert len(set(accepted)) == len(accepted)
    for service, table in (("intake", "intake"), ("governance", "task")):
        counted = dict(running.rows(service, f"SELECT request_id, count(*) FROM truth.{table} GROUP BY 1"))  # noqa: S608 ours
        assert [one for one in accepted if counted.get(one) != "1"] == [], table
    login = Login(running.system.bootstrap, "console", running.system.principals["console"].password)
    for topic in HAND_OFFS:
        told: dict[str, set[str]] = {}
        for message in read_topic(login, topic):  # a relay may repeat an event; it may not tell a second one
            told.setdefault((message.key or b"").decode(), set()).add(
                json.loads(message.value or b"{}")["event_id"]
            )
        assert [
            walked.request_id for walked in flow.walked if len(told.get(walked.request_id, ())) != 1
        ] == [], topic
        assert [key for key, ids in told.items() if len(ids) != 1] == [], topic
    for service in SERVICES:
        assert running.rows(service, "SELECT code, detail FROM truth.dead_letter") == [], service
