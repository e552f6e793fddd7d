"""The command to answer a question, for the tracker's door and for the Intake's."""

from datetime import datetime

from pydantic import BaseModel
from sqlalchemy.ext.asyncio import AsyncConnection
from truth_contracts.base import Instant
from truth_contracts.ids import EventId, RequestId
from truth_contracts.intakes import IntakeAnswered
from truth_contracts.refusals import Refusal
from truth_kit import outbox
from truth_kit.fresh import new_id, utc_now
from truth_kit.problems import Refused

from truth_intake.domain.question import Answer, Answering, AnswerQuestion, answer_question
from truth_intake.store import tracking


class Answered(BaseModel, frozen=True):
    """The answer that was given to one version of a question."""

    request_id: RequestId
    question_version: int
    answer: str
    answered_at: Instant


async def answer(tx: AsyncConnection, request_id: RequestId, command: AnswerQuestion, actor: str) -> Answered:
    """Answer in this transaction and tell governance; raises Refused."""
    task = await tracking.lock_task(tx, request_id)
    last = await tracking.find_last_answer(tx, request_id)
    answering = Answering(request_id, actor, EventId(new_id()), utc_now())
    match answer_question(task, last, command, answering):
        case IntakeAnswered() as answered:
            await tracking.insert_answer(tx, answered)
            await outbox.add(tx, [answered])
            return _view(request_id, answered.question_version, answered.answer, answered.at)
        case Answer() as given:
            return _view(request_id, given.question_version, given.answer, given.at)
        case Refusal() as refusal:
            current = {
                "state": task.state if task else None,
                "version": task.version if task else None,
                "answered_at": last.at if last else None,
                "answered_by": last.actor if last else None,
            }
            raise Refused(refusal, current=current)


def _view(request_id: RequestId, version: int, text: str, at: datetime) -> Answered:
    return Answered(request_id=request_id, question_version=version, answer=text, answered_at=at)
