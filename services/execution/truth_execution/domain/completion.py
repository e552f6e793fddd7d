"""Completing the work: its outcome, what evidence is missing, and whether all of it fits into one message."""

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated, ClassVar

from pydantic import StringConstraints
from truth_contracts.ids import CommandId, EventId
from truth_contracts.refusals import Refusal
from truth_contracts.service_events import (
    BODY_BYTES_MAX,
    CompletedStage,
    Evidence,
    ServiceEventCompletedBody,
)
from truth_contracts.steps import Outcome, Stage
from truth_contracts.topics import SERVICE_EVENTS_COMPLETED
from truth_sealing.canonical import canonical
from truth_sealing.steps import History

from truth_execution.domain.command import Command, DeviceInstant, Occasion
from truth_execution.domain.telling import tell_job, tell_service_event
from truth_execution.domain.work import (
    Job,
    JobState,
    Move,
    ServiceEvent,
    ServiceEventState,
    Work,
    begun,
    moved_job,
)

PIECES_MAX = 500
"""Notes and photos of one ServiceEvent together: each is a commitment in its Record, which is bounded."""

COMPLETION_BYTES_MIN = 64 * 1024
"""Room for the account of the work that every Job has, however long its path is."""

_MESSAGE_BYTES_REST = 16 * 1024  # the last link, which repeats evidence_missing, the headers and the key
_NO_SALT = "A" * 22 + "=="


class Complete(Command, frozen=True):
    """The work is done, with this outcome. Says nothing of settlement."""

    NAME: ClassVar[str] = "complete"
    outcome: Outcome
    reason: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,63}$")] | None = None
    """A code for why it was not (wholly) fulfilled, such as `nobody_home`."""
    device_at: DeviceInstant | None = None


def complete(work: Work, command: Complete, occasion: Occasion) -> Move | Refusal:
    """End the work and close its Job, for good. Allowed right after the start, too: nobody was home.

    Refused: `not_assigned`, `move_forbidden`, `evidence_missing` (fulfilled without it; names the stages),
    `body_malformed` (fulfilled with a reason why not).
    """
    service_event = begun(work, occasion)
    if isinstance(service_event, Refusal):
        return service_event
    missing = evidence_missing(work.job.frozen.stages, service_event.evidence)
    if command.outcome == "fulfilled":
        if missing:
            names = ", ".join(missing)
            return Refusal(
                "evidence_missing", f"Fulfilled takes a photo of every such stage; missing: {names}."
            )
        if command.reason is not None:
            return Refusal(
                "body_malformed", "What is fulfilled has no reason why not.", "body.reason", "null"
            )
    completed = replace(
        service_event,
        state=ServiceEventState.COMPLETED,
        version=service_event.version + 1,
        changed_at=occasion.at,
        outcome=command.outcome,
        reason=command.reason,
        evidence_missing=missing,
        completed_at=occasion.at,
    )
    job = work.job
    closed = moved_job(job, JobState.CLOSED, occasion, claimed_by=job.claimed_by, history=job.history)
    told = (tell_service_event(closed, completed, occasion), tell_job(closed, occasion.event_id))
    return Move(Work(closed, completed), told, _body(job, completed, command, occasion))


def evidence_missing(stages: Sequence[Stage], evidence: Sequence[Evidence]) -> tuple[str, ...]:
    """The stages that require evidence and have none."""
    shown = {piece.stage for piece in evidence}
    return tuple(stage.name for stage in stages if stage.evidence_required and stage.name not in shown)


def room_for_completion(history: History) -> int:
    """Bytes that a completion body may take after this path, in canonical form."""
    carried = json.dumps([history.steps, history.chain], ensure_ascii=False, separators=(",", ":"))
    left = SERVICE_EVENTS_COMPLETED.bytes_max - _MESSAGE_BYTES_REST - len(carried.encode())
    return min(BODY_BYTES_MAX, left)


def full(job: Job, service_event: ServiceEvent) -> Refusal | None:
    """`service_event_full` when a completion that tells all this could not be sent or sealed.

    It leaves room for every stage yet to be completed and for the longest end, so that what was accepted can
    always be completed.
    """
    if len(service_event.notes) + len(service_event.evidence) > PIECES_MAX:
        return Refusal("service_event_full", f"It holds {PIECES_MAX} notes and photos, which is the most.")
    body = _longest_body(job, service_event)
    if len(canonical(body.model_dump(mode="json"))) <= room_for_completion(job.history):
        return None
    return Refusal("service_event_full", "It can hold no more text and photos: complete the work.")


def _longest_body(job: Job, service_event: ServiceEvent) -> ServiceEventCompletedBody:
    at = service_event.started_at
    stages = job.frozen.stages
    longest = replace(
        service_event,
        stages=tuple(CompletedStage(name=stage.name, completed_at=at) for stage in stages),
        evidence_missing=tuple(stage.name for stage in stages),
    )
    command = Complete(
        command_id=CommandId(job.job_id), outcome="partially_fulfilled", reason="x" * 64, device_at=at
    )
    occasion = Occasion(job.frozen.operator_id, at, EventId(job.job_id), _NO_SALT)
    return _body(job, longest, command, occasion)


def _body(
    job: Job, completed: ServiceEvent, command: Complete, occasion: Occasion
) -> ServiceEventCompletedBody:
    return ServiceEventCompletedBody(
        event_id=occasion.event_id,
        request_id=job.request_id,
        at=occasion.at,
        actor=occasion.actor,
        salt=occasion.salt,
        prev=job.history.head,
        job_id=job.job_id,
        service_event_id=completed.service_event_id,
        started_at=completed.started_at,
        stages=completed.stages,
        notes=completed.notes,
        evidence=completed.evidence,
        outcome=command.outcome,
        reason=command.reason,
        evidence_missing=completed.evidence_missing,
        device_at=command.device_at,
    )
