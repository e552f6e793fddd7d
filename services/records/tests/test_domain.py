"""The Record's rules, the log's and the audit's, without I/O."""

import hashlib
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from truth_contracts.envelope import Coordinates, Message, Received, from_kafka, to_kafka
from truth_contracts.ids import RecordId
from truth_contracts.records import RecordSealed
from truth_contracts.refusals import Refusal
from truth_contracts.service_events import BODY_BYTES_MAX, Note
from truth_contracts.topics import RECORDS_SEALED, SERVICE_EVENTS_COMPLETED
from truth_records.consumer import whole
from truth_records.domain.log import (
    LogStoppedError,
    ReadyDraft,
    StoredEdge,
    check_outside,
    newest,
    restore,
    seal,
)
from truth_records.domain.path import CompletedPath, read_path
from truth_records.domain.record import Draft, draw_up, values_to_commit
from truth_records.domain.telling import messages, record_sealed
from truth_sealing.bundle import Bundle, EvidenceLabel
from truth_sealing.checkpoint import Checkpoint
from truth_sealing.edge import Edge
from truth_sealing.evidence import EvidenceFile
from truth_sealing.samples import passkey_proof
from truth_sealing.steps import History
from truth_sealing.strict import strict_object
from truth_sealing.verify import check

from services.records.tests.builders import (
    LOG_KEY,
    NOW,
    PHOTO,
    STEP_KEYS,
    TRUST,
    completed,
    draft,
    evidence,
    path,
    salt_of,
    uuid_of,
)
from services.records.tests.logs import new_key, ready

GARBAGE = dict.fromkeys(("public_key", "authenticator_data", "client_data_json", "signature"), "AAAA")


def drawn(history: History) -> Draft | Refusal:
    match read_path(history):
        case CompletedPath() as read:
            salts = {name: salt_of(name) for name in values_to_commit(read)}
            return draw_up(read, RecordId(uuid_of(1, "record")), salts, NOW)
        case Refusal() as refusal:
            return refusal


def as_ready(drafted: Draft) -> ReadyDraft:
    return ReadyDraft(
        1,
        drafted.record_id,
        drafted.request_id,
        drafted.event_id,
        drafted.subject,
        drafted.body,
        drafted.sha256,
    )


def test_a_record_verifies_with_everything_that_is_kept_beside_it() -> None:
    drafted = draft()
    batch = seal(Edge(), [as_ready(drafted)], LOG_KEY)
    labels = {piece.path: EvidenceLabel(piece.media_type, piece.bytes) for piece in drafted.evidence}
    bundle = Bundle(drafted.body.decode(), batch.sealed[0].proof, drafted.steps, drafted.disclosures, labels)
    sha256 = hashlib.sha256(PHOTO).hexdigest()
    report = check(bundle, TRUST, {sha256: EvidenceFile(sha256, len(PHOTO))})
    assert {found.name: found.answer for found in report.findings if found.answer != "yes"} == {
        "witnessed": "not shown",
        "create_job_signed_by_person": "not shown",
        "corrected": "not shown",
    }


def test_a_record_tells_no_personal_value_in_the_clear() -> None:
    text = draft().body.decode()
    for value in (
        "Rita",
        "rita@example.org",
        "Flat 4",
        "Tap drips",
        "Olga",
        "Washer",
        hashlib.sha256(PHOTO).hexdigest(),
    ):
        assert value not in text
    assert set(strict_object(text)["commitments"]) == {  # pyright: ignore[reportArgumentType] a JSON object
        "requester.name", "requester.contact", "place", "summary", "operator.name", "notes/0001", "evidence/0001"
    }  # fmt: skip


def test_what_was_not_given_is_not_committed_to() -> None:
    bare = path(
        1,
        {"request": {"place": None, "requester": {"name": "Rita"}}},
        notes=(),
        evidence=(),
        outcome="not_fulfilled",
    )
    drafted = drawn(bare)
    assert isinstance(drafted, Draft)
    assert set(drafted.disclosures) == {"requester.name", "summary", "operator.name"}


@pytest.mark.parametrize(
    ("changes", "completion", "what"),
    [
        pytest.param({}, {"job_id": uuid_of(9, "job")}, "claimed Job", id="another Job"),
        pytest.param({"job_claimed": {"job_id": uuid_of(9, "job")}}, {}, "claimed Job", id="another Job claimed"),
        pytest.param({"task_assigned": {"operator_id": "otto"}}, {}, "assigned operator", id="another operator assigned"),
        pytest.param({"intake": {"maturity": "partial"}}, {}, "maturity at intake", id="maturity changed on the way"),
        pytest.param({"request": {"surface": "roof"}}, {}, "surface of the request", id="another surface"),
        pytest.param({}, {"evidence_missing": ("repair",)}, "fulfilled although evidence is missing", id="fulfilled without evidence"),
        pytest.param({}, {"evidence": (evidence(), evidence(b"x"))}, "two evidence bear the same number", id="a number twice"),
        pytest.param({"job_created": {"actor": "person:amir"}}, {}, "who prepared the Job", id="prepared by another"),
        pytest.param({"job_created": {"proof": GARBAGE}}, {}, "proof cannot be read", id="a passkey proof that is none"),
        pytest.param({"job_created": {"proof": passkey_proof({})}}, {}, "signed another Job", id="a passkey over another Job"),
        pytest.param({"request": {"actor": "person:ada"}}, {}, "whoever asked also approved", id="approved by who asked"),
        pytest.param({"job_claimed": {"actor": "person:otto"}}, {}, "not claimed by the assigned", id="claimed by another"),
    ],
)  # fmt: skip
def test_steps_that_contradict_each_other_make_no_record(
    changes: dict[str, Any], completion: dict[str, Any], what: str
) -> None:
    refusal = drawn(path(1, changes, **completion))
    assert isinstance(refusal, Refusal)
    assert (refusal.code, what in refusal.detail) == ("chain_broken", True), refusal


def test_a_job_that_its_passkey_signed_makes_a_record() -> None:
    proof = passkey_proof(path(1).body("job_created")["job"])
    assert isinstance(drawn(path(1, {"job_created": {"proof": proof}})), Draft)


def test_the_longest_completion_that_execution_publishes_fits_into_a_message() -> None:
    notes = tuple(Note(n=n, text="", stage=None, device_at=None) for n in range(1, 2500))
    history = path(1, notes=notes)
    assert BODY_BYTES_MAX * 0.9 < len(history.steps[-1]) < BODY_BYTES_MAX
    match drawn(history):
        case Refusal() as refusal:
            assert refusal.code == "body_too_large"
        case Draft() as drafted:
            message = messages(seal(Edge(), [as_ready(drafted)], LOG_KEY), NOW)[0]
            assert len(message.value or b"") < RECORDS_SEALED.bytes_max


def test_what_is_told_comes_in_again() -> None:
    batch = seal(Edge(), [ready(1), ready(2)], LOG_KEY)
    told = messages(batch, NOW)
    assert [message.topic for message in told] == ["records.sealed", "records.sealed", "records.checkpoints"]
    for message, sealed in zip(told, batch.sealed, strict=False):
        received = from_kafka(RECORDS_SEALED, message, Coordinates("records.sealed", 0, 1), NOW)
        assert isinstance(received, Received), received
        assert received.event == record_sealed(sealed, NOW)
        through_contract = to_kafka(record_sealed(sealed, NOW))
        assert (message.key, message.headers) == (through_contract.key, through_contract.headers)
        assert strict_object(message.value or b"") == strict_object(through_contract.value or b"")


def test_a_forged_or_shortened_hand_off_is_refused_on_arrival() -> None:
    message = to_kafka(completed())
    received = from_kafka(SERVICE_EVENTS_COMPLETED, message, Coordinates("", 0, 0), NOW)
    assert isinstance(received, Received)
    assert whole(received, keys=STEP_KEYS) is None  # pyright: ignore[reportArgumentType] the topic has one event
    for forged in (
        (message.value or b"").replace(b"Washer", b"Wisher"),
        (message.value or b"").replace(b'"outcome":"fulfilled"', b'"outcome":"not_fulfilled"'),
    ):
        again = from_kafka(
            SERVICE_EVENTS_COMPLETED, Message(message.topic, message.key, forged, message.headers), Coordinates("", 0, 0), NOW
        )  # fmt: skip
        assert isinstance(again, Received)
        refusal = whole(again, keys=STEP_KEYS)  # pyright: ignore[reportArgumentType]
        assert refusal is not None
        assert refusal.code == "chain_broken"


@given(st.lists(st.integers(1, 20), min_size=1, max_size=6))
@settings(deadline=None, max_examples=30)
def test_a_log_grown_in_whatever_batches_is_the_same_log(sizes: list[int]) -> None:
    edge = Edge()
    for size in sizes:
        edge = seal(edge, [ready(edge.size + number) for number in range(size)], LOG_KEY).edge
    at_once = seal(Edge(), [ready(number) for number in range(sum(sizes))], LOG_KEY)
    assert edge == at_once.edge


def test_the_outside_may_be_behind_but_never_ahead_or_other() -> None:
    head = Checkpoint(LOG_KEY.origin, 5, b"\1" * 32)
    check_outside(None, 0, None)
    check_outside(head, 5, head.root)
    check_outside(head, 9, head.root)
    for size, root in ((4, None), (5, b"\2" * 32), (9, b"\2" * 32), (9, None)):
        with pytest.raises(LogStoppedError, match="log_behind_its_witness"):
            check_outside(head, size, root)


def test_checkpoints_of_other_logs_and_keys_do_not_count_as_known() -> None:
    mine, other = new_key(), new_key()
    notes = [
        seal(Edge(), [ready(n) for n in range(size)], key).note
        for key, size in ((mine, 2), (mine, 3), (other, 9))
    ]
    assert (found := newest([*notes, "rubbish"], mine)) is not None
    assert found.size == 3
    assert newest(notes[2:], mine) is None


def test_an_empty_database_begins_an_empty_log_and_one_with_records_does_not() -> None:
    assert restore(StoredEdge(0, [], None), LOG_KEY) == Edge()
    with pytest.raises(LogStoppedError, match="no checkpoint"):
        restore(StoredEdge(3, [], None), LOG_KEY)


def test_the_event_over_a_record_has_the_same_id_for_ever() -> None:
    again = drawn(path(1))
    assert isinstance(again, Draft)
    assert again.event_id == draft(1).event_id
    assert isinstance(record_sealed(seal(Edge(), [as_ready(again)], LOG_KEY).sealed[0], NOW), RecordSealed)
