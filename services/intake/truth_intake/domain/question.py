"""Answers of requesters: one for each question, while it is open."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from pydantic import Field
from truth_contracts.base import Contract, text
from truth_contracts.ids import EventId, RequestId
from truth_contracts.intakes import IntakeAnswered
from truth_contracts.refusals import Refusal
from truth_sealing.canonical import canonical

from truth_intake.domain.tracker import Seen, open_question

ANSWER_BYTES_MAX = 7 * 1024
"""Canonical bytes of an answer. Governance keeps 8 KiB for it, with its time and who gave it."""


class AnswerQuestion(Contract, frozen=True):
    """The command. Whoever names the question's version answers that question and no later one."""

    answer: Annotated[str, text(longest=4000, shortest=1)]
    question_version: Annotated[int, Field(ge=1)] | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """The latest answer that was given for a request."""

    question_version: int
    answer: str
    at: datetime
    actor: str


@dataclass(frozen=True, slots=True)
class Answering:
    """Who answers for which request, with what the edge makes."""

    request_id: RequestId
    actor: str
    event_id: EventId
    now: datetime


def answer_question(
    task: Seen | None, last: Answer | None, command: AnswerQuestion, answering: Answering
) -> IntakeAnswered | Answer | Refusal:
    """The answer to the open question; the given one again for a repeat. `last` is the latest given.

    Refused: `nothing_asked`, `version_stale` when a later question than the named one is open, and
    `body_too_large` here, where somebody can shorten it: governance could only make a dead letter of it.
    """
    question = open_question(task)
    if last is not None and _is_repeat(
        last, question.version if question else last.question_version, command
    ):
        return last
    if question is None:
        return Refusal("nothing_asked", "No question is waiting for an answer.")
    if last is not None and last.question_version >= question.version:
        return Refusal("nothing_asked", "This question was answered already.")
    if command.question_version not in (None, question.version):
        return Refusal("version_stale", "Another question is open by now.")
    if len(canonical(command.answer)) > ANSWER_BYTES_MAX:
        detail = f"The answer takes more than {ANSWER_BYTES_MAX} bytes. Make it shorter."
        return Refusal("body_too_large", detail, "answer")
    return IntakeAnswered(
        event_id=answering.event_id,
        request_id=answering.request_id,
        at=answering.now,
        actor=answering.actor,
        question_version=question.version,
        answer=command.answer,
    )


def _is_repeat(last: Answer, asked_version: int, command: AnswerQuestion) -> bool:
    meant = command.question_version or asked_version
    return (meant, command.answer) == (last.question_version, last.answer)
