"""What the commands on a Job have in common: who gives them, the locked work, the move and its answer."""

from dataclasses import dataclass, replace
from typing import Annotated

import structlog
from fastapi import Depends, Request, Response
from sqlalchemy.ext.asyncio import AsyncConnection
from truth_contracts.ids import EventId, JobId
from truth_contracts.jobs import JobChanged
from truth_contracts.refusals import Refusal
from truth_contracts.service_events import (
    ServiceEventChanged,
    ServiceEventCompleted,
    ServiceEventCompletedBody,
)
from truth_kit import outbox
from truth_kit.auth import Actor, require_person
from truth_kit.fresh import new_id, new_salt, utc_now
from truth_kit.problems import Refused
from truth_sealing.keys import Signer
from truth_sealing.steps import hand_off, seal_step

from truth_execution.api.answering import answer, current
from truth_execution.domain.command import Command, Occasion, content_of
from truth_execution.domain.work import Move, Work
from truth_execution.store import commands, work
from truth_execution.store.commands import CarriedOut

log = structlog.get_logger()

Operator = Annotated[Actor, Depends(require_person("operator"))]


async def _signer_of(request: Request) -> Signer:
    signer: Signer = request.app.state.signer
    return signer


StepSigner = Annotated[Signer, Depends(_signer_of)]


@dataclass(frozen=True, slots=True)
class Given:
    """A command on locked work. `answer` is the one it got when it was carried out before."""

    work: Work
    command: Command
    occasion: Occasion
    answer: str | None


async def take(tx: AsyncConnection, job_id: JobId, command: Command, operator: Actor) -> Given:
    """Lock the work that a command is about; 404 when there is none, 409 when its id was used before."""
    found = await work.lock_work(tx, job_id)
    if found is None:
        raise Refused(Refusal("job_unknown", f"There is no Job {job_id}."))
    occasion = Occasion(operator.subject, utc_now(), EventId(new_id()), new_salt())
    before = await commands.find_command(tx, command.command_id)
    if before is None or before.actor != occasion.actor:  # another's is refused later, if not for the Job
        return Given(found, command, occasion, None)
    said = (before.job_id, before.command, before.content)
    if said != (job_id, command.NAME, content_of(command)):
        raise _reused()
    return Given(found, command, occasion, before.answer)


async def carry_out(tx: AsyncConnection, given: Given, outcome: Move | Refusal, signer: Signer) -> Response:
    """Write what a command did, seal its step if it is one, tell watchers; or refuse.

    A command that was carried out before changes nothing and gets its first answer, the same to the byte.
    """
    if given.answer is not None:
        return _json(given.answer)
    if isinstance(outcome, Refusal):
        raise Refused(outcome, current(given.work))
    moved, events = _sealed(outcome, signer)
    await work.set_moved(tx, given.work, moved)
    command, occasion = given.command, given.occasion
    said = answer(command, occasion, moved).model_dump_json()
    done = CarriedOut(
        command.command_id,
        moved.job.job_id,
        command.NAME,
        occasion.actor,
        occasion.at,
        content_of(command),
        said,
    )
    if not await commands.insert_command(tx, done):
        raise _reused()
    await outbox.add(tx, events)
    log.info("command.carried_out", request_id=str(moved.job.request_id), command=command.NAME)
    return _json(said)


def _json(said: str) -> Response:
    return Response(said, media_type="application/json")


def _sealed(
    move: Move, signer: Signer
) -> tuple[Work, list[ServiceEventCompleted | JobChanged | ServiceEventChanged]]:
    if move.body is None:
        return move.work, [*move.told]
    job = move.work.job
    history = seal_step(move.body.model_dump(mode="json"), job.history, signer)
    sealed = replace(move.work, job=replace(job, history=history))
    if isinstance(move.body, ServiceEventCompletedBody):
        return sealed, [ServiceEventCompleted.model_validate(hand_off(history)), *move.told]
    return sealed, [*move.told]


def _reused() -> Refused:
    return Refused(Refusal("command_reused", "This command_id was used for another command."))
