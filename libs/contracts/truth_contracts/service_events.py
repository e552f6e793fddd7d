"""ServiceEvents: execution's account of the work, completed or on its way."""

from typing import Annotated, Literal, TypeAlias

from truth_contracts.base import Contract, Digest, Instant, text
from truth_contracts.ids import EventId, JobId, ServiceEventId
from truth_contracts.steps import HandOff, Outcome, PathEvent, StageName, StateName, StepBody, Version

BODY_BYTES_MAX = 128 * 1024
"""Largest canonical completion body; execution refuses more before that (`service_event_full`)."""

Origin: TypeAlias = Literal["captured", "imported"]


class Evidence(Contract, frozen=True):
    """A photo attached to a ServiceEvent, by digest. The bytes never travel through Kafka."""

    n: int
    sha256: Digest
    media_type: str
    bytes: int
    stage: StageName | None
    origin: Origin
    """Taken with the camera for this Job, or picked from what the device already had."""
    device_at: Instant | None
    """The device's clock: told, not trusted."""
    received_at: Instant


class Note(Contract, frozen=True):
    """What the operator wrote down."""

    n: int
    text: str
    stage: StageName | None
    device_at: Instant | None


class CompletedStage(Contract, frozen=True):
    """When a stage was completed."""

    name: StageName
    completed_at: Instant


class _Completion(Contract, frozen=True):
    job_id: JobId
    service_event_id: ServiceEventId
    started_at: Instant
    stages: tuple[CompletedStage, ...]
    notes: tuple[Note, ...]
    evidence: tuple[Evidence, ...]
    outcome: Outcome
    reason: Annotated[str, text(longest=64)] | None
    """A code for why the work was not (wholly) fulfilled, such as `nobody_home`."""
    evidence_missing: tuple[StageName, ...]
    """Stages whose required evidence is not there."""
    device_at: Instant | None


class ServiceEventCompletedBody(StepBody, _Completion, frozen=True):
    """The `service_event_completed` step. Completion says nothing of settlement."""

    type: Literal["truth.service-events.completed.v1"] = "truth.service-events.completed.v1"
    step: Literal["service_event_completed"] = "service_event_completed"
    event_id: EventId


class ServiceEventCompleted(HandOff, _Completion, frozen=True):
    """Work on a Job is done. Written by execution; records seals it. Says nothing of settlement."""

    type: Literal["truth.service-events.completed.v1"] = "truth.service-events.completed.v1"
    step: Literal["service_event_completed"] = "service_event_completed"


class ServiceEventChanged(PathEvent, frozen=True):
    """A ServiceEvent moved. Written by execution for watchers: never outcome, notes or evidence.

    `state` is an open vocabulary: started, in_progress, completed.
    """

    type: Literal["truth.service-events.changed.v1"] = "truth.service-events.changed.v1"
    id: ServiceEventId
    version: Version
    state: StateName
