"""The completed path, each step read once."""

from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import ValidationError
from truth_contracts.base import Contract, read
from truth_contracts.envelope import invalid
from truth_contracts.intakes import IntakeBody
from truth_contracts.jobs import JobClaimedBody, JobCreatedBody
from truth_contracts.refusals import Refusal
from truth_contracts.requests import RequestBody
from truth_contracts.service_events import ServiceEventCompletedBody
from truth_contracts.tasks import TaskApprovedBody, TaskAssignedBody
from truth_sealing.canonical import Json
from truth_sealing.steps import STEPS, History

COMPLETED = "service_event_completed"

_CONTRACTS: Mapping[str, type[Contract]] = {
    "request": RequestBody,
    "intake": IntakeBody,
    "task_approved": TaskApprovedBody,
    "task_assigned": TaskAssignedBody,
    "job_created": JobCreatedBody,
    "job_claimed": JobClaimedBody,
    COMPLETED: ServiceEventCompletedBody,
}


@dataclass(frozen=True, slots=True)
class CompletedPath:
    """A path that has come to its end, each step's body read once."""

    history: History
    bodies: Mapping[str, Mapping[str, Json]]

    @property
    def completed(self) -> Mapping[str, Json]:
        """The body of the last step."""
        return self.bodies[COMPLETED]


def read_path(history: History) -> CompletedPath | Refusal:
    """The bodies of all seven steps; `body_invalid` when one is not what its contract says.

    Their digests and signatures were checked on arrival, but a signed body may still be malformed.
    """
    for step, text in zip(STEPS, history.steps, strict=True):
        try:
            read(_CONTRACTS[step], text.encode())
        except ValidationError as error:
            return invalid(error)
    return CompletedPath(history, {step: history.body(step) for step in STEPS})
