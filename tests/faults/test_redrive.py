"""Redriving a dead letter: one effect once its cause is gone, none while it is not, and who did it and why."""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from uuid import uuid4

import pytest
from truth_local.demo import acting, doors, upstream, walk
from truth_local.demo.acting import Answer, Person, wait_for
from truth_local.demo.reading import Published, read_topic
from truth_local.demo.walk import unseen
from truth_local.system import System
from truth_topology.connection import Login

from tests.faults.settled import tables, wait_until_healed

DOOR = "/api/ops/dead-letters"
AT_ONCE = 8
OWN = {  # a topic of ours, who writes it, who reads it
    "intakes.accepted": ("intake", "governance"),
    "intakes.answered": ("intake", "governance"),
    "tasks.changed": ("governance", "intake"),
    "jobs.created": ("governance", "execution"),
    "jobs.changed": ("execution", "governance"),
    "service-events.changed": ("execution", "intake"),
    "service-events.completed": ("execution", "records"),
    "records.sealed": ("records", "signals"),
    "signals.emitted": ("signals", "intake"),
}
CHAINED = ("intakes.accepted", "jobs.created", "service-events.completed")


def login(system: System, name: str) -> Login:
    return Login(system.bootstrap, name, system.principals[name].password)


@dataclass(frozen=True, slots=True)
class Letter:
    """A dead letter at its service, and the person of the role ops who acts on it."""

    paul: Person
    service: str
    id: str

    def redrive(self, reason: str, *, dry_run: bool = False) -> tuple[int, str]:
        """Status, and the outcome or the code of the refusal."""
        answer = self.paul.raw(
            "POST", self.service, f"{DOOR}/{self.id}/redrive", {"reason": reason, "dry_run": dry_run}
        )
        told = answer.json()
        return answer.status_code, told["outcome"] if answer.is_success else told["code"]

    def actions(self) -> list[tuple[str, str, str, str]]:
        """What was tried, by whom, why, and what it came to; oldest first."""
        told = self.paul.get(self.service, f"{DOOR}/{self.id}")["actions"]
        assert all(action["at"] for action in told)
        return [(one["what"], one["by"], one["reason"], one["outcome"]) for one in told]


def letter_of(system: System, service: str, place: Callable[[Answer], bool]) -> Letter:
    """The dead letter that `place` tells from the others, once it is there."""
    paul = acting.person(system, "paul")

    def found() -> Answer | None:
        return acting.first([one for one in paul.get(service, DOOR)["dead_letters"] if place(one)])

    return Letter(paul, service, str(wait_for(found, "dead letter")["id"]))


@dataclass(frozen=True, slots=True)
class Damp:
    """A request for a surface that is not there yet."""

    letter: Letter
    asked: Answer
    surface: str

    def cure(self, system: System) -> None:
        """Open the surface."""
        body: Answer = {"title": "Cellar", "maturity": "live", "stages": []}
        acting.person(system, "ada").ask("PUT", "intake", f"/api/surfaces/{self.surface}", body)


@pytest.fixture
def damp(system: System) -> Damp:
    surface = f"cellar-repairs-{uuid4().hex[:8]}"
    asked = doors.request(surface, "Damp", "In the corner.")
    event_id = upstream.publish(login(system, "upstream-acme"), doors.SOURCE, asked)
    letter = letter_of(system, "intake", lambda one: one["event_id"] == event_id)
    return Damp(letter, asked, surface)


def intake_of(system: System, damp: Damp) -> Answer | None:
    return acting.intake_of(acting.person(system, "vera"), doors.SOURCE, damp.asked["request_key"])


def messages_about(system: System, topic: str, request_id: str) -> list[Published]:
    return [m for m in read_topic(login(system, "console"), topic) if m.key == request_id.encode()]


def assert_one_effect(system: System, damp: Damp) -> None:
    """One Intake, one message, one Task."""
    intake = intake_of(system, damp)
    assert intake is not None
    ada = acting.person(system, "ada")
    wait_for(lambda: acting.task_of(ada, intake["request_id"]), "Task")
    wait_until_healed(system)
    assert len(messages_about(system, "intakes.accepted", intake["request_id"])) == 1
    assert len(ada.get("governance", f"/api/tasks?request_id={intake['request_id']}")["tasks"]) == 1


def test_redriven_after_the_cure_it_has_one_effect_and_twice_still_one(system: System, damp: Damp) -> None:
    letter = damp.letter
    assert letter.redrive("Is it cured?") == (200, "refused")
    assert letter.redrive("Would it help?", dry_run=True) == (200, "would_refuse")
    assert intake_of(system, damp) is None
    damp.cure(system)
    assert letter.redrive("Would it now?", dry_run=True) == (200, "would_redrive")
    assert intake_of(system, damp) is None
    assert letter.redrive("The surface is there now.") == (200, "redriven")
    assert letter.redrive("Once more.") == (409, "dead_letter_closed")
    assert_one_effect(system, damp)
    assert letter.actions() == [
        ("redrive", "person:paul", "Is it cured?", "refused"),
        ("dry_run", "person:paul", "Would it help?", "would_refuse"),
        ("dry_run", "person:paul", "Would it now?", "would_redrive"),
        ("redrive", "person:paul", "The surface is there now.", "redriven"),
    ]


def test_redriven_many_times_at_once_it_has_one_effect(system: System, damp: Damp) -> None:
    damp.cure(system)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        outcomes = sorted(pool.map(damp.letter.redrive, [f"Number {n}." for n in range(AT_ONCE)]))
    assert outcomes == [(200, "redriven")] + [(409, "dead_letter_closed")] * (AT_ONCE - 1)
    assert_one_effect(system, damp)
    assert [outcome for *_, outcome in damp.letter.actions()] == ["redriven"]


def test_redriven_when_a_good_copy_came_first_it_changes_nothing_more(system: System, damp: Damp) -> None:
    damp.cure(system)
    upstream.publish(login(system, "upstream-acme"), doors.SOURCE, damp.asked)
    wait_for(lambda: intake_of(system, damp), "Intake of the copy")
    before = tables(system, "intake")["intake"]
    assert damp.letter.redrive("Is it still wanted?") == (200, "redriven")
    assert tables(system, "intake")["intake"] == before
    assert_one_effect(system, damp)


def rows_of(system: System) -> dict[str, object]:
    """Every row of the path in every service; what readiness and audits write is left out."""
    return {
        f"{service}.{name}": state
        for service in ("intake", "governance", "execution", "records", "signals")
        for name, state in tables(system, service).items()
        if name not in ("dead_letter_action", "audit")
    }


def assert_it_stays_as_it_is(system: System, letter: Letter, topic: str, service: str) -> None:
    """Redriven twice: refused twice, two lines in its account, and not one row more."""
    wait_until_healed(system)
    before, told = rows_of(system), len(read_topic(login(system, "console"), f"{service}.dead-letters"))
    assert [letter.redrive(why) for why in ("Perhaps.", "Or now.")] == [(200, "refused")] * 2
    wait_until_healed(system)
    assert rows_of(system) == before
    assert len(read_topic(login(system, "console"), f"{service}.dead-letters")) == told
    assert letter.actions() == [("redrive", "person:paul", why, "refused") for why in ("Perhaps.", "Or now.")]
    summary = letter.paul.get(service, f"{DOOR}/{letter.id}")["letter"]
    assert (summary["state"], summary["attempts"], summary["topic"]) == ("open", 2, topic)


@pytest.mark.parametrize("topic", OWN)
def test_what_cannot_be_read_stays_a_dead_letter_and_changes_nothing(topic: str, system: System) -> None:
    owner, reader = OWN[topic]
    written = {
        "ce_specversion": "1.0", "ce_id": str(uuid4()), "ce_source": f"/runtime-truth/{owner}",
        "ce_type": f"truth.{topic}.v1", "content-type": "application/json",
    }  # fmt: skip
    code = f"{{{uuid4().hex}"  # no JSON, and nobody else's
    seen = {one["id"] for one in acting.person(system, "paul").get(reader, DOOR)["dead_letters"]}
    upstream.send(login(system, owner), topic, code.encode(), written, key=uuid4().hex.encode())
    letter = letter_of(system, reader, lambda one: one["topic"] == topic and one["id"] not in seen)
    assert_it_stays_as_it_is(system, letter, topic, reader)


@pytest.mark.parametrize("topic", CHAINED)
def test_a_broken_chain_stays_a_dead_letter_and_changes_nothing(topic: str, system: System) -> None:
    owner, reader = OWN[topic]
    who = walk.people(system)
    walked = walk.walk(
        "", doors.over_http("", doors.request("kitchen-repairs", "Tap", "Drips."), who, unseen), who, unseen
    )
    (true,) = messages_about(system, topic, walked.request_id)
    body = json.loads(true.value or b"")
    body["event_id"] = str(uuid4())  # else it is a repeat of the true one, and nobody looks further
    changed = dict(true.headers) | {"ce_id": body["event_id"].encode()}
    upstream.send(login(system, owner), topic, json.dumps(body).encode(), changed, key=true.key)
    letter = letter_of(system, reader, lambda one: one["event_id"] == body["event_id"])
    assert_it_stays_as_it_is(system, letter, topic, reader)


@pytest.mark.parametrize("name", ["vera", "rita", "ada", "olga", "acme"])
def test_only_ops_may_redrive(name: str, system: System) -> None:
    somebody: Person = acting.person(system, name)
    answer = somebody.raw("POST", "intake", f"{DOOR}/{uuid4()}/redrive", {"reason": "r", "dry_run": False})
    assert answer.status_code == 403
