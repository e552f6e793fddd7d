"""Builders of the tests: valid unless told otherwise, each a function."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from truth_contracts.ids import EventId, JobId, RequestId, TaskId
from truth_contracts.intakes import IntakeAccepted, IntakeAnswered, IntakeBody
from truth_contracts.jobs import JobChanged
from truth_contracts.refusals import Refusal
from truth_contracts.requests import RequestBody
from truth_contracts.service_events import ServiceEventChanged
from truth_contracts.steps import Stage
from truth_governance.domain.assignment import Assign, Operator, assign
from truth_governance.domain.authenticator import Site
from truth_governance.domain.commanding import Occasion, Person
from truth_governance.domain.create_job import CreateJob, Creation, Known, Promotion, create_job
from truth_governance.domain.opening import Opening, open_task
from truth_governance.domain.preparation import PrepareJob, prepare_job
from truth_governance.domain.proof import Proving
from truth_governance.domain.review import Approve, approve
from truth_governance.domain.task import Move, Task
from truth_kit.fresh import new_id, new_salt
from truth_sealing.keys import FileSigner, StepKeys
from truth_sealing.steps import History, hand_off, seal_step

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
INTAKE, GOVERNANCE = FileSigner.generate("intake"), FileSigner.generate("governance")
KEYS: StepKeys = {signer.name: (signer.verify_key,) for signer in (INTAKE, GOVERNANCE)}
PROVING = Proving("optional", Site("localhost", "http://localhost"))
ADA = Person("person:ada", "ada", "Ada Abel", is_admin=True)
AMIR = Person("person:amir", "amir", "Amir Azadi", is_admin=True)
OLGA = Person("person:olga", "olga", "Olga Orlova", is_admin=False)
OTTO = Person("person:otto", "otto", "Otto Oehler", is_admin=False)


def occasion(person: Person = ADA, at: datetime = NOW) -> Occasion:
    return Occasion(person, at, EventId(new_id()), new_salt())


def operator(person: Person = OLGA, *, is_active: bool = True) -> Operator:
    return Operator(person.subject, person.name, is_active, "person:ada", NOW)


def request_body(**changes: Any) -> RequestBody:
    members: dict[str, Any] = {
        "event_id": str(new_id()),
        "request_id": new_id(),
        "at": NOW,
        "actor": "client:acme",
        "salt": new_salt(),
        "prev": None,
        "source": "/upstreams/acme",
        "door": "api",
        "received_sha256": "0" * 64,
        "request_key": "key-1",
        "surface": "kitchen-repairs",
        "summary": "The tap drips",
        "description": "All night long.",
        "requester": {"name": "Rita Ramos", "contact": "rita@example.org"},
        "place": "12 Mill Lane",
        "wanted_by": None,
        "submitted_at": None,
        "details": [],
    }
    return RequestBody(**members | changes)


def intake_history(body: RequestBody | None = None, **changes: Any) -> History:
    body = body or request_body()
    history = seal_step(body.model_dump(mode="json"), History(), INTAKE)
    members: dict[str, Any] = {
        "event_id": new_id(),
        "request_id": body.request_id,
        "at": body.at,
        "actor": "service:intake",
        "salt": new_salt(),
        "prev": history.head,
        "surface": body.surface,
        "maturity": "live",
        "stages": (
            Stage(name="inspect", evidence_required=True),
            Stage(name="repair", evidence_required=False),
        ),
    }
    return seal_step(IntakeBody(**members | changes).model_dump(mode="json"), history, INTAKE)


def intake_accepted(body: RequestBody | None = None, **changes: Any) -> IntakeAccepted:
    return IntakeAccepted.model_validate(hand_off(intake_history(body, **changes)))


def answered(request_id: RequestId, question_version: int, **changes: Any) -> IntakeAnswered:
    members: dict[str, Any] = {
        "event_id": new_id(),
        "request_id": request_id,
        "at": NOW,
        "actor": "anonymous",
        "question_version": question_version,
        "answer": "The left one.",
    }
    return IntakeAnswered(**members | changes)


def job_changed(request_id: RequestId, version: int, state: str, **changes: Any) -> JobChanged:
    members: dict[str, Any] = {
        "event_id": new_id(),
        "request_id": request_id,
        "at": NOW,
        "actor": "service:execution",
        "id": new_id(),
        "version": version,
        "state": state,
    }
    return JobChanged(**members | changes)


def service_event_changed(
    request_id: RequestId, version: int, state: str, **changes: Any
) -> ServiceEventChanged:
    members: dict[str, Any] = {
        "event_id": new_id(),
        "request_id": request_id,
        "at": NOW,
        "actor": "person:olga",
        "id": new_id(),
        "version": version,
        "state": state,
    }
    return ServiceEventChanged(**members | changes)


def opening(accepted: IntakeAccepted | None = None, history: History | None = None) -> Opening:
    history = history or intake_history()
    return Opening(
        accepted or IntakeAccepted.model_validate(hand_off(history)), history, TaskId(new_id()), NOW
    )


def opened(**changes: Any) -> Task:
    """A Task in review; `changes` are the request body's."""
    return carried(open_task(None, opening(history=intake_history(request_body(**changes)))))


def carried(outcome: Move | Promotion | Creation | Refusal | None) -> Task:
    """The Task after a decision that must have been a move, its step sealed."""
    if isinstance(outcome, Promotion):
        return _sealed(outcome.move.task, outcome.body.model_dump(mode="json"))
    assert isinstance(outcome, Move), outcome
    if outcome.body is None:
        return outcome.task
    return _sealed(outcome.task, outcome.body.model_dump(mode="json"))


def approved(task: Task | None = None) -> Task:
    task = task or opened()
    return carried(approve(task, Approve(version=task.version), occasion()))


def assigned(task: Task | None = None, person: Person = OLGA) -> Task:
    task = task or approved()
    command = Assign(version=task.version, operator_id=person.subject)
    return carried(assign(task, operator(person), command, occasion()))


def prepared(task: Task, person: Person = ADA, at: datetime = NOW) -> Any:
    command = PrepareJob(version=task.version)
    return prepare_job(task, operator(), command, occasion(person, at), JobId(new_id()))


def promoted(task: Task | None = None) -> Task:
    task = task or assigned()
    preparation = prepared(task)
    command = CreateJob(digest=preparation.digest)
    return carried(create_job(task, Known(None, preparation, operator()), command, occasion(), PROVING))


def refused(outcome: object) -> str:
    """The code of what must have been refused."""
    assert isinstance(outcome, Refusal), outcome
    return outcome.code


def _sealed(task: Task, body: dict[str, Any]) -> Task:
    return replace(task, history=seal_step(body, task.history, GOVERNANCE))


UNKNOWN = TaskId(UUID(int=0))
