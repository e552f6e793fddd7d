"""Preparing a Job: freezing it, so that Create Job is about exactly what somebody has seen."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar

from truth_contracts.base import read
from truth_contracts.ids import JobId
from truth_contracts.intakes import IntakeBody
from truth_contracts.jobs import FrozenJob
from truth_contracts.refusals import Refusal
from truth_sealing.canonical import canonical, sha256_hex

from truth_governance.domain.assignment import Operator, unknown
from truth_governance.domain.commanding import Command, Occasion, Person, forbidden, stale
from truth_governance.domain.task import Task, TaskState

PREPARED_FOR = timedelta(minutes=10)
"""How long a frozen Job waits for its command."""


class PrepareJob(Command, frozen=True):
    """Show me the Job that this Task would become."""

    NAME: ClassVar[str] = "prepare_job"


@dataclass(frozen=True, slots=True)
class Preparation:
    """A frozen Job that waits for Create Job by whoever prepared it."""

    digest: str
    job: FrozenJob
    expires_at: datetime


def digest_of(job: FrozenJob) -> str:
    """What Create Job must give back: SHA-256 of the frozen Job's canonical form."""
    return sha256_hex(canonical(job.model_dump(mode="json")))


def prepare_job(
    task: Task, operator: Operator | None, command: PrepareJob, occasion: Occasion, job_id: JobId
) -> Preparation | Refusal:
    """Freeze the Job of an assigned Task. Moves nothing, and may be done again.

    Refused: `not_assigned` (neither admin nor the assigned operator), `version_stale`, `move_forbidden`,
    `operator_unknown` (not active any more).
    """
    if refusal := may_not(task, occasion.person):
        return refusal
    if command.version != task.version:
        return stale(task)
    if refusal := forbidden(task, PrepareJob.NAME, after=[TaskState.ASSIGNED]):
        return refusal
    if operator is None or not operator.is_active:
        return unknown(str(task.operator_id))
    link = task.history.link("task_assigned")
    intake = read(IntakeBody, canonical(task.history.body("intake")))
    job = FrozenJob(
        job_id=job_id,
        task_id=task.task_id,
        request_id=task.request_id,
        operator_id=operator.subject,
        surface=intake.surface,
        maturity=intake.maturity,
        stages=intake.stages,
        prepared_by=occasion.person.reference,
        prepared_at=occasion.at,
        prev=link["sha256"],
    )
    return Preparation(digest_of(job), job, occasion.at + PREPARED_FOR)


def may_not(task: Task, person: Person) -> Refusal | None:
    """`not_assigned` unless it is an admin or the operator to whom the Task is assigned."""
    if person.is_admin or person.subject == task.operator_id:
        return None
    return Refusal("not_assigned", "Create Job is for an admin or the assigned operator.")
