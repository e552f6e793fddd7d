"""The work on a claimed Job: started, stages completed, notes written, photos attached."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Annotated, ClassVar

from truth_contracts.base import Digest, text
from truth_contracts.ids import ServiceEventId
from truth_contracts.refusals import Refusal
from truth_contracts.service_events import CompletedStage, Evidence, Note, Origin
from truth_contracts.steps import StageName

from truth_execution.domain.command import Command, DeviceInstant, Occasion
from truth_execution.domain.completion import full
from truth_execution.domain.telling import tell_service_event
from truth_execution.domain.work import (
    JobState,
    Move,
    ServiceEvent,
    ServiceEventState,
    Work,
    begun,
    not_assigned,
    stage_unknown,
)


class Start(Command, frozen=True):
    """I begin."""

    NAME: ClassVar[str] = "start"
    device_at: DeviceInstant | None = None


class CompleteStage(Command, frozen=True):
    """This stage is done."""

    NAME: ClassVar[str] = "stage"
    name: StageName
    device_at: DeviceInstant | None = None


class WriteNote(Command, frozen=True):
    """Write this down."""

    NAME: ClassVar[str] = "note"
    text: Annotated[str, text(longest=4000, shortest=1)]
    stage: StageName | None = None
    device_at: DeviceInstant | None = None


class AttachEvidence(Command, frozen=True):
    """This uploaded photo shows the work."""

    NAME: ClassVar[str] = "evidence"
    sha256: Digest
    stage: StageName | None = None
    origin: Origin
    device_at: DeviceInstant | None = None


@dataclass(frozen=True, slots=True)
class Blob:
    """Bytes that were uploaded and judged to be a photo."""

    sha256: str
    media_type: str
    bytes: int
    received_at: datetime
    received_from: str


def start(
    work: Work,
    command: Start,  # noqa: ARG001 it says nothing more; every decision has this shape
    occasion: Occasion,
    service_event_id: ServiceEventId,
) -> Move | Refusal:
    """Begin the work on a claimed Job: from here on there is a ServiceEvent, one for ever.

    Refused: `not_assigned`, `service_event_exists`, `move_forbidden` (not claimed).
    """
    if refusal := not_assigned(work, occasion):
        return refusal
    if work.service_event is not None:
        return Refusal("service_event_exists", "Work on this Job has begun already.")
    if work.job.state is not JobState.CLAIMED:
        return Refusal("move_forbidden", f"Claim the Job first; it is {work.job.state}.")
    started = ServiceEvent(service_event_id, ServiceEventState.STARTED, 1, occasion.at, occasion.at)
    return Move(replace(work, service_event=started), (tell_service_event(work.job, started, occasion),))


def complete_stage(work: Work, command: CompleteStage, occasion: Occasion) -> Move | Refusal:
    """Note that a stage is done; its evidence may follow.

    Refused: `not_assigned`, `move_forbidden`, `stage_unknown`, `stage_completed`.
    """
    service_event = begun(work, occasion)
    if isinstance(service_event, Refusal):
        return service_event
    if refusal := stage_unknown(work.job, command.name):
        return refusal
    if any(stage.name == command.name for stage in service_event.stages):
        return Refusal("stage_completed", "This stage is completed already.")
    done = CompletedStage(name=command.name, completed_at=occasion.at)
    return _progressed(work, replace(service_event, stages=(*service_event.stages, done)), occasion)


def write_note(work: Work, command: WriteNote, occasion: Occasion) -> Move | Refusal:
    """Keep what the operator wrote, in the order in which it came.

    Refused: `not_assigned`, `move_forbidden`, `stage_unknown`, `service_event_full`.
    """
    service_event = begun(work, occasion)
    if isinstance(service_event, Refusal):
        return service_event
    if refusal := stage_unknown(work.job, command.stage):
        return refusal
    note = Note(
        n=len(service_event.notes) + 1,
        text=command.text,
        stage=command.stage,
        device_at=command.device_at,
    )
    return _progressed(work, replace(service_event, notes=(*service_event.notes, note)), occasion)


def attach_evidence(
    work: Work, command: AttachEvidence, blob: Blob | None, occasion: Occasion
) -> Move | Refusal:
    """Attach an uploaded photo, once. `received_at` is when execution first had its bytes.

    Refused: `not_assigned`, `move_forbidden` (attached already, too), `stage_unknown`, `evidence_unknown`,
    `service_event_full`.
    """
    service_event = begun(work, occasion)
    if isinstance(service_event, Refusal):
        return service_event
    if refusal := stage_unknown(work.job, command.stage):
        return refusal
    if blob is None:
        return Refusal("evidence_unknown", "These bytes are not here: upload them first.", "body.sha256")
    if any(piece.sha256 == blob.sha256 for piece in service_event.evidence):
        return Refusal("move_forbidden", "This photo is attached already.")
    piece = Evidence(
        n=len(service_event.evidence) + 1,
        sha256=blob.sha256,
        media_type=blob.media_type,
        bytes=blob.bytes,
        stage=command.stage,
        origin=command.origin,
        device_at=command.device_at,
        received_at=blob.received_at,
    )
    return _progressed(work, replace(service_event, evidence=(*service_event.evidence, piece)), occasion)


def _progressed(work: Work, service_event: ServiceEvent, occasion: Occasion) -> Move | Refusal:
    """The first stage, note or photo makes it in_progress; what no completion could tell is refused."""
    if refusal := full(work.job, service_event):
        return refusal
    if service_event.state is ServiceEventState.IN_PROGRESS:
        return Move(replace(work, service_event=service_event))
    progressed = replace(
        service_event,
        state=ServiceEventState.IN_PROGRESS,
        version=service_event.version + 1,
        changed_at=occasion.at,
    )
    told = tell_service_event(work.job, progressed, occasion)
    return Move(replace(work, service_event=progressed), (told,))
