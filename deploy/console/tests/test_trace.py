"""Where a request stands, from what five services say of it; and whether its messages hold."""

import json
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from truth_console.asking import Silence
from truth_console.trace.command import is_stuck
from truth_console.trace.messages import check
from truth_console.trace.path import PATH, Told, request_of, standing, steps_of
from truth_console.trace.seeking import partition_of
from truth_contracts.ops import Letter, Step, Trace, Unsent
from truth_sealing.canonical import sha256_hex

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
REQUEST = UUID(int=7)
STATES = {
    "request": "received by api", "intake": "accepted", "task": "promoted", "create_job": "created", "job": "closed",
    "service_event": "fulfilled", "record": "sealed at 3", "signal": "emitted",
}  # fmt: skip


def until(last: str, waits_for: str | None = None, state: str | None = None) -> dict[str, Told]:
    """What the services say of a request that came to step `last`."""
    told: dict[str, Told] = dict.fromkeys(("intake", "governance", "execution", "records", "signals"))
    steps: dict[str, list[Step]] = {}
    for place in PATH:
        is_last = place.step == last
        one = Step(
            step=place.step,
            id=str(uuid4()),
            state=(state if is_last else None) or STATES[place.step],
            at=NOW,
            actor=None,
            waits_for=waits_for if is_last else None,
        )
        steps.setdefault(place.owner, []).append(one)
        if is_last:
            break
    return told | {name: trace(name, own) for name, own in steps.items()}


def trace(
    service: str, steps: list[Step], unsent: list[Unsent] | None = None, dead: list[Letter] | None = None
) -> Trace:
    return Trace(
        service=service, request_id=REQUEST, at=NOW, steps=steps, unsent=unsent or [], dead_letters=dead or []
    )


def of(told: dict[str, Told], service: str) -> list[Step]:
    known = told[service]
    assert isinstance(known, Trace)
    return list(known.steps)


@pytest.mark.parametrize(
    ("told", "service", "waits_for"),
    [
        pytest.param(until("task", "a person: the review"), "governance", "a person", id="in review"),
        pytest.param(until("job", "a person: the claim"), "execution", "a person", id="on the Desk"),
        pytest.param(until("record", "missing bytes: a photo"), "records", "missing bytes", id="lacks a photo"),
        pytest.param(until("record", "the sealer"), "records", "a hop", id="to be sealed"),
        pytest.param(until("task", state="declined"), "governance", "the end", id="declined"),
        pytest.param(until("signal"), "signals", "the end", id="emitted"),
        pytest.param(until("signal", state="withheld"), "signals", "the end", id="withheld"),
        pytest.param(until("intake"), "governance", "a hop", id="not read by governance yet"),
        pytest.param(until("create_job"), "execution", "a hop", id="not read by execution yet"),
        pytest.param(until("record") | {"signals": Silence("does not answer")}, "signals", "unknown", id="signals is down"),
        pytest.param(dict.fromkeys(until("intake")), "intake", "unknown", id="nobody knows it"),
    ],
)  # fmt: skip
def test_the_service_and_what_it_waits_for_are_named(
    told: dict[str, Told], service: str, waits_for: str
) -> None:
    found = standing(told)
    assert (found.service, found.waits_for) == (service, waits_for)


def test_an_event_in_the_outbox_stands_at_its_writer() -> None:
    told = until("record")
    unsent = Unsent(topic="records.sealed", since=NOW - timedelta(seconds=9))
    found = standing(told | {"records": trace("records", of(told, "records"), [unsent])})
    assert (found.service, found.waits_for, found.since) == ("records", "a hop", unsent.since)


def test_a_refused_hand_off_stands_at_its_reader_with_the_dead_letter() -> None:
    letter = Letter(
        id=uuid4(), topic="records.sealed", partition=0, offset=5, code="record_unverified", first_at=NOW
    )
    found = standing(until("record") | {"signals": trace("signals", [], None, [letter])})
    assert (found.service, found.waits_for) == ("signals", "somebody to redrive it")
    assert str(letter.id) in found.words


def test_a_hop_is_stuck_after_a_minute_and_a_person_never() -> None:
    hop, person = standing(until("intake")), standing(until("task", "a person: the review"))
    assert not is_stuck(hop, NOW + timedelta(seconds=59))
    assert is_stuck(hop, NOW + timedelta(seconds=61))
    assert not is_stuck(person, NOW + timedelta(days=90))


def test_the_request_and_its_steps_come_from_whoever_answers() -> None:
    told = until("job", "a person: the claim") | {"intake": Silence("does not answer")}
    assert request_of(told) == REQUEST
    assert list(steps_of(told)) == ["task", "create_job", "job"]
    assert request_of(dict.fromkeys(told)) is None


def test_a_changed_record_is_told() -> None:
    record = next(place for place in PATH if place.step == "record")
    good = {"record": "{}", "sha256": sha256_hex(b"{}")}
    assert check(record, json.dumps(good).encode(), None) == "holds"
    assert (
        check(record, json.dumps(good | {"record": "{ }"}).encode(), None) == "the Record has another digest"
    )
    assert check(record, None, None).startswith("cannot be read")
    accepted = next(place for place in PATH if place.step == "intake")
    assert check(accepted, b"{}", None) == "not checked: no step keys"
    assert "chain is broken" in check(accepted, b"{}", {})


def test_a_key_leads_to_the_partition_that_producers_use() -> None:
    # Values of Kafka's own murmur2 (org.apache.kafka.common.utils.UtilsTest).
    assert partition_of(b"21", 2**31) == -973932308 & 0x7FFFFFFF
    assert partition_of(b"foobar", 2**31) == -790332482 & 0x7FFFFFFF
