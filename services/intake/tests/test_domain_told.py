"""The rules about what is told: questions, the tracker, refusals on requests.refused."""

import json
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule
from truth_contracts.envelope import Coordinates, Message, to_kafka
from truth_contracts.ids import EventId, RequestId
from truth_contracts.intakes import IntakeAnswered
from truth_contracts.refusals import Refusal
from truth_intake.domain.question import ANSWER_BYTES_MAX, Answer, Answering, AnswerQuestion, answer_question
from truth_intake.domain.refused import KEY_BYTES_MAX, RefusedMessage, key_of, request_refused
from truth_intake.domain.tracker import (
    NO_SIGNAL,
    Seen,
    SeenStep,
    Steps,
    note_of,
    seen_of,
    steps_of,
)

from services.intake.tests import builders
from services.intake.tests.builders import (
    NOW,
    SOURCE,
    asked,
)

PLACE = Coordinates("requests.submitted", 2, 41)


def refused(verdict: object) -> Refusal:
    assert isinstance(verdict, Refusal), verdict
    return verdict


# Questions


def answering() -> Answering:
    return Answering(RequestId(uuid4()), "anonymous", EventId(uuid4()), NOW)


def question(version: int) -> Seen:
    return builders.seen_task(version, "info_requested", "Which tap?")


GIVEN = Answer(2, "Left.", NOW, "anonymous")


@pytest.mark.parametrize(
    ("task", "last", "given", "code"),
    [
        pytest.param(None, None, {"answer": "Left."}, "nothing_asked", id="no Task known"),
        *(
            pytest.param(builders.seen_task(2, state), None, {"answer": "Left."}, "nothing_asked", id=state)
            for state in ("pending_review", "approved", "assigned", "promoted", "declined")
        ),
        pytest.param(question(2), GIVEN, {"answer": "Right."}, "nothing_asked", id="answered otherwise"),
        pytest.param(
            builders.seen_task(3, "pending_review"),
            GIVEN,
            {"answer": "Right."},
            "nothing_asked",
            id="too late",
        ),
        pytest.param(
            question(4),
            GIVEN,
            {"answer": "Right.", "question_version": 2},
            "version_stale",
            id="older question",
        ),
        pytest.param(
            question(2),
            None,
            {"answer": "Left.", "question_version": 3},
            "version_stale",
            id="later question",
        ),
    ],
)
def test_an_answer_is_refused(
    task: Seen | None, last: Answer | None, given: dict[str, Any], code: str
) -> None:
    wish = AnswerQuestion.model_validate(given)
    assert refused(answer_question(task, last, wish, answering())).code == code


@pytest.mark.parametrize(
    ("task", "given"),
    [
        pytest.param(question(2), {"answer": "Left."}, id="while the question is open"),
        pytest.param(
            builders.seen_task(3, "pending_review"), {"answer": "Left."}, id="after it was taken in"
        ),
        pytest.param(question(4), {"answer": "Left.", "question_version": 2}, id="by version"),
    ],
)
def test_the_same_answer_again_changes_nothing(task: Seen, given: dict[str, Any]) -> None:
    assert answer_question(task, GIVEN, AnswerQuestion.model_validate(given), answering()) == GIVEN


def test_an_answer_that_governance_could_not_keep_is_refused_where_it_can_be_shortened() -> None:
    # U+0915 takes three bytes, two quotes stand around the text.
    longest = (ANSWER_BYTES_MAX - 2) // 3
    fits = answer_question(question(2), None, AnswerQuestion(answer="\u0915" * longest), answering())
    assert isinstance(fits, IntakeAnswered)
    wish = AnswerQuestion(answer="\u0915" * (longest + 1))
    refusal = refused(answer_question(question(2), None, wish, answering()))
    assert (refusal.code, refusal.field) == ("body_too_large", "answer")


def test_the_same_words_answer_a_later_question_too() -> None:
    answered = answer_question(question(4), GIVEN, AnswerQuestion(answer="Left."), answering())
    assert isinstance(answered, IntakeAnswered)
    assert answered.question_version == 4


class Questions(RuleBasedStateMachine):
    """Governance asks and moves on; the requester answers, again and again."""

    @initialize()
    def start(self) -> None:
        """A Task that asks nothing."""
        self.task = builders.seen_task(1, "pending_review")
        self.answers: dict[int, str] = {}

    @rule(state=st.sampled_from(["info_requested", "pending_review", "approved"]))
    def move(self, state: str) -> None:
        """Governance moves the Task."""
        message = "Which?" if state == "info_requested" else None
        self.task = builders.seen_task(self.task.version + 1, state, message)

    @rule(words=st.sampled_from(["Left.", "Right."]), named=st.sampled_from([None, 1, 2, 3, 4]))
    def answer(self, words: str, named: int | None) -> None:
        """Somebody answers."""
        version = max(self.answers, default=None)
        last = Answer(version, self.answers[version], NOW, "anonymous") if version else None
        wish = AnswerQuestion(answer=words, question_version=named)
        match answer_question(self.task, last, wish, answering()):
            case IntakeAnswered() as answered:
                assert self.task.state == "info_requested"
                assert answered.question_version == self.task.version
                assert named in (None, self.task.version)
                assert answered.question_version not in self.answers, "one answer for each version"
                self.answers[answered.question_version] = answered.answer
            case Answer() as given:
                assert self.answers[given.question_version] == words
            case Refusal(code=code):
                assert code in ("nothing_asked", "version_stale")


TestQuestions = Questions.TestCase
TestQuestions.settings = settings(max_examples=60, stateful_step_count=20, deadline=None)


# The tracker


def states(seen: dict[SeenStep, Seen]) -> list[tuple[str, str]]:
    return [(step.step, step.state) for step in steps_of(Steps(NOW, NOW, seen))]


def test_a_new_intake_has_eight_steps_of_which_two_are_done() -> None:
    assert states({}) == [
        ("Request", "received"),
        ("Intake", "accepted"),
        ("Task", "none"),
        ("Create Job", "none"),
        ("Job", "none"),
        ("ServiceEvent", "none"),
        ("Record", "none"),
        ("Signal", "none"),
    ]


def test_create_job_is_done_when_the_task_is_promoted_or_the_job_is_seen_before() -> None:
    request_id = uuid4()
    promoted = seen_of(builders.task_changed(request_id, 4, "promoted"))
    queued = seen_of(builders.job_changed(request_id, 1, "queued"))
    assert steps_of(Steps(NOW, NOW, {"task": promoted}))[3].at == NOW
    early = steps_of(Steps(NOW, NOW, {"job": queued}))[3]
    assert (early.state, early.at) == ("created", None)


def test_a_record_without_a_signal_promises_none() -> None:
    request_id = uuid4()
    record = seen_of(builders.record_sealed(request_id))
    signal = seen_of(builders.signal_emitted(request_id))
    assert note_of({"record": record}) == NO_SIGNAL
    assert note_of({"record": record, "signal": signal}) is None
    assert note_of({}) is None


# What upstreams are told


def refusal_of(message: Message, **changes: Any) -> tuple[bytes | None, Any]:
    members: dict[str, Any] = {
        "appended_at": NOW,
        "refusal": Refusal("body_invalid", "No.", "summary", "text", "null"),
    }
    one = RefusedMessage(message, PLACE, **members | changes)
    told = request_refused(one, NOW)
    return key_of(one, told), told


def test_a_refusal_tells_the_upstreams_ids_and_where_the_message_lies() -> None:
    message = builders.published_request(asked(request_key="k-1", summary=None), event_id="e-1", key=b"key")
    key, told = refusal_of(message)
    assert (told.source, told.refused_event_id, told.request_key) == (SOURCE, "e-1", "k-1")
    assert (told.partition, told.offset, told.code, told.field) == (2, 41, "body_invalid", "summary")
    assert (told.expected, told.received, key) == ("text", "null", b"key")
    assert refusal_of(message)[1].event_id == told.event_id
    later = NOW + timedelta(milliseconds=1)  # the same place of another Kafka
    assert refusal_of(message, appended_at=later)[1].event_id != told.event_id


def test_a_refused_structured_event_tells_its_ids_too() -> None:
    event = {"id": "e-1", "source": SOURCE, "data": asked(request_key="k-1")}
    headers = (("content-type", b"application/cloudevents+json"),)
    key, told = refusal_of(Message("requests.submitted", None, json.dumps(event).encode(), headers))
    assert (told.source, told.refused_event_id, told.request_key, key) == (SOURCE, "e-1", "k-1", b"k-1")


@pytest.mark.parametrize(
    "message",
    [
        Message("requests.submitted", None, None, ()),
        Message("requests.submitted", b"", b"\xff", (("ce_id", b"\xff\0"), ("ce_source", b"s" * 5000))),
        Message("requests.submitted", b"k" * (KEY_BYTES_MAX + 1), b'{"request_key":"a\\u0000b"}', ()),
        Message("requests.submitted", None, b'{"data":1}', (("content-type", b"application/cloudevents"),)),
    ],
)
def test_of_what_cannot_be_read_nothing_is_told(message: Message) -> None:
    key, told = refusal_of(message)
    assert (told.source, told.request_key, key) == (None, None, None)
    assert len(to_kafka(told, key=key).value or b"") < 2000
