"""Create Job: takes the digest of a prepared Job and promotes the Task, once and for ever."""

from dataclasses import dataclass

from truth_contracts.base import Contract, Digest, Instant
from truth_contracts.ids import EventId, JobId
from truth_contracts.jobs import FrozenJob, JobCreatedBody
from truth_contracts.refusals import Refusal
from truth_sealing.canonical import canonical

from truth_governance.domain.assignment import Operator, unknown
from truth_governance.domain.commanding import Occasion, forbidden, stale
from truth_governance.domain.credentials import Assertion
from truth_governance.domain.passkey import Passkey, PasskeyId
from truth_governance.domain.preparation import Preparation, digest_of, may_not
from truth_governance.domain.proof import Proving, Signed, prove
from truth_governance.domain.task import Decision, Move, Task, TaskState, move


class CreateJob(Contract, frozen=True):
    """Make this Task the Job with this digest. It cannot be undone.

    `assertion` is a passkey's answer to the digest as its challenge.
    """

    digest: Digest
    assertion: Assertion | None = None


@dataclass(frozen=True, slots=True)
class Creation:
    """The one Job that a Task became."""

    job_id: JobId
    event_id: EventId
    digest: str
    actor: str
    at: Instant
    passkey_id: PasskeyId | None = None


@dataclass(frozen=True, slots=True)
class Known:
    """What there is: the Job if created, the prepared one, whose it will be, the passkey that is named."""

    creation: Creation | None
    preparation: Preparation | None
    operator: Operator | None
    passkey: Passkey | None = None


@dataclass(frozen=True, slots=True)
class Promotion:
    """Create Job, decided: the Task's last move, and the step that makes it a Job; the passkey after its use.

    A type of its own, so that nothing that carries out other moves can seal it.
    """

    move: Move
    body: JobCreatedBody
    creation: Creation
    passkey: Passkey | None


def create_job(
    task: Task, known: Known, command: CreateJob, occasion: Occasion, proving: Proving
) -> Promotion | Creation | Refusal:
    """Promote an assigned Task: the only decision that makes a Job, by a person's explicit command.

    The digest that made the Job already gives that Job again. Refused: `not_assigned`, `job_exists` (another
    digest), `move_forbidden`, `digest_unknown` (never prepared, or by somebody else), `version_stale`
    (reassigned since), `operator_unknown` (not active any more), `preparation_expired`, and what `prove`
    refuses.
    """
    if refusal := may_not(task, occasion.person):
        return refusal
    if known.creation is not None:
        return known.creation if known.creation.digest == command.digest else job_exists(known.creation)
    if refusal := forbidden(task, "create_job", after=[TaskState.ASSIGNED]):
        return refusal
    if known.operator is None or not known.operator.is_active:
        return unknown(str(task.operator_id))
    job = _prepared(task, known.preparation, command, occasion)
    if isinstance(job, Refusal):
        return job
    signed = None if command.assertion is None else Signed(command.assertion, known.passkey)
    proof = prove(job, command.digest, signed, occasion.at, proving)
    if isinstance(proof, Refusal):
        return proof
    body = JobCreatedBody(
        event_id=occasion.event_id,
        request_id=task.request_id,
        at=occasion.at,
        actor=occasion.person.reference,
        salt=occasion.salt,
        prev=task.history.head,
        job=job,
        proof=proof and proof.kept,
    )
    passkey = proof and proof.passkey
    creation = Creation(
        job.job_id,
        occasion.event_id,
        command.digest,
        occasion.person.reference,
        occasion.at,
        passkey and passkey.passkey_id,
    )
    return Promotion(move(task, _promoted(task, creation, occasion)), body, creation, passkey)


def job_exists(creation: Creation) -> Refusal:
    """`job_exists`, with the id of the one Job that there is."""
    return Refusal("job_exists", f"The Task already is Job {creation.job_id}.")


def _prepared(
    task: Task, preparation: Preparation | None, command: CreateJob, occasion: Occasion
) -> FrozenJob | Refusal:
    if preparation is None or digest_of(preparation.job) != command.digest:
        return Refusal("digest_unknown", "No Job with this digest was prepared for this Task.")
    job = preparation.job
    if job.prepared_by != occasion.person.reference:
        return Refusal("digest_unknown", "Somebody else prepared this Job. Prepare it yourself.")
    if job.prev != task.history.head:
        return stale(task)
    if occasion.at > preparation.expires_at:
        return Refusal("preparation_expired", "The Job was prepared over 10 minutes ago. Prepare it anew.")
    return job


def _promoted(task: Task, creation: Creation, occasion: Occasion) -> Decision:
    content = canonical({"digest": creation.digest, "job_id": str(creation.job_id)}).decode()
    return Decision(
        creation.event_id,
        task.version + 1,
        "create_job",
        TaskState.PROMOTED,
        creation.actor,
        occasion.person.name,
        creation.at,
        content,
    )
