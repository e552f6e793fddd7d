"""What a Job and its ServiceEvent allow and forbid, without any I/O."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta

import pytest
from truth_contracts.ids import ServiceEventId
from truth_contracts.jobs import JobClaimedBody
from truth_contracts.refusals import Refusal
from truth_contracts.service_events import BODY_BYTES_MAX, ServiceEventCompleted
from truth_contracts.steps import Stage, arrived
from truth_execution.domain.arrival import CLAIM_BYTES_MAX, check_created
from truth_execution.domain.claim import HAND_BACKS_MAX, Claim, HandJobBack, claim, hand_back
from truth_execution.domain.command import Occasion
from truth_execution.domain.completion import PIECES_MAX, Complete, complete, room_for_completion
from truth_execution.domain.service_event import (
    AttachEvidence,
    CompleteStage,
    Start,
    WriteNote,
    attach_evidence,
    complete_stage,
    start,
    write_note,
)
from truth_execution.domain.work import JobState, Move, ServiceEventState, Work
from truth_kit.fresh import new_id
from truth_sealing.canonical import canonical
from truth_sealing.steps import hand_off

from services.execution.tests.making import (
    KEYS,
    NOW,
    blob,
    claimed,
    command_id,
    completed,
    handed_back,
    job_created,
    occasion,
    path,
    queued,
    refused,
    sealed,
    started,
    with_note,
    with_photo,
    with_stage,
    worked,
)

Decide = Callable[[Work, Occasion], Move | Refusal]

COMMANDS: Mapping[str, Decide] = {
    "claim": lambda work, by: claim(work, Claim(command_id=command_id()), by),
    "hand-back": lambda work, by: hand_back(work, HandJobBack(command_id=command_id(), reason="No."), by),
    "start": lambda work, by: start(work, Start(command_id=command_id()), by, ServiceEventId(new_id())),
    "stage": lambda work, by: complete_stage(work, CompleteStage(command_id=command_id(), name="repair"), by),
    "note": lambda work, by: write_note(work, WriteNote(command_id=command_id(), text="Done."), by),
    "evidence": lambda work, by: attach_evidence(
        work, AttachEvidence(command_id=command_id(), sha256="c" * 64, origin="imported"), blob("c" * 64), by
    ),
    "complete": lambda work, by: complete(
        work, Complete(command_id=command_id(), outcome="not_fulfilled"), by
    ),
}
WORKING = {"stage", "note", "evidence", "complete"}
ALLOWED: Mapping[str, tuple[Callable[[], Work], set[str]]] = {
    "queued": (queued, {"claim"}),
    "claimed": (claimed, {"hand-back", "start"}),
    "handed back": (handed_back, {"claim"}),
    "started": (started, WORKING),
    "in progress": (with_note, WORKING),
    "completed": (completed, set()),
}


@pytest.mark.parametrize("standing", ALLOWED)
@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_is_possible_exactly_where_it_should_be(standing: str, command: str) -> None:
    make, allowed = ALLOWED[standing]
    outcome = COMMANDS[command](make(), occasion())
    if command in allowed:
        assert isinstance(outcome, Move), outcome
    else:
        begun_already = command in ("start", "hand-back") and standing in (
            "started",
            "in progress",
            "completed",
        )
        assert refused(outcome) == ("service_event_exists" if begun_already else "move_forbidden")


@pytest.mark.parametrize("standing", ALLOWED)
@pytest.mark.parametrize("command", COMMANDS)
def test_guardrail_7_nobody_but_the_assigned_operator_may_do_anything(standing: str, command: str) -> None:
    make, _ = ALLOWED[standing]
    assert refused(COMMANDS[command](make(), occasion("otto"))) == "not_assigned"


@pytest.mark.parametrize("standing", ALLOWED)
@pytest.mark.parametrize("command", COMMANDS)
def test_watchers_are_told_of_every_change_of_state_and_of_nothing_else(standing: str, command: str) -> None:
    before = ALLOWED[standing][0]()
    outcome = COMMANDS[command](before, occasion())
    if isinstance(outcome, Refusal):
        return
    after = outcome.work
    expected: list[tuple[str, str, int]] = []
    if after.service_event and (
        not before.service_event or after.service_event.state != before.service_event.state
    ):
        one = after.service_event
        version = before.service_event.version + 1 if before.service_event else 1
        expected.append(("truth.service-events.changed.v1", one.state, version))
    if after.job.state != before.job.state:
        expected.append(("truth.jobs.changed.v1", after.job.state, before.job.version + 1))
    assert [(told.type, told.state, told.version) for told in outcome.told] == expected
    assert after.job.version - before.job.version == (after.job.state != before.job.state)
    assert len({told.event_id for told in outcome.told}) == len(expected)


def test_who_claims_second_is_told_who_was_first_and_when() -> None:
    outcome = COMMANDS["claim"](claimed(), occasion(at=NOW + timedelta(minutes=1)))
    assert isinstance(outcome, Refusal)
    assert outcome.detail == "person:olga claimed this Job at 2026-11-24T12:00:00.000Z."


def test_a_claim_after_a_hand_back_takes_its_place_on_the_path_and_tells_of_it() -> None:
    work = claimed(handed_back(claimed(handed_back())))
    assert len(work.job.history.steps) == 6
    body = JobClaimedBody.model_validate(work.job.history.body("job_claimed"))
    assert [(told.actor, told.reason) for told in body.hand_backs] == [("person:olga", "Wrong tools.")] * 2
    assert arrived(hand_off(work.job.history), "job_claimed", KEYS, every_signature=True) is None
    assert work.job.version == 6


def test_a_job_is_not_handed_back_for_ever() -> None:
    work = queued()
    for _ in range(HAND_BACKS_MAX):
        work = handed_back(claimed(work))
    assert refused(COMMANDS["hand-back"](claimed(work), occasion())) == "move_forbidden"


def test_the_first_stage_note_or_photo_makes_it_in_progress_and_the_next_ones_do_not_count() -> None:
    for first in (with_stage, with_note, with_photo):
        one = first().service_event
        assert one is not None
        assert (one.state, one.version) == (ServiceEventState.IN_PROGRESS, 2)
    one = with_note(with_stage(with_photo())).service_event
    assert one is not None
    assert one.version == 2


def test_a_completed_service_event_is_one_whole_signed_path() -> None:
    work = completed(with_stage(with_note(worked(), stage="repair"), "hand-over"))
    assert work.job.state is JobState.CLOSED
    received = hand_off(work.job.history)
    assert arrived(received, "service_event_completed", KEYS, every_signature=True) is None
    told = ServiceEventCompleted.model_validate(received)
    assert [(piece.n, piece.stage) for piece in told.evidence] == [(1, "inspect"), (2, "repair")]
    assert [(note.n, note.stage) for note in told.notes] == [(1, "repair")]
    assert [stage.name for stage in told.stages] == ["hand-over"]
    assert (told.outcome, told.evidence_missing, told.reason) == ("fulfilled", (), None)
    assert told.chain[-1].facts == {"outcome": "fulfilled", "evidence_missing": []}


def test_fulfilled_takes_every_stages_required_evidence_and_names_what_lacks_it() -> None:
    with_one = with_photo(with_photo(started(), None, "d" * 64), "inspect")
    outcome = complete(with_one, Complete(command_id=command_id(), outcome="fulfilled"), occasion())
    assert isinstance(outcome, Refusal)
    assert (outcome.code, "repair" in outcome.detail) == ("evidence_missing", True)
    assert "inspect" not in outcome.detail
    assert "hand-over" not in outcome.detail


@pytest.mark.parametrize("outcome", ["partially_fulfilled", "not_fulfilled"])
def test_the_other_outcomes_tell_what_is_missing_and_why(outcome: str) -> None:
    work = completed(with_photo(), outcome=outcome, reason="nobody_home")
    told = ServiceEventCompleted.model_validate(hand_off(work.job.history))
    assert (told.outcome, told.reason, told.evidence_missing) == (outcome, "nobody_home", ("repair",))


def test_nobody_home_is_completed_right_after_the_start() -> None:
    one = completed(started(), outcome="not_fulfilled").service_event
    assert one is not None
    assert (one.state, one.version, one.evidence_missing) == ("completed", 2, ("inspect", "repair"))


def test_what_is_fulfilled_has_no_reason_why_not() -> None:
    command = Complete(command_id=command_id(), outcome="fulfilled", reason="nobody_home")
    assert refused(complete(worked(), command, occasion())) == "body_malformed"


@pytest.mark.parametrize("reason", ["Nobody home", "", "x" * 65, "1st", "ä"])
def test_a_reason_is_a_code(reason: str) -> None:
    with pytest.raises(ValueError, match="reason"):
        Complete(command_id=command_id(), outcome="not_fulfilled", reason=reason)


def test_a_devices_clock_begins_in_1970() -> None:
    assert Claim(command_id=command_id(), device_at=datetime(1970, 1, 1, tzinfo=UTC)).device_at
    with pytest.raises(ValueError, match="1970"):
        Claim(command_id=command_id(), device_at=datetime(1, 1, 1, tzinfo=UTC))


def test_a_surface_without_stages_needs_no_evidence() -> None:
    assert completed(started(claimed(queued(stages=())))).service_event is not None


@pytest.mark.parametrize(
    ("decide", "code"),
    [
        pytest.param(lambda: with_stage(name="paint"), "stage_unknown", id="unknown stage"),
        pytest.param(lambda: with_note(stage="paint"), "stage_unknown", id="a note for it"),
        pytest.param(lambda: with_photo(stage="paint"), "stage_unknown", id="a photo for it"),
        pytest.param(lambda: with_stage(with_stage()), "stage_completed", id="a stage twice"),
        pytest.param(lambda: with_photo(with_photo(), "repair"), "move_forbidden", id="a photo twice"),
    ],
)
def test_a_piece_of_the_account_is_refused(decide: Callable[[], Work], code: str) -> None:
    with pytest.raises(AssertionError, match=code):
        decide()


def test_only_uploaded_bytes_are_attached() -> None:
    command = AttachEvidence(command_id=command_id(), sha256="e" * 64, origin="captured")
    assert refused(attach_evidence(started(), command, None, occasion())) == "evidence_unknown"


# Room: whatever was accepted can be completed, and its completion can be sent.

LONG_NAMES = tuple(Stage(name=chr(0x4E00 + n) * 64, evidence_required=True) for n in range(20))


@pytest.mark.parametrize("text", ["x" * 4000, "\u0001" * 4000, '"' * 4000, "\U0001f600" * 4000])
def test_a_service_event_is_full_before_its_completion_is_too_large(text: str) -> None:
    work, accepted = started(claimed(queued(stages=LONG_NAMES))), 0
    while isinstance(
        outcome := write_note(work, WriteNote(command_id=command_id(), text=text), occasion()), Move
    ):
        work, accepted = outcome.work, accepted + 1
    assert refused(outcome) == "service_event_full"
    for stage in LONG_NAMES:
        work = with_stage(work, stage.name)
    done = completed(work, outcome="partially_fulfilled", reason="x" * 64, device_at=NOW)
    assert len(done.job.history.steps[-1].encode()) <= BODY_BYTES_MAX
    message = ServiceEventCompleted.model_validate(hand_off(done.job.history)).model_dump_json()
    assert len(message.encode()) < 256 * 1024 - 2048
    assert accepted >= 3


def test_a_service_event_holds_500_notes_and_photos() -> None:
    work = started()
    for n in range(PIECES_MAX):
        work = with_photo(work, None, f"{n:064x}") if n % 2 else with_note(work, "x")
    assert refused(COMMANDS["note"](work, occasion())) == "service_event_full"
    assert refused(COMMANDS["evidence"](work, occasion())) == "service_event_full"
    assert isinstance(COMMANDS["complete"](work, occasion()), Move)


def test_the_largest_path_that_governance_makes_leaves_room() -> None:
    # 32 KiB of request and 16 KiB of questions, all of it characters that are escaped twice.
    asked = {"question": '"' * 3500, "asked_at": NOW, "asked_by": "person:ada"}
    question = asked | {"answer": '"' * 4000, "answered_at": NOW, "answered_by": "anonymous"}
    replaced = [{"operator_id": "o" * 128, "at": NOW, "actor": "person:" + "a" * 128}] * 19
    largest = path(
        {
            "request": {"description": '"' * 8000, "details": [{"name": '"' * 64, "value": '"' * 3500}] * 2},
            "task_approved": {"note": '"' * 1000, "questions": [question, question]},
            "task_assigned": {"replaced": replaced},
        },
        stages=LONG_NAMES,
    )
    assert check_created(job_created(largest), largest) is None
    work = queued(largest)
    for _ in range(HAND_BACKS_MAX):
        command = HandJobBack(command_id=command_id(), reason='"' * 200)
        work = sealed(hand_back(claimed(work), command, occasion()))
    claimed_last = claimed(work)
    grown = room_for_completion(largest) - room_for_completion(claimed_last.job.history)
    assert grown <= CLAIM_BYTES_MAX


def test_the_room_is_counted_over_the_canonical_form() -> None:
    assert room_for_completion(queued().job.history) == BODY_BYTES_MAX
    assert len(canonical(job_created().model_dump(mode="json"))) < 16 * 1024
