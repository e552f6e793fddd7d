"""A Task as readers see it: three state machines beside each other, never merged."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

from pydantic import BaseModel, Field, TypeAdapter
from truth_contracts.base import Instant, Salt, read
from truth_contracts.ids import EventId, RequestId, TaskId
from truth_contracts.intakes import IntakeBody
from truth_contracts.requests import RequestBody
from truth_contracts.steps import Stage
from truth_contracts.tasks import Question
from truth_sealing.canonical import canonical

from truth_governance.domain.create_job import Creation
from truth_governance.domain.questions import questions_of
from truth_governance.domain.task import Decision, Task, TaskState
from truth_governance.store.watched import JobSeen, ServiceEventSeen

_CONTENT: TypeAdapter[Mapping[str, str | int | None]] = TypeAdapter(Mapping[str, str | int | None])


class DecisionShown(BaseModel):
    """An entry of the decision log: who did what, in which words, and where that left the Task."""

    decision_id: EventId
    version: int
    command: str
    state: TaskState
    actor: str
    actor_name: str | None
    at: Instant
    content: Mapping[str, str | int | None]


class RequestShown(RequestBody, frozen=True):
    """The request as it is shown: without its salt, in the document too."""

    salt: Annotated[Salt, Field(exclude=True)]


class TaskShown(BaseModel):
    """One Task. `job` and `service_event` are what execution last told; null means that it told of none."""

    task_id: TaskId
    request_id: RequestId
    state: TaskState
    version: int
    surface: str
    maturity: str
    stages: tuple[Stage, ...]
    approved_by: str | None
    operator_id: str | None
    operator_name: str | None
    request: RequestShown
    questions: tuple[Question, ...]
    decisions: list[DecisionShown]
    created: Creation | None
    job: JobSeen | None
    service_event: ServiceEventSeen | None


@dataclass(frozen=True, slots=True)
class Beside:
    """What is known of a Task's Job: the Create Job command here, the rest told by execution."""

    created: Creation | None
    job: JobSeen | None
    service_event: ServiceEventSeen | None


def shown(task: Task, beside: Beside) -> TaskShown:
    """The whole Task, with the request as it was received."""
    intake = read(IntakeBody, canonical(task.history.body("intake")))
    return TaskShown(
        task_id=task.task_id,
        request_id=task.request_id,
        state=task.state,
        version=task.version,
        surface=task.surface,
        maturity=task.maturity,
        stages=intake.stages,
        approved_by=task.approved_by,
        operator_id=task.operator_id,
        operator_name=_operator_name(task),
        request=read(RequestShown, task.history.steps[0].encode()),
        questions=questions_of(task.decisions),
        decisions=[_entry(decision) for decision in task.decisions],
        created=beside.created,
        job=beside.job,
        service_event=beside.service_event,
    )


def _operator_name(task: Task) -> str | None:
    if task.operator_id is None:
        return None
    return str(task.history.body("task_assigned")["operator_name"])


def _entry(decision: Decision) -> DecisionShown:
    return DecisionShown(
        decision_id=decision.decision_id,
        version=decision.version,
        command=decision.command,
        state=decision.state,
        actor=decision.actor,
        actor_name=decision.actor_name,
        at=decision.at,
        content=_CONTENT.validate_json(decision.content),
    )
