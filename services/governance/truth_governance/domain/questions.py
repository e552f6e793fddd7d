"""Questions to the requester and their answers, as the decision log tells them."""

from collections.abc import Sequence

from truth_contracts.tasks import Question
from truth_sealing.canonical import Json, canonical
from truth_sealing.strict import strict_object

from truth_governance.domain.task import Decision

QUESTIONS_BYTES_MAX = 16 * 1024
"""Canonical bytes of all questions and answers of a Task.

They travel in every later message of the path: with the largest request and the largest completion, escaped
once more, they must stay below 256 KiB.
"""

ANSWER_BYTES_MIN = QUESTIONS_BYTES_MAX // 2
"""What `ask` leaves for the answer."""


def questions_of(decisions: Sequence[Decision]) -> tuple[Question, ...]:
    """Every question that was asked and the answer it got, if any."""
    questions: list[Question] = []
    for decision in decisions:
        content = strict_object(decision.content)
        if decision.command == "ask":
            questions.append(_asked(decision, content))
        elif decision.command == "answer":
            asked = questions.pop()
            questions.append(
                Question(
                    question=asked.question,
                    asked_at=asked.asked_at,
                    asked_by=asked.asked_by,
                    answer=str(content["answer"]),
                    answered_at=decision.at,
                    answered_by=decision.actor,
                )
            )
    return tuple(questions)


def questions_bytes(decisions: Sequence[Decision]) -> int:
    """What the questions and answers of a log weigh in the approval's canonical form."""
    return len(canonical([question.model_dump(mode="json") for question in questions_of(decisions)]))


def _asked(decision: Decision, content: dict[str, Json]) -> Question:
    return Question(
        question=str(content["question"]),
        asked_at=decision.at,
        asked_by=decision.actor,
        answer=None,
        answered_at=None,
        answered_by=None,
    )
