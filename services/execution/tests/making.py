"""Builders of the tests: valid unless told otherwise, each a function."""

import asyncio
import io
from collections.abc import AsyncIterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

from PIL import Image
from truth_contracts.ids import CommandId, EventId, RequestId, ServiceEventId, TaskId
from truth_contracts.intakes import IntakeBody
from truth_contracts.jobs import FrozenJob, JobCreated, JobCreatedBody
from truth_contracts.refusals import Refusal
from truth_contracts.requests import RequestBody
from truth_contracts.steps import Stage, StepBody
from truth_contracts.tasks import TaskApprovedBody, TaskAssignedBody
from truth_execution.domain.arrival import Queued, queue_job
from truth_execution.domain.claim import Claim, HandJobBack, claim, hand_back
from truth_execution.domain.command import Occasion
from truth_execution.domain.completion import Complete, complete
from truth_execution.domain.service_event import (
    AttachEvidence,
    Blob,
    CompleteStage,
    Start,
    WriteNote,
    attach_evidence,
    complete_stage,
    start,
    write_note,
)
from truth_execution.domain.work import Move, Work
from truth_kit.blobs import Folder
from truth_kit.fresh import new_id, new_salt
from truth_sealing.canonical import Json
from truth_sealing.keys import FileSigner, StepKeys
from truth_sealing.steps import STEP_OWNERS, History, hand_off, seal_step

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
SIGNERS = {name: FileSigner.generate(name) for name in ("intake", "governance", "execution")}
SIGNER = SIGNERS["execution"]
KEYS: StepKeys = {name: (signer.verify_key,) for name, signer in SIGNERS.items()}
STAGES = (
    Stage(name="inspect", evidence_required=True),
    Stage(name="repair", evidence_required=True),
    Stage(name="hand-over", evidence_required=False),
)
_BODIES: Mapping[str, type[StepBody]] = {
    "request": RequestBody,
    "intake": IntakeBody,
    "task_approved": TaskApprovedBody,
    "task_assigned": TaskAssignedBody,
    "job_created": JobCreatedBody,
}


def path(
    changes: Mapping[str, Mapping[str, Any]] | None = None,
    *,
    operator_id: str = "olga",
    stages: tuple[Stage, ...] = STAGES,
    job: Mapping[str, Any] | None = None,
) -> History:
    """A new request's way to Create Job, signed by its owners. `changes` are by step, `job` of the frozen Job."""
    history, request_id, task_id = History(), RequestId(new_id()), TaskId(new_id())
    surface = {"surface": "kitchen-repairs", "maturity": "live", "stages": stages}
    for step, kind in _BODIES.items():
        owns: dict[str, Mapping[str, Any]] = {
            "request": _REQUEST,
            "intake": surface,
            "task_approved": {"task_id": task_id, "note": None, "questions": ()},
            "task_assigned": {
                "task_id": task_id,
                "operator_id": operator_id,
                "operator_name": "Olga Orlova",
                "replaced": (),
            },
            "job_created": {"proof": None},
        }
        common: dict[str, Any] = {
            "event_id": str(new_id()) if step == "request" else new_id(),
            "request_id": request_id,
            "at": NOW - timedelta(hours=1),
            "actor": {"request": "client:acme", "intake": "service:intake"}.get(step, "person:ada"),
            "salt": new_salt(),
            "prev": history.head,
        }
        body = {**common, **owns[step], **(changes or {}).get(step, {})}
        if step == "job_created":
            frozen = _frozen(body, history, task_id, {"operator_id": operator_id, **surface})
            body["job"] = FrozenJob(**{**frozen, **(job or {})})
        members = cast("dict[str, Json]", kind(**body).model_dump(mode="json"))
        history = seal_step(members, history, SIGNERS[STEP_OWNERS[step]])
    return history


_REQUEST: Mapping[str, Any] = {
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
    "details": ({"name": "Floor", "value": "3"},),
}


def _frozen(
    body: Mapping[str, Any], history: History, task_id: TaskId, of: Mapping[str, Any]
) -> dict[str, Any]:
    return {
        **of,
        "job_id": new_id(),
        "task_id": task_id,
        "request_id": body["request_id"],
        "prepared_by": body["actor"],
        "prepared_at": NOW - timedelta(hours=1),
        "prev": history.head,
    }


def job_created(history: History | None = None, **changes: Any) -> JobCreated:
    """The hand-off from governance."""
    return JobCreated.model_validate(hand_off(history or path(**changes)))


def queued(history: History | None = None, **changes: Any) -> Work:
    """A Job on the Desk."""
    history = history or path(**changes)
    outcome = queue_job(None, job_created(history), history, NOW)
    assert isinstance(outcome, Queued)
    return Work(outcome.job)


def occasion(subject: str = "olga", at: datetime = NOW) -> Occasion:
    return Occasion(subject, at, EventId(new_id()), new_salt())


def command_id() -> CommandId:
    return CommandId(new_id())


def photo(color: str = "red", size: tuple[int, int] = (32, 24), kind: str = "JPEG") -> bytes:
    """A small photo; another color gives other bytes."""
    written = io.BytesIO()
    Image.new("RGB", size, color).save(written, kind)
    return written.getvalue()


class Full(Folder):
    """A folder on a disk without room."""

    async def put(self, chunks: AsyncIterable[bytes], sha256: str, bytes_max: int) -> bool | Refusal:
        """As Blobs, but for the room."""
        await asyncio.to_thread(Path("/dev/full").write_bytes, b"no room")
        return await super().put(chunks, sha256, bytes_max)


def blob(sha256: str = "a" * 64) -> Blob:
    return Blob(sha256, "image/jpeg", 1000, NOW, "person:olga")


def sealed(outcome: Move | Refusal) -> Work:
    """The work after a decision that must have been a move, its step sealed."""
    assert isinstance(outcome, Move), outcome
    if outcome.body is None:
        return outcome.work
    job = outcome.work.job
    history = seal_step(outcome.body.model_dump(mode="json"), job.history, SIGNER)
    return replace(outcome.work, job=replace(job, history=history))


def claimed(work: Work | None = None) -> Work:
    return sealed(claim(work or queued(), Claim(command_id=command_id()), occasion()))


def handed_back(work: Work | None = None) -> Work:
    command = HandJobBack(command_id=command_id(), reason="Wrong tools.")
    return sealed(hand_back(work or claimed(), command, occasion()))


def started(work: Work | None = None) -> Work:
    event_id = ServiceEventId(new_id())
    return sealed(start(work or claimed(), Start(command_id=command_id()), occasion(), event_id))


def with_note(work: Work | None = None, text: str = "Washer replaced.", stage: str | None = None) -> Work:
    return sealed(
        write_note(work or started(), WriteNote(command_id=command_id(), text=text, stage=stage), occasion())
    )


def with_stage(work: Work | None = None, name: str = "inspect") -> Work:
    return sealed(
        complete_stage(work or started(), CompleteStage(command_id=command_id(), name=name), occasion())
    )


def with_photo(work: Work | None = None, stage: str | None = "inspect", sha256: str = "a" * 64) -> Work:
    command = AttachEvidence(command_id=command_id(), sha256=sha256, stage=stage, origin="captured")
    return sealed(attach_evidence(work or started(), command, blob(sha256), occasion()))


def worked() -> Work:
    """Everything that `fulfilled` needs."""
    return with_photo(with_photo(started(), "inspect", "a" * 64), "repair", "b" * 64)


def completed(work: Work | None = None, **changes: Any) -> Work:
    members: dict[str, Any] = {"command_id": command_id(), "outcome": "fulfilled", **changes}
    return sealed(complete(work or worked(), Complete(**members), occasion()))


def refused(outcome: object) -> str:
    """The code of what must have been refused."""
    assert isinstance(outcome, Refusal), outcome
    return outcome.code
