"""The rules, without I/O: doors, Intakes, surfaces, questions, refusals."""

import json
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule
from truth_contracts.envelope import Coordinates, Received, from_kafka, to_kafka
from truth_contracts.ids import derived_id
from truth_contracts.intakes import IntakeAccepted
from truth_contracts.refusals import Refusal
from truth_contracts.requests import BODY_BYTES_MAX, RequestSubmitted
from truth_contracts.steps import Stage, arrived
from truth_contracts.topics import INTAKES_ACCEPTED
from truth_intake.domain.intake import Accepted, Known, KnownIntakes, Repeated, Standing, accept, seal
from truth_intake.domain.submission import (
    entrance_of_client,
    entrance_of_person,
    read_submitted,
    submission_by_http,
    submission_by_kafka,
)
from truth_intake.domain.surface import STAGES_MAX
from truth_sealing.canonical import canonical, sha256_hex

from services.intake.tests import builders
from services.intake.tests.builders import (
    KEYS,
    NOW,
    SIGNER,
    SOURCE,
    asked,
    fresh,
    known_of,
    submission,
    surface,
)

PLACE = Coordinates("requests.submitted", 2, 41)


def refused(verdict: object) -> Refusal:
    assert isinstance(verdict, Refusal), verdict
    return verdict


# The door


@pytest.mark.parametrize(
    ("given", "standing", "code", "field"),
    [
        pytest.param({}, Standing(None), "surface_unknown", "surface", id="unknown surface"),
        pytest.param({}, Standing(surface(maturity="planned")), "surface_planned", "surface", id="planned"),
        pytest.param(
            {"request_key": "k"},
            Standing(surface(), known_of(submission(request_key="k", summary="Other"))),
            "request_key_reused",
            "request_key",
            id="key of another request",
        ),
        pytest.param(
            {"event_id": "e"},
            Standing(surface(), None, known_of(submission(event_id="e"))),
            "request_key_reused",
            "event_id",
            id="event id of another request",
        ),
    ],
)
def test_a_submission_is_refused(given: dict[str, Any], standing: Standing, code: str, field: str) -> None:
    refusal = refused(accept(submission(**given), standing, fresh()))
    assert (refusal.code, refusal.field) == (code, field)
    assert refusal.expected


@pytest.mark.parametrize("maturity", ["partial", "live"])
def test_an_open_surface_accepts_and_its_rules_are_frozen(maturity: str) -> None:
    on = surface(maturity=maturity)
    event = seal(builders.accepted(submission(), on), SIGNER).event
    assert (event.surface, event.maturity, event.stages) == (on.name, maturity, on.stages)


def test_the_same_content_under_the_same_key_is_the_same_intake_even_when_the_surface_closed() -> None:
    one = submission()
    known = known_of(one)
    assert accept(one, Standing(surface(maturity="planned"), known), fresh()) == Repeated(known)


def test_content_is_the_same_whatever_its_encoding_order_and_unknown_members() -> None:
    members = asked(wanted_by="2026-12-01T10:00:00+01:00")
    other = dict(reversed(members.items())) | {"wanted_by": "2026-12-01T09:00:00.000Z", "more": {"x": 1.5}}
    digests: set[str] = set()
    for octets in (json.dumps(members).encode(), json.dumps(other, indent=3).encode()):
        submitted = read_submitted(octets)
        assert isinstance(submitted, RequestSubmitted)
        entrance = entrance_of_person("olga", {"operator"}, submitted.surface)
        one = submission_by_http(submitted, octets, entrance, NOW)
        assert one.received_sha256 == sha256_hex(octets)
        digests.add(one.content_sha256)
    assert len(digests) == 1


def test_the_hand_off_is_whole_and_signed_after_its_way_through_kafka() -> None:
    new = builders.sealed(submission(event_id="e-1"))
    came = from_kafka(INTAKES_ACCEPTED, to_kafka(new.event), Coordinates("intakes.accepted", 0, 0), NOW)
    assert isinstance(came, Received)
    assert arrived(came.body, "intake", KEYS, every_signature=True) is None
    assert came.event == new.event
    assert new.event.event_id == derived_id(SOURCE, "e-1", "intake")
    request = new.history.body("request")
    assert request["prev"] is None
    assert new.event.prev == sha256_hex(canonical(request))


def test_guardrail_7_the_request_tells_who_entered_it() -> None:
    body = builders.sealed().history.body("request")
    assert (body["actor"], body["source"], body["door"]) == ("client:acme", SOURCE, "api")


@pytest.mark.parametrize(
    ("roles", "source", "door"),
    [
        (("requester",), "/form/kitchen-repairs", "api"),
        (("operator",), "/intake-page", "intake-page"),
        (("admin", "requester"), "/intake-page", "intake-page"),
    ],
)
def test_a_person_enters_for_a_caller_or_asks_for_themselves(
    roles: tuple[str, ...], source: str, door: str
) -> None:
    entrance = entrance_of_person("olga", roles, "kitchen-repairs")
    assert (entrance.source, entrance.door, entrance.actor) == (source, door, "person:olga")


def test_a_machine_meets_its_own_messages() -> None:
    entrance = entrance_of_client("acme")
    assert not isinstance(entrance, Refusal)
    assert (entrance.source, entrance.actor) == (SOURCE, "client:acme")


@pytest.mark.parametrize("client_id", ["Acme", "-acme", "a" * 65, "a/b", "a b", "a\n", ""])
def test_a_client_that_could_not_be_an_upstream_is_refused(client_id: str) -> None:
    assert refused(entrance_of_client(client_id)).code == "source_invalid"


def kafka_received(**changes: Any) -> Received[RequestSubmitted]:
    event = RequestSubmitted.model_validate(asked())
    members: dict[str, Any] = {
        "event": event,
        "source": SOURCE,
        "event_id": "e-1",
        "body": {},
        "message": builders.published_request(b"{}"),
        "coordinates": PLACE,
        "appended_at": NOW,
    }
    return Received(**members | changes)


@pytest.mark.parametrize(("ahead", "at"), [(-60, -60), (0, 0), (3600, 0)])
def test_a_brokers_clock_that_runs_ahead_does_not_turn_the_steps_around(ahead: int, at: int) -> None:
    received = kafka_received(appended_at=NOW + timedelta(seconds=ahead))
    one = submission_by_kafka(received, NOW)
    assert one.received_at == NOW + timedelta(seconds=at)
    assert (one.entrance.actor, one.entrance.door, one.coordinates) == ("upstream:acme", "kafka", PLACE)


WRONG = {
    "a NUL": (asked(summary="Tap\0drips"), "summary"),
    "a NUL in a detail": (asked(details=[{"name": "a", "value": "\0"}]), "details.0.value"),
    "a key of 65 characters": (asked(request_key="k" * 65), "request_key"),
    "a key with a line feed": (asked(request_key="a\nb"), "request_key"),
    "an empty key": (asked(request_key=""), "request_key"),
    "a long surface": (asked(surface="s" * 65), "surface"),
    "a long summary": (asked(summary="s" * 201), "summary"),
    "an empty summary": (asked(summary=""), "summary"),
    "a long description": (asked(description="s" * 8001), "description"),
    "a long name": (asked(requester={"name": "n" * 201}), "requester.name"),
    "a subject with a space": (asked(requester={"name": "n", "subject": "a b"}), "requester.subject"),
    "a long place": (asked(place="p" * 501), "place"),
    "a long detail's name": (asked(details=[{"name": "n" * 65, "value": ""}]), "details.0.name"),
    "a long detail": (asked(details=[{"name": "n", "value": "v" * 4001}]), "details.0.value"),
    "a number for a detail": (asked(details=[{"name": "n", "value": 1}]), "details.0.value"),
    "51 details": (asked(details=[{"name": "n", "value": "v"}] * 51), "details"),
    "a time without a zone": (asked(wanted_by="2026-12-01T10:00:00"), "wanted_by"),
    "a number for a time": (asked(wanted_by=1700000000), "wanted_by"),
    "no requester": ({n: v for n, v in asked().items() if n != "requester"}, "requester"),
}


@pytest.mark.parametrize(("members", "field"), WRONG.values(), ids=WRONG.keys())
def test_the_contract_refuses_and_names_the_field(members: dict[str, Any], field: str) -> None:
    refusal = refused(read_submitted(json.dumps(members).encode()))
    assert (refusal.code, refusal.field) == ("body_invalid", field)
    assert refusal.expected
    assert refusal.received


@pytest.mark.parametrize(
    "octets",
    [
        b"",
        b"[]",
        b"null",
        b"{",
        b'{"a":1,"a":2}',
        b'{"a":"\\ud800"}',
        b'{"a":NaN}',
        b"\xef\xbb\xbf{}",
        b'"\xff"',
    ],
)
def test_what_is_no_strict_json_object_is_refused(octets: bytes) -> None:
    assert refused(read_submitted(octets)).code == "body_invalid"


# Sizes


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"description": "\u0001" * 8000}, "description"),
        ({"details": [{"name": "n", "value": "v" * 4000}] * 9}, "details"),
    ],
)
def test_a_request_that_would_outgrow_later_messages_is_refused_and_the_field_named(
    changes: dict[str, Any], field: str
) -> None:
    refusal = refused(accept(submission(**changes), Standing(surface()), fresh()))
    assert (refusal.code, refusal.field) == ("body_too_large", field)
    assert str(BODY_BYTES_MAX) in str(refusal.expected)


TEXTS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1)
HOSTILE = st.sampled_from(['"', "\\", "\u0001", "\u00e9", "\u20ac", "\U0001f600", "a"])


@settings(max_examples=60, deadline=None)
@given(HOSTILE, st.integers(0, 8000), HOSTILE, st.integers(0, 50), st.integers(0, 4000))
def test_no_accepted_request_exceeds_the_next_messages_limit(
    character: str, length: int, other: str, details: int, detail: int
) -> None:
    stages = tuple(
        Stage(name=f"{n:02}" + "\U0001f600" * 62, evidence_required=True) for n in range(STAGES_MAX)
    )
    one = submission(
        description=character * length, details=[{"name": other * 64, "value": other * detail}] * details
    )
    verdict = accept(one, Standing(surface(stages=stages)), fresh())
    if isinstance(verdict, Refusal):
        assert verdict.code == "body_too_large"
        return
    assert isinstance(verdict, Accepted)
    message = to_kafka(seal(verdict, SIGNER).event)
    assert len(message.value or b"") <= INTAKES_ACCEPTED.bytes_max // 2


@settings(max_examples=100, deadline=None)
@given(TEXTS, TEXTS, TEXTS)
def test_any_text_comes_through_unchanged(summary: str, description: str, place: str) -> None:
    one = submission(summary=summary[:200], description=description[:8000], place=place[:500])
    came = from_kafka(INTAKES_ACCEPTED, to_kafka(builders.sealed(one).event), PLACE, NOW)
    assert isinstance(came, Received)
    assert arrived(came.body, "intake", KEYS) is None
    assert isinstance(came.event, IntakeAccepted)
    request = json.loads(came.event.steps[0])
    assert (request["summary"], request["description"]) == (summary[:200], description[:8000])


# One Intake for each key, in every order


class Door(RuleBasedStateMachine):
    """Submissions come in any order, repeat, change and reuse ids, while surfaces open and close."""

    @initialize()
    def start(self) -> None:
        """Two surfaces, one of them planned."""
        self.known = KnownIntakes(())
        self.intakes: dict[tuple[str, str], Known] = {}
        self.event_ids: set[tuple[str, str]] = set()
        self.surfaces = {"a": surface(name="a"), "b": surface(name="b", maturity="planned")}

    @rule(name=st.sampled_from("ab"), maturity=st.sampled_from(["planned", "partial", "live"]))
    def change_surface(self, name: str, maturity: str) -> None:
        """A new version of a surface."""
        before = self.surfaces[name]
        self.surfaces[name] = surface(name=name, version=before.version + 1, maturity=maturity)

    @rule(
        source=st.sampled_from([SOURCE, "/intake-page"]),
        key=st.sampled_from("123"),
        event_id=st.sampled_from([None, "1", "x", "y"]),
        name=st.sampled_from("abc"),
        summary=st.sampled_from(["Tap", "Roof"]),
    )
    def submit(self, source: str, key: str, event_id: str | None, name: str, summary: str) -> None:
        """A submission, compared with what was decided of its key before."""
        one = submission(request_key=key, surface=name, summary=summary, source=source, event_id=event_id)
        on = self.surfaces.get(name)
        verdict = accept(one, self.known.standing(one, on), fresh())
        before = self.intakes.get(one.key)
        match verdict:
            case Accepted():
                assert before is None
                assert on is not None
                assert on.maturity != "planned"
                self.known.add(verdict.known)
                self.intakes[one.key] = verdict.known
                event = (source, one.event_id)
                assert event not in self.event_ids, "governance would take it for a repeat"
                self.event_ids.add(event)
            case Repeated(intake):
                assert intake == before
                assert intake.content_sha256 == one.content_sha256
            case Refusal(code="request_key_reused", field="request_key"):
                assert before is not None
                assert before.content_sha256 != one.content_sha256
            case Refusal(code="request_key_reused"):
                assert (source, one.event_id) in self.event_ids
            case Refusal(code=code):
                assert before is None
                assert code == ("surface_unknown" if on is None else "surface_planned")


TestDoor = Door.TestCase
TestDoor.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)
