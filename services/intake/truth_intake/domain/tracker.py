"""The tracker: what the requester sees of the eight steps, from what other services told."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, TypeAlias
from uuid import UUID

from truth_contracts.ids import RequestId
from truth_contracts.jobs import JobChanged
from truth_contracts.records import RecordSealed
from truth_contracts.service_events import ServiceEventChanged
from truth_contracts.signals import SignalEmitted
from truth_contracts.tasks import TaskChanged

SeenStep: TypeAlias = Literal["task", "job", "service_event", "record", "signal"]
Told: TypeAlias = TaskChanged | JobChanged | ServiceEventChanged | RecordSealed | SignalEmitted

NO_SIGNAL = "No Signal so far; none is promised."
NONE = "none"
"""State of a step that has not been reached."""


@dataclass(frozen=True, slots=True)
class Seen:
    """The latest that is known of a step which another service owns."""

    request_id: RequestId
    step: SeenStep
    id: UUID
    version: int
    state: str
    at: datetime
    message: str | None = None  # in words meant for the requester


@dataclass(frozen=True, slots=True)
class Steps:
    """Where a request stands: its own two times, and what was seen of the steps that others own."""

    received_at: datetime
    accepted_at: datetime
    seen: Mapping[SeenStep, Seen]


@dataclass(frozen=True, slots=True)
class TrackedStep:
    """One of the eight steps. `at` is when it came into this state, if that is known."""

    step: str
    state: str
    at: datetime | None


@dataclass(frozen=True, slots=True)
class Question:
    """A question that waits for the requester's answer."""

    version: int
    text: str
    at: datetime


def seen_of(told: Told) -> Seen:
    """What a watcher's event says of its step."""
    match told:
        case TaskChanged():
            message = told.message_to_requester
            return Seen(told.request_id, "task", told.id, told.version, told.state, told.at, message)
        case JobChanged():
            return Seen(told.request_id, "job", told.id, told.version, told.state, told.at)
        case ServiceEventChanged():
            return Seen(told.request_id, "service_event", told.id, told.version, told.state, told.at)
        case RecordSealed():
            return Seen(told.request_id, "record", told.record_id, 1, "sealed", told.at)
        case SignalEmitted():
            return Seen(told.request_id, "signal", told.signal_id, 1, "emitted", told.at)


def steps_of(steps: Steps) -> tuple[TrackedStep, ...]:
    """The eight steps in path order."""
    return (
        TrackedStep("Request", "received", steps.received_at),
        TrackedStep("Intake", "accepted", steps.accepted_at),
        _step("Task", steps.seen.get("task")),
        _create_job(steps.seen),
        _step("Job", steps.seen.get("job")),
        _step("ServiceEvent", steps.seen.get("service_event")),
        _step("Record", steps.seen.get("record")),
        _step("Signal", steps.seen.get("signal")),
    )


def open_question(task: Seen | None) -> Question | None:
    """The question that the Task waits with."""
    if task is None or task.state != "info_requested" or task.message is None:
        return None
    return Question(task.version, task.message, task.at)


def decline_reason(task: Seen | None) -> str | None:
    """Why the Task was declined, in words meant for the requester."""
    return task.message if task is not None and task.state == "declined" else None


def note_of(seen: Mapping[SeenStep, Seen]) -> str | None:
    """What must be said beside the steps."""
    return NO_SIGNAL if "record" in seen and "signal" not in seen else None


def _step(name: str, seen: Seen | None) -> TrackedStep:
    return TrackedStep(name, NONE, None) if seen is None else TrackedStep(name, seen.state, seen.at)


def _create_job(seen: Mapping[SeenStep, Seen]) -> TrackedStep:
    task = seen.get("task")
    if task is not None and task.state == "promoted":
        return TrackedStep("Create Job", "created", task.at)
    # The Job may be seen before the Task's own news arrives; then the time is not known yet.
    return TrackedStep("Create Job", "created" if "job" in seen else NONE, None)
