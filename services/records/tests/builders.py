"""Builders of what records receives: whole signed paths, each call a new request unless told otherwise."""

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, cast
from uuid import UUID, uuid5

from truth_contracts.ids import EventId, JobId, RecordId, RequestId, ServiceEventId, TaskId
from truth_contracts.intakes import IntakeBody
from truth_contracts.jobs import FrozenJob, JobClaimedBody, JobCreatedBody
from truth_contracts.requests import RequestBody, Requester
from truth_contracts.service_events import (
    CompletedStage,
    Evidence,
    Note,
    ServiceEventCompleted,
    ServiceEventCompletedBody,
)
from truth_contracts.steps import Stage, StepBody
from truth_contracts.tasks import TaskApprovedBody, TaskAssignedBody
from truth_records.domain.log import LogKey
from truth_records.domain.path import CompletedPath, read_path
from truth_records.domain.record import Draft, draw_up, values_to_commit
from truth_sealing.canonical import Json
from truth_sealing.keyring import read_keyring
from truth_sealing.keys import FileSigner, StepKeys
from truth_sealing.logged import Trust
from truth_sealing.policy import Policy
from truth_sealing.steps import STEP_OWNERS, History, hand_off, seal_step

NOW = datetime(2026, 11, 24, 16, 10, tzinfo=UTC)
ORIGIN = "records.example.org/log"
PHOTO = b"photo of the new tap"
STAGES = (Stage(name="inspect", evidence_required=False), Stage(name="repair", evidence_required=True))
SIGNERS = {name: FileSigner.generate(name) for name in ("intake", "governance", "execution")}
STEP_KEYS: StepKeys = {name: (signer.verify_key,) for name, signer in SIGNERS.items()}
LOG_SIGNER = FileSigner.generate(ORIGIN)
LOG_KEY = LogKey(LOG_SIGNER, LOG_SIGNER.verify_key.key_id, (LOG_SIGNER.verify_key,))
KEYRING = json.dumps(
    {
        "keys": [
            {"kind": "step", "vkey": signer.verify_key.vkey, "from": None, "to": None, "state": "active"}
            for signer in SIGNERS.values()
        ]
    }
).encode()
TRUST = Trust(Policy(logs=list(LOG_KEY.pinned), quorum="none"), read_keyring(KEYRING))
_NAMESPACE = UUID("6f7d1c1e-96a5-4c53-93a4-6d8a4a8b1f00")


def uuid_of(number: int, what: str) -> UUID:
    """The same id for the same number and word."""
    return uuid5(_NAMESPACE, f"{number} {what}")


def salt_of(what: str) -> str:
    """A salt for tests: the same for the same word."""
    return base64.b64encode(hashlib.sha256(what.encode()).digest()[:16]).decode()


def evidence(
    photo: bytes = PHOTO, n: int = 1, stage: str | None = "repair", size: int | None = None
) -> Evidence:
    """A photo as the completion tells of it."""
    return Evidence(
        n=n, sha256=hashlib.sha256(photo).hexdigest(), media_type="image/jpeg",
        bytes=len(photo) if size is None else size,
        stage=stage, origin="captured", device_at=None, received_at=NOW - timedelta(minutes=4),
    )  # fmt: skip


def path(
    number: int = 1, changes: Mapping[str, Mapping[str, Any]] | None = None, **completion: Any
) -> History:
    """The seven steps of request `number`, signed by their owners. `changes` are by step, `completion` of the last."""
    history = History()
    all_changes: dict[str, Mapping[str, Any]] = {**(changes or {}), "service_event_completed": completion}
    for minute, step in enumerate(STEP_OWNERS):
        common = _common(number, step, minute, history)
        body = _body(step, number, common, {**_own(step, number, history), **all_changes.get(step, {})})
        members = cast(dict[str, Json], body.model_dump(mode="json"))
        history = seal_step(members, history, SIGNERS[STEP_OWNERS[step]])
    return history


def completed(history: History | None = None, number: int = 1) -> ServiceEventCompleted:
    """The hand-off to records."""
    return ServiceEventCompleted.model_validate(hand_off(history or path(number)))


def draft(number: int = 1, history: History | None = None) -> Draft:
    """A draft, as the consumer makes it."""
    read = read_path(history or path(number))
    assert isinstance(read, CompletedPath), read
    salts = {name: salt_of(f"{number} {name}") for name in values_to_commit(read)}
    drawn = draw_up(read, RecordId(uuid_of(number, "record")), salts, NOW)
    assert isinstance(drawn, Draft), drawn
    return drawn


def drafts(numbers: Sequence[int]) -> list[Draft]:
    """Drafts without evidence, ready to be sealed."""
    return [draft(number, path(number, evidence=(), outcome="not_fulfilled")) for number in numbers]


def _common(number: int, step: str, minute: int, history: History) -> dict[str, Any]:
    actors = {"request": "person:rita", "intake": "service:intake", "job_claimed": "person:olga"}
    actor = "person:olga" if step == "service_event_completed" else actors.get(step, "person:ada")
    return {
        "event_id": EventId(uuid_of(number, step)),
        "request_id": RequestId(uuid_of(number, "request_id")),
        "at": NOW - timedelta(minutes=10 - minute),
        "actor": actor,
        "salt": salt_of(f"{number} {step}"),
        "prev": history.head,
    }


_BODIES: Mapping[str, type[StepBody]] = {
    "request": RequestBody,
    "intake": IntakeBody,
    "task_approved": TaskApprovedBody,
    "task_assigned": TaskAssignedBody,
    "job_created": JobCreatedBody,
    "job_claimed": JobClaimedBody,
    "service_event_completed": ServiceEventCompletedBody,
}


def _body(step: str, number: int, common: dict[str, Any], own: dict[str, Any]) -> StepBody:
    if step == "request":
        common["event_id"] = f"e-{number}"
    return _BODIES[step](**{**common, **own})


def _own(step: str, number: int, history: History) -> dict[str, Any]:
    surface = {"surface": "kitchen-repairs", "maturity": "live", "stages": STAGES}
    match step:
        case "request":
            return {
                "source": "/upstreams/acme", "door": "kafka", "received_sha256": "0" * 64,
                "request_key": f"k-{number}", "surface": "kitchen-repairs", "summary": "Tap drips",
                "description": "All night.", "requester": Requester(name="Rita Ramos", contact="rita@example.org"),
                "place": "Flat 4", "wanted_by": None, "submitted_at": None, "details": (),
            }  # fmt: skip
        case "intake":
            return surface
        case "task_approved":
            return {"task_id": TaskId(uuid_of(number, "task")), "note": None, "questions": ()}
        case "task_assigned":
            names = {"operator_id": "olga", "operator_name": "Olga Orlova", "replaced": ()}
            return {"task_id": TaskId(uuid_of(number, "task")), **names}
        case "job_created":
            return {"job": _job(number, history), "proof": None}
        case "job_claimed":
            return {"job_id": JobId(uuid_of(number, "job")), "device_at": None, "hand_backs": ()}
        case _:
            return _completion(number)


def _job(number: int, history: History) -> FrozenJob:
    return FrozenJob(
        job_id=JobId(uuid_of(number, "job")), task_id=TaskId(uuid_of(number, "task")),
        request_id=RequestId(uuid_of(number, "request_id")), operator_id="olga", surface="kitchen-repairs",
        maturity="live", stages=STAGES, prepared_by="person:ada", prepared_at=NOW - timedelta(minutes=7),
        prev=history.head or "",
    )  # fmt: skip


def _completion(number: int) -> dict[str, Any]:
    done = NOW - timedelta(minutes=4)
    return {
        "job_id": JobId(uuid_of(number, "job")),
        "service_event_id": ServiceEventId(uuid_of(number, "service_event")),
        "started_at": NOW - timedelta(minutes=5),
        "stages": tuple(CompletedStage(name=stage.name, completed_at=done) for stage in STAGES),
        "notes": (Note(n=1, text="Washer replaced", stage="repair", device_at=None),),
        "evidence": (evidence(),),
        "outcome": "fulfilled",
        "reason": None,
        "evidence_missing": (),
        "device_at": None,
    }
