"""Jobs: the frozen Job, the Create Job hand-off, the claim, and what execution tells watchers."""

from typing import Literal

from truth_contracts.base import ActorReference, Contract, Digest, Instant, Subject
from truth_contracts.ids import EventId, JobId, RequestId, TaskId
from truth_contracts.steps import (
    HandOff,
    Maturity,
    PathEvent,
    Stage,
    StateName,
    StepBody,
    SurfaceName,
    Version,
)


class FrozenJob(Contract, frozen=True):
    """The Job as prepared, before anyone created it.

    The digest of its canonical form is what `prepare` returns, what Create Job must give back, and what a
    passkey signs. `prev` is the digest of the assignment, which commits to every step before it.
    """

    job_id: JobId
    task_id: TaskId
    request_id: RequestId
    operator_id: Subject
    surface: SurfaceName
    maturity: Maturity
    stages: tuple[Stage, ...]
    prepared_by: ActorReference
    prepared_at: Instant
    prev: Digest


class PasskeyProof(Contract, frozen=True):
    """A WebAuthn assertion over the frozen Job's digest (W3C WebAuthn Level 3, section 7.2). Base64url."""

    public_key: str
    """SubjectPublicKeyInfo, DER."""
    authenticator_data: str
    client_data_json: str
    signature: str


class JobCreatedBody(StepBody, frozen=True):
    """The `job_created` step: a person gave the explicit, one-way Create Job command."""

    type: Literal["truth.jobs.created.v1"] = "truth.jobs.created.v1"
    step: Literal["job_created"] = "job_created"
    event_id: EventId
    job: FrozenJob
    proof: PasskeyProof | None


class JobCreated(HandOff, frozen=True):
    """A Job was created by command. Written by governance, on Create Job only; execution queues it."""

    type: Literal["truth.jobs.created.v1"] = "truth.jobs.created.v1"
    step: Literal["job_created"] = "job_created"
    job: FrozenJob
    proof: PasskeyProof | None


class HandBack(Contract, frozen=True):
    """A claim given back before work began."""

    actor: ActorReference
    at: Instant
    reason: str


class JobClaimedBody(StepBody, frozen=True):
    """The `job_claimed` step: the claim in force, and those that were given back."""

    type: Literal["truth.jobs.claimed.v1"] = "truth.jobs.claimed.v1"
    step: Literal["job_claimed"] = "job_claimed"
    event_id: EventId
    job_id: JobId
    device_at: Instant | None
    hand_backs: tuple[HandBack, ...]


class JobChanged(PathEvent, frozen=True):
    """A Job moved. Written by execution for watchers; no step of the path depends on it.

    `state` is an open vocabulary: queued, claimed, closed.
    """

    type: Literal["truth.jobs.changed.v1"] = "truth.jobs.changed.v1"
    id: JobId
    version: Version
    state: StateName
