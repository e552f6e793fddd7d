"""Kafka in: requests from upstreams, and what the other services tell watchers."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from sqlalchemy.ext.asyncio import AsyncConnection
from truth_contracts.envelope import Message, Received, to_kafka
from truth_contracts.ids import RequestId
from truth_contracts.refusals import Refusal
from truth_contracts.requests import RequestSubmitted
from truth_contracts.topics import (
    JOBS_CHANGED,
    RECORDS_SEALED,
    REQUESTS_SUBMITTED,
    SERVICE_EVENTS_CHANGED,
    SIGNALS_EMITTED,
    TASKS_CHANGED,
)
from truth_kit import outbox, traces
from truth_kit.dead_letters import DeadLetter
from truth_kit.fresh import new_id, new_salt
from truth_kit.subscribe import AnyRoute, Route
from truth_kit.tracing import parent_of
from truth_sealing.keys import Signer

from truth_intake.domain.intake import Accepted, Fresh, KnownIntakes, Repeated, Sealed, accept, seal
from truth_intake.domain.refused import RefusedMessage, key_of, request_refused
from truth_intake.domain.submission import Submission, submission_by_kafka
from truth_intake.domain.tracker import Told, seen_of
from truth_intake.store import intakes, surfaces, tracking

_OFF_LOOP_FROM = 32
"""New Intakes from which a thread seals them: 0.4 ms each would hold the loop for 0.2 s a batch."""
_TOLD = (TASKS_CHANGED, JOBS_CHANGED, SERVICE_EVENTS_CHANGED, RECORDS_SEALED, SIGNALS_EMITTED)


def routes(signer: Signer) -> tuple[AnyRoute, ...]:
    """What intake consumes."""
    door = partial(on_request_submitted, signer=signer)
    return (
        Route(REQUESTS_SUBMITTED, door, refused=on_refused),
        *(Route(topic, on_step_told) for topic in _TOLD),
    )


@dataclass(frozen=True, slots=True)
class _Decided:
    received: Received[RequestSubmitted]
    submission: Submission
    verdict: Accepted | Repeated | Refusal


async def on_request_submitted(
    tx: AsyncConnection, batch: Sequence[Received[RequestSubmitted]], now: datetime, *, signer: Signer
) -> list[DeadLetter]:
    """requests.submitted → one Intake for each source and request key, and intakes.accepted."""
    dead: list[DeadLetter] = []
    undecided = [(received, submission_by_kafka(received, now)) for received in batch]
    while undecided:
        decided = await _decide(tx, undecided, now)
        new = [one.verdict for one in decided if isinstance(one.verdict, Accepted)]
        sealed = await _seal(new, signer)
        inserted = await intakes.insert_intakes(tx, sealed)
        told = [one for one in sealed if one.event.request_id in inserted]
        await outbox.add(tx, [one.event for one in told])
        await traces.keep(tx, _parents(told, batch))
        # A twin through the other door was faster: what has its key is decided again, by what is there now.
        lost = {one.accepted.submission.key for one in sealed if one.event.request_id not in inserted}
        dead += [
            DeadLetter.of(one.received, one.verdict)
            for one in decided
            if isinstance(one.verdict, Refusal) and one.submission.key not in lost
        ]
        undecided = [(one.received, one.submission) for one in decided if one.submission.key in lost]
    return dead


def _parents(
    told: Sequence[Sealed], batch: Sequence[Received[RequestSubmitted]]
) -> dict[RequestId, str | None]:
    """The trace that each new request came with."""
    named = {(received.source, received.event_id): parent_of(received.message) for received in batch}
    submissions = {one.event.request_id: one.accepted.submission for one in told}
    return {
        request_id: named.get((submission.entrance.source, submission.event_id))
        for request_id, submission in submissions.items()
    }


async def _decide(
    tx: AsyncConnection, undecided: Sequence[tuple[Received[RequestSubmitted], Submission]], now: datetime
) -> list[_Decided]:
    """In order: a later submission meets the Intakes of earlier ones."""
    submissions = [submission for _, submission in undecided]
    known = KnownIntakes(await intakes.list_known(tx, submissions))
    named = await surfaces.find_surfaces(tx, {one.submitted.surface for one in submissions})
    decided: list[_Decided] = []
    for received, submission in undecided:
        fresh = Fresh(RequestId(new_id()), new_salt(), new_salt(), now)
        standing = known.standing(submission, named.get(submission.submitted.surface))
        verdict = accept(submission, standing, fresh)
        if isinstance(verdict, Accepted):
            known.add(verdict.known)
        decided.append(_Decided(received, submission, verdict))
    return decided


async def _seal(new: Sequence[Accepted], signer: Signer) -> list[Sealed]:
    if len(new) < _OFF_LOOP_FROM:
        return [seal(one, signer) for one in new]
    return await asyncio.to_thread(lambda: [seal(one, signer) for one in new])


async def on_refused(tx: AsyncConnection, letters: Sequence[DeadLetter], now: datetime) -> None:
    """What failed on requests.submitted → requests.refused, under the refused message's key."""
    messages: list[Message] = []
    for letter in letters:
        refused = RefusedMessage(
            letter.message,
            letter.coordinates,
            letter.appended_at,
            letter.refusal,
            letter.source,
            letter.event_id,
        )
        told = request_refused(refused, now)
        messages.append(to_kafka(told, key=key_of(refused, told)))
    await outbox.add(tx, messages)


async def on_step_told(
    tx: AsyncConnection, batch: Sequence[Received[Told]], now: datetime
) -> list[DeadLetter]:
    """tasks.changed, jobs.changed, service-events.changed, records.sealed, signals.emitted → the tracker."""
    del now  # the owner of each step says when it moved
    await tracking.set_seen(tx, [seen_of(received.event) for received in batch])
    return []
