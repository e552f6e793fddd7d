"""A Task as its page shows it: where it stands, and what this person may do with it now."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, TypeAlias

from truth_contracts.base import read
from truth_contracts.ids import TaskId
from truth_contracts.intakes import IntakeBody
from truth_contracts.refusals import Refusal
from truth_kit.auth import Actor
from truth_sealing.canonical import canonical

from truth_governance.api.commanding import occasion_of
from truth_governance.api.shown import Beside
from truth_governance.domain.preparation import may_not
from truth_governance.domain.review import is_own
from truth_governance.domain.task import Task, TaskState

Shape: TypeAlias = Literal["wait", "live", "done", "none"]

NONE = "none"
_ELSEWHERE = "not told here"
_SHAPES: Mapping[str, Shape] = {
    NONE: "none",
    "pending_review": "wait",
    "info_requested": "wait",
    "queued": "wait",
    "promoted": "done",
    "declined": "done",
    "closed": "done",
    "completed": "done",
    "planned": "none",
    "partial": "wait",
    "live": "done",
}
_OPEN = (TaskState.PENDING_REVIEW, TaskState.INFO_REQUESTED, TaskState.APPROVED, TaskState.ASSIGNED)
_ASSIGNABLE = (TaskState.APPROVED, TaskState.ASSIGNED)


@dataclass(frozen=True, slots=True)
class ShownStep:
    """One step as the path draws it."""

    step: str
    state: str
    at: datetime | None
    is_done: bool
    is_here: bool = False
    is_gate: bool = False


@dataclass(frozen=True, slots=True)
class Acts:
    """Which commands the page offers a person. `is_own`: approving is not theirs, whatever the state."""

    approve: bool
    ask: bool
    decline: bool
    assign: bool
    create: bool
    is_own: bool


def acts_of(task: Task, actor: Actor) -> Acts:
    """What is possible for `actor` as the Task stands; the rules themselves decide once more."""
    person = occasion_of(actor).person
    own = is_own(task, person)
    in_review = person.is_admin and task.state is TaskState.PENDING_REVIEW
    return Acts(
        approve=in_review and not own,
        ask=in_review,
        decline=person.is_admin and task.state in _OPEN,
        assign=person.is_admin and task.state in _ASSIGNABLE,
        create=not isinstance(may_not(task, person), Refusal) and task.state in _OPEN,
        is_own=own and task.state is TaskState.PENDING_REVIEW,
    )


def path_of(task: Task, beside: Beside) -> list[ShownStep]:
    """The eight steps and the boundary. Of Record and Signal governance hears nothing."""
    request, intake = task.history.body("request"), read(IntakeBody, canonical(task.history.body("intake")))
    created, job, work = beside.created, beside.job, beside.service_event
    asked_at = datetime.fromisoformat(str(request["at"]))
    reached = [
        ShownStep("Request", "received", asked_at, is_done=True),
        ShownStep("Intake", "accepted", intake.at, is_done=True),
        ShownStep("Task", task.state.value, task.last.at, is_done=True),
        ShownStep(
            "Create Job",
            "given" if created else "not given",
            created and created.at,
            is_done=created is not None,
            is_gate=True,
        ),
        ShownStep("Job", job.state if job else NONE, job and job.at, is_done=job is not None),
        ShownStep(
            "ServiceEvent",
            work.state if work else NONE,
            work and work.at,
            is_done=work is not None,
        ),
    ]
    here = max(index for index, step in enumerate(reached) if step.is_done)
    drawn = [
        ShownStep(step.step, step.state, step.at, step.is_done, index == here, step.is_gate)
        for index, step in enumerate(reached)
    ]
    return [*drawn, *(ShownStep(step, _ELSEWHERE, None, is_done=False) for step in ("Record", "Signal"))]


def chips_of(task: Task, beside: Beside) -> list[tuple[str, str, Shape]]:
    """One chip for each state machine, never one for all, and the surface's maturity."""
    states = (
        ("Task", task.state.value),
        ("Job", beside.job.state if beside.job else NONE),
        ("ServiceEvent", beside.service_event.state if beside.service_event else NONE),
        ("Surface", task.maturity),
    )
    return [(machine, state, shape_of(state)) for machine, state in states]


def shape_of(state: str) -> Shape:
    """The shape of a state's chip: states are open texts, and one that is not known here is at work."""
    return _SHAPES.get(state, "live")


def reference_of(task_id: TaskId) -> str:
    """For people to say; never a key."""
    return f"T-{task_id.hex[-8:]}"
