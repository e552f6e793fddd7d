"""Intakes: accepted requests, and answers of their requesters."""

from typing import Annotated, Literal

from truth_contracts.base import text
from truth_contracts.ids import EventId
from truth_contracts.steps import HandOff, Maturity, PathEvent, Stage, StepBody, SurfaceName, Version


class IntakeBody(StepBody, frozen=True):
    """The `intake` step: the request was validated, and the surface's rules in force are frozen."""

    type: Literal["truth.intakes.accepted.v1"] = "truth.intakes.accepted.v1"
    step: Literal["intake"] = "intake"
    event_id: EventId
    surface: SurfaceName
    maturity: Maturity
    stages: tuple[Stage, ...]


class IntakeAccepted(HandOff, frozen=True):
    """A request became an Intake. Written by intake; governance opens one Task for it."""

    type: Literal["truth.intakes.accepted.v1"] = "truth.intakes.accepted.v1"
    step: Literal["intake"] = "intake"
    surface: SurfaceName
    maturity: Maturity
    stages: tuple[Stage, ...]


class IntakeAnswered(PathEvent, frozen=True):
    """The requester answered a question. Written by intake; governance returns the Task to review."""

    type: Literal["truth.intakes.answered.v1"] = "truth.intakes.answered.v1"
    question_version: Version
    """Version of the Task at which the question was asked; an answer to an older question changes nothing."""
    answer: Annotated[str, text(longest=4000, shortest=1)]
