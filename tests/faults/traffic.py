"""Requests that keep flowing while parts fail: people who try again, and an account of what was promised."""

import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field

import httpx
from confluent_kafka import KafkaException
from truth_local.demo import acting, doors, upstream, walk
from truth_local.demo.acting import Answer, wait_for
from truth_local.demo.walk import People, Walked, unseen
from truth_local.system import System
from truth_topology.connection import Login

_PATIENCE_SECONDS = 120.0
_AGAIN_SECONDS = 0.3
_AWAY = {500, 502, 503, 504}


class Patient(httpx.BaseTransport):
    """Sends a request again, word for word, while the service is away or says that a neighbour is.

    Every command is idempotent, so an answer that got lost is safe to ask for again.
    """

    def __init__(self) -> None:
        self._inner = httpx.HTTPTransport()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """The first answer that is not a neighbour's absence."""
        deadline = time.monotonic() + _PATIENCE_SECONDS
        request.read()
        while True:
            try:
                answer = self._inner.handle_request(request)
                if answer.status_code not in _AWAY or time.monotonic() > deadline:
                    return answer
                answer.read()
                answer.close()
            except httpx.TransportError:
                if time.monotonic() > deadline:
                    raise
            threading.Event().wait(_AGAIN_SECONDS)

    def close(self) -> None:
        """Close the connections."""
        self._inner.close()


_PATIENT = Patient()


@dataclass(slots=True)
class Account:
    """What the traffic was promised, and what it could not do."""

    accepted: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    """Request key and request id of each Intake."""
    walked: list[Walked] = field(default_factory=list[Walked])
    failures: list[str] = field(default_factory=list[str])


def patient_people(system: System) -> People:
    """The people of the demo, with patience."""
    admin, operator, acme, auditor = (
        acting.person(system, name, acting.lasting_client(_PATIENT))
        for name in ("ada", "olga", "acme", "vera")
    )
    return People(admin, operator, acme, auditor, patience_seconds=_PATIENCE_SECONDS)


@contextmanager
def flowing(system: System, workers: int = 3) -> Generator[Account]:
    """Requests flow while the block runs; after it those on their way are walked to their end."""
    account, stopping = Account(), threading.Event()
    threads = [
        threading.Thread(target=_work, args=(system, number, account, stopping)) for number in range(workers)
    ]
    for thread in threads:
        thread.start()
    try:
        yield account
    finally:
        stopping.set()
        for thread in threads:
            thread.join()


def _work(system: System, number: int, account: Account, stopping: threading.Event) -> None:
    who = patient_people(system)
    login = Login(system.bootstrap, "upstream-acme", system.principals["upstream-acme"].password)
    turn = number
    while not stopping.is_set():
        turn += 1
        asked = doors.request("kitchen-repairs", "Tap drips", f"Worker {number}, turn {turn}.")
        try:
            intake = _submit(asked, who, login, over_kafka=turn % 2 == 0)
            account.accepted.append((asked["request_key"], intake["request_id"]))
            account.walked.append(walk.walk("", intake, who, unseen))
        except (acting.RefusedError, TimeoutError, httpx.HTTPError, KafkaException) as failure:
            account.failures.append(f"{asked['request_key']}: {failure!r}")


def _submit(asked: Answer, who: People, login: Login, *, over_kafka: bool) -> Answer:
    if not over_kafka:
        return who.upstream.post("intake", "/api/requests", asked)
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while True:
        try:
            # The same event, published again when it is not known whether the broker has it.
            upstream.publish(login, doors.SOURCE, asked, event_id=asked["request_key"])
            break
        except (KafkaException, TimeoutError):
            if time.monotonic() > deadline:
                raise
    found = lambda: acting.intake_of(who.auditor, doors.SOURCE, asked["request_key"])  # noqa: E731
    return wait_for(found, "Intake", _PATIENCE_SECONDS)
