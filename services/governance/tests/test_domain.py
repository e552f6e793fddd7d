"""Decisions over a Task: every allowed and every forbidden move."""

from collections.abc import Callable
from typing import Any, Literal, cast

import pytest
from truth_contracts.envelope import to_kafka
from truth_contracts.ids import RequestId, TaskId
from truth_contracts.intakes import IntakeAccepted
from truth_contracts.jobs import JobCreated, PasskeyProof
from truth_contracts.refusals import Refusal
from truth_contracts.requests import BODY_BYTES_MAX as REQUEST_BYTES_MAX
from truth_contracts.service_events import BODY_BYTES_MAX as COMPLETION_BYTES_MAX
from truth_contracts.topics import SERVICE_EVENTS_COMPLETED
from truth_governance.domain.assignment import ASSIGNMENTS_MAX, Assign, assign
from truth_governance.domain.commanding import first_answer
from truth_governance.domain.create_job import CreateJob, Known, create_job
from truth_governance.domain.opening import open_task, take_answer
from truth_governance.domain.questions import QUESTIONS_BYTES_MAX, questions_of
from truth_governance.domain.review import Approve, Ask, Decline, approve, ask, decline
from truth_governance.domain.task import Decision, Move, Task, TaskState
from truth_kit.fresh import new_id
from truth_sealing.canonical import canonical
from truth_sealing.steps import hand_off

from services.governance.tests.authenticators import base64url
from services.governance.tests.making import (
    AMIR,
    NOW,
    OLGA,
    OTTO,
    PROVING,
    answered,
    approved,
    assigned,
    carried,
    intake_history,
    occasion,
    opened,
    opening,
    operator,
    prepared,
    promoted,
    refused,
    request_body,
)

Code = Literal["duplicate", "out_of_scope", "unsafe", "insufficient_information", "other"]


def asked(task: Task | None = None, question: str = "Which tap?") -> Task:
    task = task or opened()
    return carried(ask(task, Ask(version=task.version, question=question), occasion()))


def declined(task: Task | None = None) -> Task:
    return carried(try_decline(task or opened()))


def try_approve(task: Task) -> object:
    return approve(task, Approve(version=task.version), occasion())


def try_decline(task: Task, code: Code = "other", reason: str = "No.", other: RequestId | None = None) -> Any:
    command = Decline(version=task.version, code=code, reason=reason, duplicate_of=other)
    return decline(task, command, occasion(), is_known=True)


def try_ask(task: Task) -> Move | Refusal:
    return ask(task, Ask(version=task.version, question="Which tap?"), occasion())


def try_assign(task: Task) -> object:
    return assign(task, operator(OTTO), Assign(version=task.version, operator_id="otto"), occasion())


def try_prepare(task: Task) -> object:
    return prepared(task)


def try_create(task: Task) -> object:
    return create_job(task, Known(None, None, operator()), CreateJob(digest="0" * 64), occasion(), PROVING)


MAKE: dict[TaskState, Callable[[], Task]] = {
    TaskState.PENDING_REVIEW: opened,
    TaskState.INFO_REQUESTED: asked,
    TaskState.APPROVED: approved,
    TaskState.ASSIGNED: assigned,
    TaskState.PROMOTED: promoted,
    TaskState.DECLINED: declined,
}
COMMANDS: dict[str, tuple[Callable[[Task], object], TaskState, set[str]]] = {
    "approve": (try_approve, TaskState.APPROVED, {"pending_review"}),
    "decline": (
        try_decline,
        TaskState.DECLINED,
        {"pending_review", "info_requested", "approved", "assigned"},
    ),
    "ask": (try_ask, TaskState.INFO_REQUESTED, {"pending_review"}),
    "assign": (try_assign, TaskState.ASSIGNED, {"approved", "assigned"}),
}


@pytest.mark.parametrize("state", list(TaskState))
@pytest.mark.parametrize("name", list(COMMANDS))
def test_every_move_is_allowed_from_the_right_states_and_from_no_other(name: str, state: TaskState) -> None:
    command, after, allowed = COMMANDS[name]
    task = MAKE[state]()
    outcome = command(task)
    if state in allowed:
        moved = carried(cast("Move", outcome))
        assert (moved.state, moved.version, moved.last.command) == (after, task.version + 1, name)
    else:
        assert refused(outcome) == "move_forbidden"


@pytest.mark.parametrize("state", [state for state in TaskState if state is not TaskState.ASSIGNED])
@pytest.mark.parametrize("command", [try_prepare, try_create])
def test_only_an_assigned_task_becomes_a_job(state: TaskState, command: Callable[[Task], object]) -> None:
    assert refused(command(MAKE[state]())) == "move_forbidden"


def test_an_intake_opens_a_task_in_review() -> None:
    task = opened(requester={"name": "Rita", "subject": "rita"})
    assert (task.state, task.version, task.last.command) == (TaskState.PENDING_REVIEW, 1, "open")
    assert (task.requested_by, task.requested_for) == ("client:acme", "person:rita")


def test_a_request_has_one_task() -> None:
    outcome = open_task(TaskId(new_id()), opening())
    assert refused(outcome) == "task_exists"


def test_a_planned_surface_opens_nothing() -> None:
    history = intake_history(maturity="planned")
    accepted = IntakeAccepted.model_validate(hand_off(history))
    assert refused(open_task(None, opening(accepted, history))) == "surface_planned"


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"actor": "person:ada"}, id="entered it"),
        pytest.param({"requester": {"name": "Ada", "subject": "ada"}}, id="made it"),
    ],
)
def test_guardrail_7_nobody_approves_their_own_request(changes: dict[str, Any]) -> None:
    task = opened(**changes)
    assert refused(try_approve(task)) == "own_request"
    moved = carried(approve(task, Approve(version=1), occasion(AMIR)))
    assert moved.approved_by == "person:amir"


def test_watchers_are_told_of_a_move_and_the_requester_of_question_and_reason() -> None:
    task = opened()
    outcome = ask(task, Ask(version=1, question="Which tap?"), occasion())
    assert isinstance(outcome, Move)
    assert (outcome.told.version, outcome.told.state) == (2, "info_requested")
    assert outcome.told.message_to_requester == "Which tap?"
    assert try_decline(task, reason="Not ours.").told.message_to_requester == "Not ours."
    quiet = try_approve(task)
    assert isinstance(quiet, Move)
    assert quiet.told.message_to_requester is None


@pytest.mark.parametrize("words", [" ", "\n\t"])
def test_a_blank_question_or_reason_is_refused(words: str) -> None:
    task = opened()
    assert refused(ask(task, Ask(version=1, question=words), occasion())) == "body_malformed"
    assert refused(try_decline(task, reason=words)) == "body_malformed"


def test_a_duplicate_names_another_known_request() -> None:
    task, other = opened(), RequestId(new_id())
    assert refused(try_decline(task, "duplicate")) == "body_malformed"
    assert refused(try_decline(task, "other", other=other)) == "body_malformed"
    assert refused(try_decline(task, "duplicate", other=task.request_id)) == "body_malformed"
    command = Decline(version=1, code="duplicate", reason="Twice.", duplicate_of=other)
    assert refused(decline(task, command, occasion(), is_known=False)) == "request_unknown"
    assert carried(try_decline(task, "duplicate", other=other)).state is TaskState.DECLINED


def test_an_answer_returns_the_task_to_review_and_stands_in_the_approval() -> None:
    task = asked()
    task = carried(take_answer(task, answered(task.request_id, task.version), NOW))
    assert (task.state, task.version, task.last.actor) == (TaskState.PENDING_REVIEW, 3, "anonymous")
    task = carried(try_ask(task))
    task = carried(take_answer(task, answered(task.request_id, 4, answer="Both."), NOW))
    task = approved(task)
    questions = cast("list[dict[str, Any]]", task.history.body("task_approved")["questions"])
    assert [(told["question"], told["answer"]) for told in questions] == [
        ("Which tap?", "The left one."),
        ("Which tap?", "Both."),
    ]


def test_an_answer_to_an_older_question_changes_nothing() -> None:
    task = asked()
    again = asked(carried(take_answer(task, answered(task.request_id, 2), NOW)))
    assert take_answer(again, answered(task.request_id, 2), NOW) is None
    assert take_answer(declined(task), answered(task.request_id, 2), NOW) is None


def test_an_answer_to_nothing_is_refused() -> None:
    task = opened()
    assert refused(take_answer(task, answered(task.request_id, 2), NOW)) == "nothing_asked"
    assert refused(take_answer(None, answered(task.request_id, 2), NOW)) == "task_unknown"


def test_questions_leave_room_for_their_answers_and_for_the_path() -> None:
    task = opened()
    for _ in range(20):
        outcome = ask(task, Ask(version=task.version, question="?" * 1000), occasion())
        if isinstance(outcome, Refusal):
            break
        task = carried(outcome)
        task = carried(take_answer(task, answered(task.request_id, task.version, answer="!" * 1000), NOW))
    assert refused(ask(task, Ask(version=task.version, question="?" * 1000), occasion())) == "body_too_large"
    assert len(questions_of(task.decisions)) == 4
    task = asked()
    long = answered(task.request_id, task.version, answer="\u0001" * 4000)
    assert len(long.answer) * 6 > QUESTIONS_BYTES_MAX
    assert refused(take_answer(task, long, NOW)) == "body_too_large"


def test_reassigning_takes_the_place_of_the_link_and_tells_of_it() -> None:
    task = assigned()
    again = assigned(task, OTTO)
    assert [link["step"] for link in again.history.chain] == [
        "request",
        "intake",
        "task_approved",
        "task_assigned",
    ]
    body = again.history.body("task_assigned")
    assert (body["operator_id"], body["operator_name"]) == ("otto", "Otto Oehler")
    assert body["replaced"] == [
        {"operator_id": "olga", "at": "2026-11-24T12:00:00.000Z", "actor": "person:ada"}
    ]
    assert again.history.head != task.history.head


def test_only_a_registered_active_operator_is_assigned_and_not_twice_in_a_row() -> None:
    task = approved()
    command = Assign(version=task.version, operator_id="olga")
    assert refused(assign(task, None, command, occasion())) == "operator_unknown"
    assert refused(assign(task, operator(is_active=False), command, occasion())) == "operator_unknown"
    task = assigned(task)
    assert (
        refused(assign(task, operator(), Assign(version=3, operator_id="olga"), occasion()))
        == "move_forbidden"
    )


def test_a_task_is_not_passed_around_for_ever() -> None:
    task = approved()
    for turn in range(ASSIGNMENTS_MAX):
        task = assigned(task, OTTO if turn % 2 else OLGA)
    assert refused(
        assign(task, operator(), Assign(version=task.version, operator_id="olga"), occasion())
    ) == ("move_forbidden")


def test_the_same_command_again_gets_the_first_answer() -> None:
    task = approved()
    assert first_answer(task, Approve(version=1), "person:ada") == task.last
    task = assigned(task)
    assert first_answer(task, Approve(version=1), "person:ada") == task.decisions[1]
    assert isinstance(first_answer(task, Approve(version=task.version), "person:ada"), type(None))


@pytest.mark.parametrize(
    ("command", "actor"),
    [
        pytest.param(Approve(version=1, note="Other words"), "person:ada", id="other words"),
        pytest.param(Approve(version=1), "person:amir", id="somebody else"),
        pytest.param(Ask(version=1, question="?"), "person:ada", id="another command"),
        pytest.param(Approve(version=9), "person:ada", id="a version to come"),
        pytest.param(Approve(version=0), "person:ada", id="no version"),
        pytest.param(Approve(version=-1), "person:ada", id="a negative version"),
    ],
)
def test_a_stale_command_is_refused(command: Approve | Ask, actor: str) -> None:
    assert refused(first_answer(approved(), command, actor)) == "version_stale"


def test_a_decision_tells_what_was_said() -> None:
    task = approved(opened())
    assert isinstance(task.last, Decision)
    assert task.last.content == '{"note":null}'
    assert (task.last.actor, task.last.actor_name) == ("person:ada", "Ada Abel")


def test_every_step_of_a_history_is_from_the_request() -> None:
    body = request_body()
    task = assigned(approved(carried(open_task(None, opening(history=intake_history(body))))))
    told = {str(task.history.body(link["step"])["request_id"]) for link in task.history.chain}
    assert told == {str(body.request_id)}


def test_the_fullest_path_leaves_room_for_the_fullest_completion() -> None:
    """With everything at its limit, and every character escaped once more at each hop."""
    quotes = '"' * 4000
    body = request_body(description='"' * 7000, details=[{"name": "a", "value": quotes}] * 2)
    assert REQUEST_BYTES_MAX - 4096 < len(canonical(body.model_dump(mode="json"))) <= REQUEST_BYTES_MAX
    stages = [{"name": '"' * 64, "evidence_required": True}] * 20
    history = intake_history(body, stages=stages)
    task = carried(open_task(None, opening(IntakeAccepted.model_validate(hand_off(history)), history)))
    task = carried(ask(task, Ask(version=1, question='"' * 3900), occasion()))
    task = carried(take_answer(task, answered(task.request_id, 2, answer='"' * 4000), NOW))
    task = carried(approve(task, Approve(version=3, note='"' * 1000), occasion()))
    for turn in range(ASSIGNMENTS_MAX):
        task = assigned(task, OTTO if turn % 2 else OLGA)
    message = to_kafka(JobCreated.model_validate(hand_off(promoted(task).history)))
    sizes = {"public_key": 91, "authenticator_data": 1024, "client_data_json": 2048, "signature": 256}
    proof = PasskeyProof(**{name: base64url(bytes(size)) for name, size in sizes.items()})
    assert (
        len(message.value or b"") + len(proof.model_dump_json())
        < SERVICE_EVENTS_COMPLETED.bytes_max - COMPLETION_BYTES_MAX
    )
