"""The doors as people in a storm use them: any replica, again and again, now and then twice; all written down."""

import json
import random
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Literal, cast

import httpx
from confluent_kafka import KafkaException
from truth_local.demo import upstream
from truth_topology.connection import Login

from tests.faults.chaos.history import History

PATIENCE_SECONDS = 100.0
_AGAIN_SECONDS = 0.4
_ANSWER_SECONDS = 6.0
_BAD_AFTER = 500
_TWICE, _TWINS = 0.1, 0.1
_COMMANDS = {"POST", "PUT"}


class GivenUpError(RuntimeError):
    """Patience ended before anybody gave a clear answer."""


class Recorder(httpx.BaseTransport):
    """Sends a request to some replica, and again, word for word, until the answer is clear.

    A command is an operation of the history; each attempt is noted before it is sent and after it is answered.
    Now and then a command is sent once more after its answer, or as twins to two replicas at once.
    """

    def __init__(
        self, history: History, who: str, replicas: Mapping[str, Sequence[str]], chance: random.Random
    ) -> None:
        self._history, self._who, self._chance = history, who, chance
        self._service_of = {httpx.URL(urls[0]).port: service for service, urls in replicas.items()}
        self._replicas = {
            service: [httpx.URL(url).port for url in urls] for service, urls in replicas.items()
        }
        self._inner = httpx.HTTPTransport()
        self._twins = ThreadPoolExecutor(1, thread_name_prefix=f"twin of {who}")

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """The first clear answer; raises GivenUpError when none comes."""
        request.read()
        if request.method not in _COMMANDS:
            return self._until_clear(lambda: self._send(request))
        op = self._history.new_op()
        attempt: Callable[[], httpx.Response | None] = lambda: self._attempt(op, request)  # noqa: E731
        drawn = self._chance.random()
        if drawn < _TWINS:
            twin = self._twins.submit(attempt)
            answer = self._until_clear(attempt)
            twin.result()
            return answer
        answer = self._until_clear(attempt)
        if drawn < _TWINS + _TWICE:
            attempt()
        return answer

    def close(self) -> None:
        """Close the connections."""
        self._twins.shutdown()
        self._inner.close()

    def _until_clear(self, attempt: Callable[[], httpx.Response | None]) -> httpx.Response:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while (answer := attempt()) is None:
            if time.monotonic() > deadline:
                raise GivenUpError(f"{self._who} had no clear answer for {PATIENCE_SECONDS:.0f} s")
            threading.Event().wait(_AGAIN_SECONDS)
        return answer

    def _attempt(self, op: int, request: httpx.Request) -> httpx.Response | None:
        service, note = self._service_of[request.url.port], self._history.note
        note(
            "invoke",
            op=op,
            who=self._who,
            door=service,
            method=request.method,
            path=request.url.path,
            asked=_asked(request),
        )
        answer = self._send(request)
        if answer is None:
            note("info", op=op)
            return None
        told = _json(answer.content)
        if answer.is_success:
            note("ok", op=op, status=answer.status_code, answer=told)
        else:
            note("fail", op=op, status=answer.status_code, code=str(told.get("code", "")))
        return answer

    def _send(self, request: httpx.Request) -> httpx.Response | None:
        """None when nobody knows what became of it."""
        port = self._chance.choice(self._replicas[self._service_of[request.url.port]])
        timeout = {"timeout": httpx.Timeout(_ANSWER_SECONDS).as_dict()}
        url, headers = request.url.copy_with(port=port), request.headers
        sent = httpx.Request(
            request.method, url, headers=headers, content=request.content, extensions=timeout
        )
        try:
            answer = self._inner.handle_request(sent)
            answer.read()
        except httpx.TransportError:
            return None
        return None if answer.status_code >= _BAD_AFTER else answer


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message that the storm publishes itself: a request, a copy of what lies there, or poison."""

    purpose: Literal["request", "copy", "poison"]
    topic: str
    value: bytes | None
    headers: Mapping[str, str | bytes]
    key: bytes | None = None
    partition: int | None = None
    told: Mapping[str, object] = field(default_factory=dict[str, object])
    """What else the history says of it."""


def publish(history: History, login: Login, message: Outgoing) -> bool:
    """Publish one message once; whether the broker acknowledged it."""
    op = history.new_op()
    history.note(
        "invoke",
        op=op,
        who=login.username,
        door="kafka",
        method="PUBLISH",
        path=message.topic,
        asked={
            "purpose": message.purpose,
            "key": None if message.key is None else message.key.decode("latin-1"),
            **message.told,
        },
    )
    try:
        upstream.send(
            login,
            message.topic,
            message.value,
            message.headers,
            key=message.key,
            partition=message.partition,
        )
    except (KafkaException, TimeoutError):
        history.note("info", op=op)
        return False
    history.note("ok", op=op, answer={})
    return True


def _asked(request: httpx.Request) -> dict[str, Any]:
    return {} if "/evidence/" in request.url.path else _json(request.content)


def _json(octets: bytes) -> dict[str, Any]:
    try:
        told: object = json.loads(octets)
    except ValueError:
        return {}
    return cast("dict[str, Any]", told) if isinstance(told, dict) else {}
