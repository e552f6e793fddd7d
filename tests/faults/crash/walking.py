"""What brings the services to their points: whole walks, bad messages, and a redrive."""

import json
from dataclasses import dataclass, replace
from typing import cast
from uuid import uuid4

from truth_contracts.topics import TOPICS
from truth_local.demo import acting, doors, upstream, walk
from truth_local.demo.acting import Answer, RefusedError, wait_for
from truth_local.demo.photo import take_small_photo
from truth_local.demo.walk import People, Walked, unseen
from truth_local.system import System
from truth_topology.connection import Login

from tests.faults.traffic import patient_people

PATIENCE_SECONDS = 120.0


@dataclass(frozen=True, slots=True)
class Finished:
    """A request at the end of its path, and the key that it was asked with."""

    request_key: str
    walked: Walked


@dataclass(frozen=True, slots=True)
class Poisoned:
    """A bad message that was published, known by the id in its envelope."""

    topic: str
    event_id: str


POISON_FOR = {  # a topic that the service reads, and who may write there
    "intake": ("requests.submitted", "upstream-acme"),
    "governance": ("intakes.accepted", "intake"),
    "execution": ("jobs.created", "governance"),
    "records": ("service-events.completed", "execution"),
    "signals": ("records.sealed", "records"),
}


def people(system: System) -> People:
    """Patient people with a small camera."""
    return replace(patient_people(system), camera=take_small_photo)


def walk_whole(system: System, *, over_kafka: bool) -> Finished:
    """One request on the whole path, with a question asked and answered on the way."""
    who = people(system)
    asked = doors.request("kitchen-repairs", "Tap drips", "While everything is killed.")
    if over_kafka:
        publish_until_acknowledged(system, asked)
        found = lambda: acting.intake_of(who.auditor, doors.SOURCE, asked["request_key"])  # noqa: E731
        intake = wait_for(found, "Intake", PATIENCE_SECONDS)
    else:
        intake = who.upstream.post("intake", "/api/requests", asked)
    _ask_and_answer(who, intake["request_id"])
    return Finished(asked["request_key"], walk.walk("", intake, who, unseen))


def publish_until_acknowledged(system: System, asked: Answer) -> str:
    """Publish a request under its key as event id, which a repeat would have too."""
    return upstream.publish(
        _login(system, "upstream-acme"), doors.SOURCE, asked, event_id=asked["request_key"]
    )


def _ask_and_answer(who: People, request_id: str) -> None:
    task = wait_for(lambda: acting.task_of(who.admin, request_id), "Task", PATIENCE_SECONDS)
    path = f"/api/tasks/{task['task_id']}/ask"
    who.admin.post("governance", path, {"version": task["version"], "question": "Which tap?"})

    def answered() -> Answer | None:
        try:
            return who.upstream.post(
                "intake",
                f"/api/intakes/{request_id}/answer",
                {"answer": "The left one.", "question_version": 2},
            )
        except RefusedError as refused:
            if refused.problem.get("code") == "nothing_asked":  # the question has not arrived yet
                return None
            raise

    wait_for(answered, "answer", PATIENCE_SECONDS)

    def reviewed_again() -> Answer | None:
        task = acting.task_of(who.admin, request_id)
        return task if task is not None and task["state"] == "pending_review" else None

    wait_for(reviewed_again, "Task in review", PATIENCE_SECONDS)


def poison(system: System, service: str) -> Poisoned:
    """Publish what the service must refuse, in an envelope that can be read."""
    topic, writer = POISON_FOR[service]
    event_id = str(uuid4())
    (kind,) = (topic_.events[0] for topic_ in TOPICS if topic_.name == topic)
    source = doors.SOURCE if writer.startswith("upstream") else f"/runtime-truth/{writer}"
    headers = {
        "ce_specversion": "1.0", "ce_id": event_id, "ce_source": source,
        "ce_type": upstream_type(kind), "content-type": "application/json",
    }  # fmt: skip
    upstream.send(_login(system, writer), topic, b"{", headers, key=event_id.encode())
    return Poisoned(topic, event_id)


def upstream_type(kind: object) -> str:
    """The CloudEvents type of a contract."""
    fields = getattr(kind, "model_fields", {})
    return str(fields["type"].default) if "type" in fields else "truth.requests.submitted.v1"


def redrive_after_cure(system: System) -> str:
    """A request on a surface that nobody knows, which then is registered; the letter is redriven until it is closed.

    Returns the request's key: it must have one Intake, whatever died on the way.
    """
    who, paul = people(system), acting.person(system, "paul", people(system).admin.http)
    surface = f"cellar-repairs-{uuid4().hex[:8]}"
    asked = doors.request(surface, "Damp", "In the corner.")
    publish_until_acknowledged(system, asked)

    def letter() -> Answer | None:
        found = paul.get("intake", "/api/ops/dead-letters")["dead_letters"]
        return acting.first([one for one in found if one["event_id"] == asked["request_key"]])

    dead = wait_for(letter, "dead letter", PATIENCE_SECONDS)
    cure: dict[str, object] = {"title": "Cellar", "maturity": "live", "stages": []}
    who.admin.ask("PUT", "intake", f"/api/surfaces/{surface}", cure)
    path = f"/api/ops/dead-letters/{dead['id']}/redrive"
    answer = paul.raw("POST", "intake", path, {"reason": "The surface is there now.", "dry_run": False})
    if not answer.is_success and answer.json().get("code") != "dead_letter_closed":
        raise RefusedError(answer)
    return str(asked["request_key"])


def redrive_in_vain(system: System, service: str) -> Poisoned:
    """A bad message, redriven although nothing was cured: it is refused again and stays a dead letter."""
    paul = acting.person(system, "paul", people(system).admin.http)
    letters = lambda: paul.get(service, "/api/ops/dead-letters")["dead_letters"]  # noqa: E731
    before = {one["id"] for one in letters()}
    bad = poison(system, service)

    def letter() -> Answer | None:
        return acting.first([one for one in letters() if one["id"] not in before])

    dead = wait_for(letter, "dead letter", PATIENCE_SECONDS)
    path = f"/api/ops/dead-letters/{dead['id']}/redrive"
    answer = paul.raw("POST", service, path, {"reason": "Is it cured?", "dry_run": False})
    again = paul.get(service, f"/api/ops/dead-letters/{dead['id']}")["letter"]
    if "body_invalid" not in answer.text or again["state"] != "open":
        raise RefusedError(answer)
    return bad


def of_message(value: bytes | None) -> dict[str, object]:
    """The members of a message's value; none in what is no object."""
    try:
        members = json.loads(value or b"{}")
    except ValueError:
        return {}
    return cast(dict[str, object], members) if isinstance(members, dict) else {}


def _login(system: System, name: str) -> Login:
    return Login(system.bootstrap, name, system.principals[name].password)
