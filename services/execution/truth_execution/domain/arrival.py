"""What a JobCreated must be before it becomes a Job: whole, agreeing with itself, governed, and the first."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, TypeAlias

from pydantic import ValidationError
from truth_contracts.base import read
from truth_contracts.envelope import invalid, source_of
from truth_contracts.ids import EventId, JobId, derived_id
from truth_contracts.intakes import IntakeBody
from truth_contracts.jobs import JobChanged, JobCreated
from truth_contracts.refusals import Refusal
from truth_contracts.requests import RequestBody
from truth_contracts.tasks import TaskApprovedBody, TaskAssignedBody
from truth_sealing.canonical import Json
from truth_sealing.passkey import create_job_signed
from truth_sealing.steps import History

from truth_execution.domain.completion import COMPLETION_BYTES_MIN, room_for_completion
from truth_execution.domain.telling import tell_job
from truth_execution.domain.work import Job, JobState

OWN_ACTOR = "service:execution"
ProofPolicy: TypeAlias = Literal["off", "optional", "required"]
"""Whether a Job needs the passkey that created it. `off` and `optional` are one here: a proof that is there
must hold."""
CLAIM_BYTES_MAX = 32 * 1024
"""What the claim and every hand-back told in it can add to a path."""


@dataclass(frozen=True, slots=True)
class Governed:
    """The bodies of the four steps before Create Job."""

    request: RequestBody
    intake: IntakeBody
    approved: TaskApprovedBody
    assigned: TaskAssignedBody


@dataclass(frozen=True, slots=True)
class Queued:
    """A new Job on its operator's Desk, and what watchers are told of it."""

    job: Job
    told: JobChanged


def read_path(history: History) -> Governed:
    """The bodies before Create Job. Raises pydantic's ValidationError when one is not what it should be."""
    request, intake, approved, assigned = (text.encode() for text in history.steps[:4])
    return Governed(
        read(RequestBody, request),
        read(IntakeBody, intake),
        read(TaskApprovedBody, approved),
        read(TaskAssignedBody, assigned),
    )


def check_created(created: JobCreated, history: History, proof: ProofPolicy = "optional") -> Refusal | None:
    """Whether governance's decisions over this very request make this very Job (guardrails 2, 6 and 7).

    The hand-off passed the check on arrival, every signature included; `history` is its path. Refused:
    `body_invalid`, `chain_broken` (the Job differs from its path), `people_only`, `own_request`,
    `surface_planned`, `proof_invalid`, `proof_missing`, `body_too_large`.
    """
    try:
        path = read_path(history)
    except ValidationError as error:
        return invalid(error)
    for what, ours, theirs in _comparisons(created, path, history):
        if ours != theirs:
            return Refusal("chain_broken", f"The chain is broken at job: it differs from its path in {what}.")
    return _wrongly_governed(created, path) or _unproven(history, proof) or _too_large(history)


def queue_job(
    existing: JobId | None, created: JobCreated, history: History, now: datetime
) -> Queued | Refusal:
    """Put a created Job on its operator's Desk. `existing` is the Job that has its Task, request or id.

    Refused: `job_exists`; one Job a Task, for ever.
    """
    if existing is not None:
        return Refusal("job_exists", f"Task {created.job.task_id} or its request already has Job {existing}.")
    job = Job(
        frozen=created.job,
        state=JobState.QUEUED,
        version=1,
        changed_by=OWN_ACTOR,
        changed_at=now,
        claimed_by=None,
        hand_backs=(),
        history=history,
    )
    cause = EventId(derived_id(source_of("governance"), str(created.event_id), "job_queued"))
    return Queued(job, tell_job(job, cause))


def _comparisons(
    created: JobCreated, path: Governed, history: History
) -> Iterator[tuple[str, object, object]]:
    job = created.job
    yield "request_id", job.request_id, created.request_id
    yield "prev", job.prev, history.link("task_assigned")["sha256"]
    yield "task_id", job.task_id, path.assigned.task_id
    yield "the approved Task", job.task_id, path.approved.task_id
    yield "operator_id", job.operator_id, path.assigned.operator_id
    yield "surface", job.surface, path.intake.surface
    yield "the surface asked for", job.surface, path.request.surface
    yield "maturity", job.maturity, path.intake.maturity
    yield "stages", job.stages, path.intake.stages
    yield "prepared_by", job.prepared_by, created.actor


def _wrongly_governed(created: JobCreated, path: Governed) -> Refusal | None:
    deciders = {"approved": path.approved.actor, "assigned": path.assigned.actor, "created": created.actor}
    for what, actor in deciders.items():
        if not actor.startswith("person:"):
            return Refusal("people_only", f"It was not {what} by a person.")
    if path.approved.actor in _requesters(path.request):
        return Refusal("own_request", "Whoever made or entered the request approved it.")
    if created.job.maturity == "planned":
        return Refusal("surface_planned", "A planned surface accepts no work.")
    return None


def _unproven(history: History, proof: ProofPolicy) -> Refusal | None:
    signed = create_job_signed(history.body("job_created"))
    if signed.answer == "no":
        return Refusal("proof_invalid", f"Create Job does not hold: {signed.reason}.")
    if proof == "required" and signed.answer != "yes":
        return Refusal("proof_missing", "Here a Job is created with a passkey, and this one was not.")
    return None


def _requesters(request: RequestBody) -> set[str]:
    subject = request.requester.subject
    return {request.actor} if subject is None else {request.actor, f"person:{subject}"}


def _too_large(history: History) -> Refusal | None:
    if room_for_completion(history) >= COMPLETION_BYTES_MIN + CLAIM_BYTES_MAX:
        return None
    return Refusal("body_too_large", "The path is so long that no completion would fit into its message.")


def summary_of(history: History) -> tuple[str, str | None]:
    """What is asked for in a line, and where: what a Desk shows."""
    request = history.body("request")
    return str(request["summary"]), _text_or_none(request["place"])


def _text_or_none(value: Json) -> str | None:
    return value if isinstance(value, str) else None
