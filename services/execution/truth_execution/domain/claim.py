"""Claiming a Job, and handing it back before work began."""

from dataclasses import replace
from typing import Annotated, ClassVar

from truth_contracts.base import instant_text, text
from truth_contracts.jobs import HandBack, JobClaimedBody
from truth_contracts.refusals import Refusal

from truth_execution.domain.command import Command, DeviceInstant, Occasion
from truth_execution.domain.telling import tell_job
from truth_execution.domain.work import Job, JobState, Move, Work, moved_job, not_assigned

HAND_BACKS_MAX = 20
"""Hand-backs of one Job. All of them travel in every later message of its path."""


class Claim(Command, frozen=True):
    """I take this Job."""

    NAME: ClassVar[str] = "claim"
    device_at: DeviceInstant | None = None


class HandJobBack(Command, frozen=True):
    """I give this Job back; I have not begun."""

    NAME: ClassVar[str] = "hand-back"
    reason: Annotated[str, text(longest=200, shortest=1)]


def claim(work: Work, command: Claim, occasion: Occasion) -> Move | Refusal:
    """Take a queued Job: the assigned operator, once. The step tells of every claim handed back before.

    Refused: `not_assigned`, `move_forbidden` (claimed on another device, say; it names who and when).
    """
    if refusal := not_assigned(work, occasion):
        return refusal
    job = work.job
    if job.state is not JobState.QUEUED:
        return Refusal("move_forbidden", _taken(job))
    history = job.history.until("job_created")
    body = JobClaimedBody(
        event_id=occasion.event_id,
        request_id=job.request_id,
        at=occasion.at,
        actor=occasion.actor,
        salt=occasion.salt,
        prev=history.head,
        job_id=job.job_id,
        device_at=command.device_at,
        hand_backs=job.hand_backs,
    )
    claimed = moved_job(job, JobState.CLAIMED, occasion, claimed_by=occasion.actor, history=history)
    return Move(replace(work, job=claimed), (tell_job(claimed, occasion.event_id),), body)


def hand_back(work: Work, command: HandJobBack, occasion: Occasion) -> Move | Refusal:
    """Give a claimed Job back to the queue, with a reason. The assignment stands.

    Refused: `not_assigned`, `service_event_exists` (work began), `move_forbidden`.
    """
    if refusal := not_assigned(work, occasion):
        return refusal
    job = work.job
    if work.service_event is not None:
        began = instant_text(work.service_event.started_at)
        return Refusal("service_event_exists", f"Work began at {began}: complete it, with its true outcome.")
    if job.state is not JobState.CLAIMED:
        return Refusal("move_forbidden", f"Only a claimed Job is handed back; this one is {job.state}.")
    if len(job.hand_backs) >= HAND_BACKS_MAX:
        return Refusal("move_forbidden", f"The Job was handed back {HAND_BACKS_MAX} times already.")
    told = HandBack(actor=occasion.actor, at=occasion.at, reason=command.reason)
    queued = moved_job(
        replace(job, hand_backs=(*job.hand_backs, told)),
        JobState.QUEUED,
        occasion,
        claimed_by=None,
        history=job.history.until("job_created"),
    )
    return Move(replace(work, job=queued), (tell_job(queued, occasion.event_id),))


def _taken(job: Job) -> str:
    return f"{job.changed_by} {job.state} this Job at {instant_text(job.changed_at)}."
