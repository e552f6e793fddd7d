"""How a request stands, as the tracker and the Intake's own page show it."""

from collections.abc import Mapping

from pydantic import BaseModel
from truth_contracts.base import Instant

from truth_intake.domain.tracker import (
    Seen,
    SeenStep,
    Steps,
    decline_reason,
    note_of,
    open_question,
    steps_of,
)
from truth_intake.store.reading import StoredIntake


class StepView(BaseModel, frozen=True):
    """One of the eight steps. `at` is when it came into this state; `state` is `none` before that."""

    step: str
    state: str
    at: Instant | None


class Tracked(BaseModel, frozen=True):
    """The eight steps, and what the requester should know beside them."""

    steps: list[StepView]
    decline_reason: str | None
    question: str | None
    question_version: int | None
    note: str | None


def tracked(intake: StoredIntake, seen: Mapping[SeenStep, Seen]) -> Tracked:
    """What was seen of a request's steps, in words for its requester."""
    question = open_question(seen.get("task"))
    steps = steps_of(Steps(intake.received_at, intake.accepted_at, seen))
    return Tracked(
        steps=[StepView(step=step.step, state=step.state, at=step.at) for step in steps],
        decline_reason=decline_reason(seen.get("task")),
        question=question.text if question else None,
        question_version=question.version if question else None,
        note=note_of(seen),
    )
