"""Poison on the topics: each a dead letter or a refusal with its reason, and the messages beside it unharmed."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from uuid import uuid4

import pytest
from truth_local.demo import acting, doors, upstream, walk
from truth_local.demo.acting import Answer, wait_for
from truth_local.demo.reading import read_topic
from truth_local.system import System
from truth_topology.connection import Login

TYPE = "truth.requests.submitted.v1"


def login(system: System, name: str) -> Login:
    return Login(system.bootstrap, name, system.principals[name].password)


def headers(**changed: str | bytes | None) -> dict[str, str | bytes]:
    """Headers of a good CloudEvent; None takes one out."""
    good: dict[str, str | bytes | None] = {
        "ce_specversion": "1.0", "ce_id": str(uuid4()), "ce_source": doors.SOURCE, "ce_type": TYPE,
        "content-type": "application/json",
    }  # fmt: skip
    return {name: value for name, value in (good | changed).items() if value is not None}


def good() -> Answer:
    return doors.request("kitchen-repairs", "Tap drips", "Beside the poison.")


GOOD = json.dumps(good()).encode()


@dataclass(frozen=True, slots=True)
class Poison:
    """A bad message and the code it must be refused with."""

    code: str
    value: bytes | None = GOOD
    changed: Mapping[str, str | bytes | None] | None = None


POISONS = {
    "bad JSON": Poison("body_invalid", b'{"request_key": "k"'),
    "no object": Poison("body_invalid", b'"text"'),
    "duplicate keys": Poison("body_invalid", GOOD.replace(b'"surface"', b'"request_key": "x", "surface"')),
    "lone surrogate": Poison("body_invalid", GOOD.replace(b"Tap drips", b"Tap \\ud800")),
    "U+0000": Poison("body_invalid", GOOD.replace(b"Tap drips", b"Tap \\u0000")),
    "a member missing": Poison("body_invalid", b'{"request_key": "k"}'),
    "bad UTF-8 in the body": Poison("body_invalid", b"\xff\xfe{}"),
    "a year beyond UTC": Poison("body_invalid", GOOD[:-1] + b', "wanted_by": "9999-12-31T23:59:59-12:00"}'),
    "wrong version": Poison("version_unknown", changed={"ce_type": "truth.requests.submitted.v2"}),
    "unknown type": Poison("type_unknown", changed={"ce_type": "truth.jobs.created.v1"}),
    "bad UTF-8 in a header": Poison("envelope_invalid", changed={"ce_id": b"\xff\xff"}),
    "no id": Poison("envelope_invalid", changed={"ce_id": None}),
    "no source": Poison("envelope_invalid", changed={"ce_source": None}),
    "a foreign source": Poison("source_invalid", changed={"ce_source": "/runtime-truth/intake"}),
    "tombstone": Poison("envelope_invalid", None),
    "a body over the limit": Poison("body_too_large", b'{"a":"' + b"x" * 66_000 + b'"}'),
    "an unknown surface": Poison("surface_unknown", GOOD.replace(b"kitchen-repairs", b"no-such-surface")),
    "a planned surface": Poison("surface_planned", GOOD.replace(b"kitchen-repairs", b"garden-care")),
}


@pytest.mark.parametrize("name", POISONS)
def test_poison_at_the_door_is_refused_with_its_reason_and_its_neighbours_pass(
    name: str, system: System
) -> None:
    poison, vera = POISONS[name], acting.person(system, "vera")
    key = uuid4().hex.encode()  # one key: all three lie in one partition, in this order
    before, after = good(), good()
    acme = login(system, "upstream-acme")
    upstream.send(acme, "requests.submitted", json.dumps(before).encode(), headers(), key=key)
    upstream.send(acme, "requests.submitted", poison.value, headers(**(poison.changed or {})), key=key)
    upstream.send(acme, "requests.submitted", json.dumps(after).encode(), headers(), key=key)
    for asked in (before, after):
        wait_for(
            lambda asked=asked: acting.intake_of(vera, doors.SOURCE, asked["request_key"]),
            "Intake beside poison",
        )

    def refused() -> list[Answer] | None:
        told = [json.loads(m.value or b"") for m in read_topic(acme, "requests.refused") if m.key == key]
        return told or None

    (told,) = wait_for(refused, "refusal")
    assert told["code"] == poison.code
    assert told["detail"]
    letters = acting.person(system, "paul").get("intake", "/api/ops/dead-letters")["dead_letters"]
    assert [
        one["code"]
        for one in letters
        if one["offset"] == told["offset"] and one["partition"] == told["partition"]
    ] == [poison.code]


OWN = {  # a topic of ours, who writes it, who must not choke on it
    "intakes.accepted": ("intake", "governance"),
    "intakes.answered": ("intake", "governance"),
    "tasks.changed": ("governance", "intake"),
    "jobs.created": ("governance", "execution"),
    "jobs.changed": ("execution", "governance"),
    "service-events.completed": ("execution", "records"),
    "records.sealed": ("records", "signals"),
}


@pytest.mark.parametrize("topic", OWN)
@pytest.mark.parametrize(
    "value",
    [b"{", b"{}", None, b'{"event_id": "\\ud800"}'],
    ids=["bad JSON", "empty", "tombstone", "surrogate"],
)
def test_poison_on_our_own_topics_becomes_a_dead_letter(
    topic: str, value: bytes | None, system: System
) -> None:
    owner, reader = OWN[topic]
    event_id = str(uuid4())
    written = headers(ce_id=event_id, ce_source=f"/runtime-truth/{owner}", ce_type=f"truth.{topic}.v1")
    upstream.send(login(system, owner), topic, value, written, key=uuid4().hex.encode())

    def told() -> list[bytes] | None:
        published = read_topic(login(system, "console"), f"{reader}.dead-letters")
        mine = [
            dict(m.headers)["dl_reason"]
            for m in published
            if dict(m.headers).get("ce_id") == event_id.encode()
        ]
        return mine or None

    (reason,) = wait_for(told, "message on the reader's dead letters")
    assert reason in (b"body_invalid", b"envelope_invalid")


def test_the_system_is_whole_after_all_that(system: System) -> None:
    who, look = walk.people(system), good()
    intake: Callable[[], Answer] = lambda: doors.over_http("", look, who, walk.unseen)  # noqa: E731
    assert walk.walk("", intake(), who, walk.unseen).signal_id
