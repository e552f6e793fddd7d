"""How steps and states are shown: what is done, where it stands, the shape of each chip."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, TypeAlias

from truth_contracts.ids import RequestId
from truth_contracts.steps import Maturity

from truth_intake.api.tracked import StepView
from truth_intake.domain.tracker import NONE

Shape: TypeAlias = Literal["wait", "live", "done", "none"]

# States are open texts: one that is not here is at work.
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
_MACHINES = ("Task", "Job", "ServiceEvent")
_GATE = "Create Job"


@dataclass(frozen=True, slots=True)
class ShownStep:
    """One of the eight steps as the path draws it."""

    step: str
    state: str
    at: datetime | None
    is_done: bool
    is_here: bool
    is_gate: bool


def path_of(steps: Sequence[StepView]) -> list[ShownStep]:
    """The eight steps; the last that was reached is where it stands."""
    reached = [index for index, step in enumerate(steps) if step.state != NONE]
    return [
        ShownStep(step.step, step.state, step.at, index in reached, index == reached[-1], step.step == _GATE)
        for index, step in enumerate(steps)
    ]


def chips_of(steps: Sequence[StepView], maturity: Maturity) -> list[tuple[str, str, Shape]]:
    """One chip for each state machine, never one for all, and the surface's maturity."""
    shown: list[tuple[str, str, Shape]] = [
        (step.step, step.state, shape_of(step.state)) for step in steps if step.step in _MACHINES
    ]
    return [*shown, ("Surface", maturity, shape_of(maturity))]


def shape_of(state: str) -> Shape:
    """The shape of a state's chip."""
    return _SHAPES.get(state, "live")


def reference_of(request_id: RequestId) -> str:
    """For people to say; never a key."""
    return f"R-{request_id.hex[-8:]}"
