"""Review: approve, decline, ask."""

from dataclasses import replace
from typing import Annotated, ClassVar, Literal

from truth_contracts.base import text
from truth_contracts.ids import RequestId
from truth_contracts.refusals import Refusal
from truth_contracts.tasks import TaskApprovedBody

from truth_governance.domain.commanding import Command, Occasion, Person, decided, forbidden
from truth_governance.domain.questions import (
    ANSWER_BYTES_MIN,
    QUESTIONS_BYTES_MAX,
    questions_bytes,
    questions_of,
)
from truth_governance.domain.task import Move, Task, TaskState, move

_OPEN = (TaskState.PENDING_REVIEW, TaskState.INFO_REQUESTED, TaskState.APPROVED, TaskState.ASSIGNED)


class Approve(Command, frozen=True):
    """The request may become work."""

    NAME: ClassVar[str] = "approve"
    note: Annotated[str, text(longest=1000)] | None = None


class Decline(Command, frozen=True):
    """The request becomes no work, for a reason that its requester is told. There is no way back."""

    NAME: ClassVar[str] = "decline"
    code: Literal["duplicate", "out_of_scope", "unsafe", "insufficient_information", "other"]
    reason: Annotated[str, text(longest=4000, shortest=1)]
    duplicate_of: RequestId | None = None


class Ask(Command, frozen=True):
    """A question to the requester; review rests until the answer."""

    NAME: ClassVar[str] = "ask"
    question: Annotated[str, text(longest=4000, shortest=1)]


def approve(task: Task, command: Approve, occasion: Occasion) -> Move | Refusal:
    """Approve, as somebody who neither made nor entered the request.

    Refused: `own_request`, `move_forbidden`.
    """
    if is_own(task, occasion.person):
        return Refusal("own_request", "You made this request or entered it: somebody else has to approve it.")
    if refusal := forbidden(task, command.NAME, after=[TaskState.PENDING_REVIEW]):
        return refusal
    body = TaskApprovedBody(
        event_id=occasion.event_id,
        request_id=task.request_id,
        at=occasion.at,
        actor=occasion.person.reference,
        salt=occasion.salt,
        prev=task.history.head,
        task_id=task.task_id,
        note=command.note,
        questions=questions_of(task.decisions),
    )
    approved = replace(task, approved_by=occasion.person.reference)
    return move(approved, decided(task, command, TaskState.APPROVED, occasion), body=body)


def is_own(task: Task, person: Person) -> bool:
    """Whether the person made the request, entered it, or is the one it is for."""
    return person.reference in (task.requested_by, task.requested_for)


def decline(task: Task, command: Decline, occasion: Occasion, *, is_known: bool) -> Move | Refusal:
    """Decline for good. `is_known` says whether `duplicate_of` names a request that has a Task.

    Refused: `body_malformed` (a duplicate of what?), `request_unknown`, `move_forbidden`.
    """
    other = command.duplicate_of
    if (command.code == "duplicate") != (other is not None) or other == task.request_id:
        detail = "duplicate_of names another request, with code duplicate and only with it."
        return Refusal("body_malformed", detail, "body.duplicate_of", "another request's id")
    if other is not None and not is_known:
        return Refusal("request_unknown", f"There is no request {other}.", "body.duplicate_of")
    if blank := _blank("reason", command.reason):
        return blank
    if refusal := forbidden(task, command.NAME, after=_OPEN):
        return refusal
    return move(task, decided(task, command, TaskState.DECLINED, occasion), message=command.reason)


def ask(task: Task, command: Ask, occasion: Occasion) -> Move | Refusal:
    """Ask the requester.

    Refused: `body_malformed`, `move_forbidden`, `body_too_large` (no room would be left for an answer).
    """
    if blank := _blank("question", command.question):
        return blank
    if refusal := forbidden(task, command.NAME, after=[TaskState.PENDING_REVIEW]):
        return refusal
    decision = decided(task, command, TaskState.INFO_REQUESTED, occasion)
    room = QUESTIONS_BYTES_MAX - ANSWER_BYTES_MIN
    if questions_bytes((*task.decisions, decision)) > room:
        return Refusal(
            "body_too_large", f"The questions of a Task may take {room} bytes, their answers counted."
        )
    return move(task, decision, message=command.question)


def _blank(field: str, words: str) -> Refusal | None:
    if words.strip():
        return None
    return Refusal("body_malformed", f"The requester is told the {field}: say one.", f"body.{field}", "words")
