"""What people and machines do on the path, each by the API of the service that owns the step."""

import atexit
import hashlib
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, TypeVar
from uuid import uuid4

import httpx

from truth_local.system import System

Answer = dict[str, Any]
T = TypeVar("T")

_PATIENCE_SECONDS = 30.0
_LOOK_SECONDS = 0.05
_REQUEST_SECONDS = 30.0


class RefusedError(RuntimeError):
    """A service said no; `problem` is its RFC 9457 answer."""

    def __init__(self, answer: httpx.Response) -> None:
        self.status = answer.status_code
        self.problem: Answer = answer.json() if "json" in answer.headers.get("content-type", "") else {}
        super().__init__(f"{answer.request.method} {answer.request.url.path}: {self.status} {answer.text}")


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody (or some machine) with a token, at the doors of the five services."""

    name: str
    urls: Mapping[str, str]
    token: str = field(repr=False)
    http: httpx.Client = field(repr=False)  # shared: it lives as long as the process

    def ask(self, method: str, service: str, path: str, body: object = None) -> Answer:
        """The JSON that the service answers; raises RefusedError when it says no."""
        answer = self.raw(method, service, path, body)
        if not answer.is_success:
            raise RefusedError(answer)
        return answer.json()

    def raw(self, method: str, service: str, path: str, body: object = None) -> httpx.Response:
        """The answer as it is, a refusal too."""
        return self.http.request(method, self.urls[service] + path, json=body, headers=self._headers)

    def put_bytes(self, service: str, path: str, octets: bytes) -> httpx.Response:
        """The answer to an upload, a refusal too."""
        return self.http.put(self.urls[service] + path, content=octets, headers=self._headers)

    @property
    def _headers(self) -> dict[str, str]:
        return {"authorization": f"Bearer {self.token}"}

    def get(self, service: str, path: str) -> Answer:
        """Read something."""
        return self.ask("GET", service, path)

    def post(self, service: str, path: str, body: Mapping[str, object]) -> Answer:
        """Give a command."""
        return self.ask("POST", service, path, body)


def person(system: System, name: str, http: httpx.Client | None = None) -> Person:
    """Somebody of the local issuer, with a fresh token. `http` is for whoever wants to try again."""
    return Person(name, system.urls, system.token(name), http or lasting_client())


@cache
def lasting_client(transport: httpx.BaseTransport | None = None) -> httpx.Client:
    """A client that any number of people and threads use until the process ends."""
    http = httpx.Client(timeout=_REQUEST_SECONDS, trust_env=False, transport=transport)
    atexit.register(http.close)
    return http


def wait_for(look: Callable[[], T | None], what: str, seconds: float = _PATIENCE_SECONDS) -> T:
    """What `look` finds, as soon as it finds it; raises TimeoutError, naming `what`, when it never does."""
    deadline = time.monotonic() + seconds
    while True:
        if (found := look()) is not None:
            return found
        if time.monotonic() > deadline:
            raise TimeoutError(f"no {what} within {seconds:.0f} s")
        time.sleep(_LOOK_SECONDS)


def intake_of(reader: Person, source: str, request_key: str) -> Answer | None:
    """The Intake of a request key, if there is one yet."""
    found = reader.get("intake", f"/api/intakes?source={source}&request_key={request_key}")
    return first(found["intakes"])


def task_of(reader: Person, request_id: str) -> Answer | None:
    """The Task of a request, if it is open yet."""
    return first(reader.get("governance", f"/api/tasks?request_id={request_id}")["tasks"])


def job_of(reader: Person, request_id: str) -> Answer | None:
    """The Job of a request, if execution has it yet."""
    return first(reader.get("execution", f"/api/jobs?request_id={request_id}")["jobs"])


def record_of(reader: Person, request_id: str) -> Answer | None:
    """The Record of a request, if it is sealed yet."""
    return first(reader.get("records", f"/api/records?request_id={request_id}")["records"])


def decision_of(reader: Person, record_id: str) -> Answer | None:
    """What signals decided over a Record, if it has yet: a Signal, or withheld with reasons."""
    return first(reader.get("signals", f"/api/signals?record={record_id}")["decisions"])


def first(found: Sequence[Answer]) -> Answer | None:
    """The one that was found, if any."""
    return found[0] if found else None


def approve(admin: Person, task: Answer, note: str | None = None) -> Answer:
    """Approve a Task as it is shown."""
    return admin.post(
        "governance", f"/api/tasks/{task['task_id']}/approve", {"version": task["version"], "note": note}
    )


def assign(admin: Person, task: Answer, operator_id: str) -> Answer:
    """Assign an approved Task to an operator."""
    body = {"version": task["version"], "operator_id": operator_id}
    return admin.post("governance", f"/api/tasks/{task['task_id']}/assign", body)


def prepare(creator: Person, task: Answer) -> Answer:
    """Freeze the Job of an assigned Task; the answer holds its digest."""
    return creator.post(
        "governance", f"/api/tasks/{task['task_id']}/job/prepare", {"version": task["version"]}
    )


def create_job(creator: Person, task: Answer, digest: str) -> Answer:
    """The one-way command."""
    return creator.post("governance", f"/api/tasks/{task['task_id']}/job", {"digest": digest})


def command(operator: Person, job_id: str, what: str, /, **facts: object) -> Answer:
    """One command of the Desk, with a command id of its own."""
    body: dict[str, object] = {"command_id": str(uuid4()), **facts}
    return operator.post("execution", f"/api/jobs/{job_id}/{what}", body)


def upload(operator: Person, photo: bytes) -> str:
    """Upload a photo's bytes; returns their digest."""
    sha256 = hashlib.sha256(photo).hexdigest()
    answer = operator.put_bytes("execution", f"/api/evidence/{sha256}", photo)
    if not answer.is_success:
        raise RefusedError(answer)
    return sha256


def attach(operator: Person, job_id: str, photo: bytes, stage: str | None) -> str:
    """Upload a photo and attach it to a stage; returns its digest."""
    sha256 = upload(operator, photo)
    command(operator, job_id, "evidence", sha256=sha256, stage=stage, origin="captured")
    return sha256
