"""What intake's events do: open the one Task of a request, and bring an answer back to it."""

from dataclasses import dataclass
from datetime import datetime

from truth_contracts.base import read
from truth_contracts.envelope import source_of
from truth_contracts.ids import EventId, TaskId, derived_id
from truth_contracts.intakes import IntakeAccepted, IntakeAnswered
from truth_contracts.refusals import Refusal
from truth_contracts.requests import RequestBody
from truth_sealing.canonical import canonical
from truth_sealing.steps import History

from truth_governance.domain.questions import QUESTIONS_BYTES_MAX, questions_bytes
from truth_governance.domain.task import Decision, Move, Task, TaskState, move

GOVERNANCE = "service:governance"


@dataclass(frozen=True, slots=True)
class Opening:
    """An Intake as it arrived: the event, the path that it carries, and the id made for its Task."""

    accepted: IntakeAccepted
    history: History
    task_id: TaskId
    at: datetime


def request_of(history: History) -> RequestBody:
    """The request as it was received. Raises pydantic's ValidationError when it cannot be read."""
    return read(RequestBody, history.steps[0].encode())


def open_task(existing: TaskId | None, opening: Opening) -> Move | Refusal:
    """Open the one Task of a request. Refused: `task_exists`, `surface_planned`."""
    accepted = opening.accepted
    if existing is not None:
        return Refusal("task_exists", f"Request {accepted.request_id} already has Task {existing}.")
    if accepted.maturity == "planned":
        return Refusal("surface_planned", "A planned surface accepts no work.")
    request = request_of(opening.history)
    subject = request.requester.subject
    task = Task(
        task_id=opening.task_id,
        request_id=accepted.request_id,
        surface=accepted.surface,
        maturity=accepted.maturity,
        summary=request.summary,
        requested_by=request.actor,
        requested_for=None if subject is None else f"person:{subject}",
        approved_by=None,
        operator_id=None,
        history=opening.history,
        decisions=(),
    )
    return move(task, _opened(opening))


def take_answer(task: Task | None, answered: IntakeAnswered, now: datetime) -> Move | Refusal | None:
    """Return a Task to review with the requester's answer; None for an answer to an older question.

    Refused: `task_unknown`, `nothing_asked` (a question that was never asked), `body_too_large`.
    """
    if task is None:
        return Refusal("task_unknown", f"Request {answered.request_id} has no Task.")
    if answered.question_version > task.version:
        return Refusal("nothing_asked", f"Nothing was asked at version {answered.question_version}.")
    if task.state is not TaskState.INFO_REQUESTED or answered.question_version < task.version:
        return None
    content = {"answer": answered.answer, "question_version": answered.question_version}
    decision = Decision(
        EventId(derived_id(source_of("intake"), str(answered.event_id), "task_answered")),
        task.version + 1,
        "answer",
        TaskState.PENDING_REVIEW,
        answered.actor,
        None,
        now,
        canonical(content).decode(),
    )
    if questions_bytes((*task.decisions, decision)) > QUESTIONS_BYTES_MAX:
        detail = f"The questions and answers of a Task may take {QUESTIONS_BYTES_MAX} bytes."
        return Refusal("body_too_large", detail)
    return move(task, decision)


def _opened(opening: Opening) -> Decision:
    event_id = str(opening.accepted.event_id)
    return Decision(
        EventId(derived_id(source_of("intake"), event_id, "task_opened")),
        1,
        "open",
        TaskState.PENDING_REVIEW,
        GOVERNANCE,
        None,
        opening.at,
        canonical({"intake_event_id": event_id}).decode(),
    )
