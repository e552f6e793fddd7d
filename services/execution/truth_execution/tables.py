"""Execution's tables. The constraints that a code path could break stand in the database, too."""

from datetime import datetime

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKeyConstraint,
    Index,
    Integer,
    Table,
    Text,
    UniqueConstraint,
)
from sqlalchemy.schema import TypedColumns
from truth_contracts.ids import CommandId, JobId, RequestId, ServiceEventId, TaskId
from truth_kit.columns import id_column, instant_column, new_metadata, optional_instant_column

metadata = new_metadata()


class JobColumns(TypedColumns):
    """A Job. Nobody may change what governance froze: the app role has no UPDATE on it.

    `history` is the path to `job_created`, `claim` the step `job_claimed` while there is one, as store.paths
    packs them. `summary` and `place` repeat what the path tells, for the Desk.
    """

    job_id: Column[JobId] = id_column(JobId, primary_key=True)
    task_id: Column[TaskId] = id_column(TaskId, unique=True)  # one Job a Task, for ever
    request_id: Column[RequestId] = id_column(RequestId, unique=True)
    operator_id: Column[str] = Column(Text, nullable=False)
    surface: Column[str] = Column(Text, nullable=False)
    maturity: Column[str] = Column(Text, nullable=False)
    summary: Column[str] = Column(Text, nullable=False)
    place: Column[str | None] = Column(Text, nullable=True)
    history: Column[str] = Column(Text, nullable=False)
    queued_at: Column[datetime] = instant_column()
    state: Column[str] = Column(Text, nullable=False)
    version: Column[int] = Column(Integer, nullable=False)
    changed_by: Column[str] = Column(Text, nullable=False)
    changed_at: Column[datetime] = instant_column()
    claimed_by: Column[str | None] = Column(Text, nullable=True)
    claim: Column[str | None] = Column(Text, nullable=True)


class HandBackColumns(TypedColumns):
    """A claim given back before work began."""

    job_id: Column[JobId] = id_column(JobId, primary_key=True)
    n: Column[int] = Column(Integer, primary_key=True)
    actor: Column[str] = Column(Text, nullable=False)
    at: Column[datetime] = instant_column()
    reason: Column[str] = Column(Text, nullable=False)


class ServiceEventColumns(TypedColumns):
    """The work on a claimed Job, by its claimer, at most once a Job. `completion` is its sealed last step."""

    service_event_id: Column[ServiceEventId] = id_column(ServiceEventId, primary_key=True)
    job_id: Column[JobId] = id_column(JobId, unique=True)
    claimed_by: Column[str] = Column(Text, nullable=False)
    state: Column[str] = Column(Text, nullable=False)
    version: Column[int] = Column(Integer, nullable=False)
    started_at: Column[datetime] = instant_column()
    changed_at: Column[datetime] = instant_column()
    outcome: Column[str | None] = Column(Text, nullable=True)
    reason: Column[str | None] = Column(Text, nullable=True)
    evidence_missing: Column[str] = Column(Text, nullable=False)  # names of stages, a JSON array
    completed_at: Column[datetime | None] = optional_instant_column()
    completion: Column[str | None] = Column(Text, nullable=True)


class CompletedStageColumns(TypedColumns):
    """A stage that is done."""

    service_event_id: Column[ServiceEventId] = id_column(ServiceEventId, primary_key=True)
    n: Column[int] = Column(Integer, primary_key=True)
    name: Column[str] = Column(Text, nullable=False)
    completed_at: Column[datetime] = instant_column()


class NoteColumns(TypedColumns):
    """What the operator wrote down."""

    service_event_id: Column[ServiceEventId] = id_column(ServiceEventId, primary_key=True)
    n: Column[int] = Column(Integer, primary_key=True)
    text: Column[str] = Column(Text, nullable=False)
    stage: Column[str | None] = Column(Text, nullable=True)
    device_at: Column[datetime | None] = optional_instant_column()


class BlobColumns(TypedColumns):
    """Bytes in the evidence folder that were judged to be a photo."""

    sha256: Column[str] = Column(Text, primary_key=True)
    media_type: Column[str] = Column(Text, nullable=False)
    bytes: Column[int] = Column(BigInteger, nullable=False)
    received_at: Column[datetime] = instant_column()
    received_from: Column[str] = Column(Text, nullable=False)


class EvidenceColumns(TypedColumns):
    """A photo attached to a ServiceEvent, once."""

    service_event_id: Column[ServiceEventId] = id_column(ServiceEventId, primary_key=True)
    n: Column[int] = Column(Integer, primary_key=True)
    sha256: Column[str] = Column(Text, nullable=False)
    stage: Column[str | None] = Column(Text, nullable=True)
    origin: Column[str] = Column(Text, nullable=False)
    device_at: Column[datetime | None] = optional_instant_column()


class CommandColumns(TypedColumns):
    """Every command that was carried out: what it said in canonical form, and the answer it got, for ever."""

    command_id: Column[CommandId] = id_column(CommandId, primary_key=True)
    job_id: Column[JobId] = id_column(JobId)
    command: Column[str] = Column(Text, nullable=False)
    actor: Column[str] = Column(Text, nullable=False)
    at: Column[datetime] = instant_column()
    content: Column[str] = Column(Text, nullable=False)
    answer: Column[str] = Column(Text, nullable=False)


job = Table(
    "job",
    metadata,
    JobColumns,
    UniqueConstraint("job_id", "claimed_by", name="job_by_its_claimer"),
    CheckConstraint("maturity IN ('partial', 'live')", name="job_maturity_accepts_work"),
    CheckConstraint("state IN ('queued', 'claimed', 'closed')", name="job_state_known"),
    CheckConstraint("(state = 'queued') = (claimed_by IS NULL)", name="job_claimed_unless_queued"),
    CheckConstraint("claimed_by = 'person:' || operator_id", name="job_claimed_by_its_operator"),
    CheckConstraint("(claimed_by IS NULL) = (claim IS NULL)", name="job_claim_is_sealed"),
)
Index("job_on_desk", job.c.operator_id, job.c.state, job.c.changed_at)
hand_back = Table("hand_back", metadata, HandBackColumns, ForeignKeyConstraint(["job_id"], [job.c.job_id]))
service_event = Table(
    "service_event",
    metadata,
    ServiceEventColumns,
    # Only on a claimed Job and by its claimer; and while it is there, the Job cannot be handed back.
    ForeignKeyConstraint(
        ["job_id", "claimed_by"], [job.c.job_id, job.c.claimed_by], name="service_event_on_claimed_job"
    ),
    CheckConstraint("state IN ('started', 'in_progress', 'completed')", name="service_event_state_known"),
    CheckConstraint(
        "(state = 'completed') = (outcome IS NOT NULL)"
        " AND (outcome IS NULL) = (completed_at IS NULL) AND (outcome IS NULL) = (completion IS NULL)",
        name="service_event_has_its_outcome",
    ),
    CheckConstraint(
        "outcome IN ('fulfilled', 'partially_fulfilled', 'not_fulfilled')",
        name="service_event_outcome_known",
    ),
    CheckConstraint(
        "outcome IS DISTINCT FROM 'fulfilled' OR evidence_missing = '[]' AND reason IS NULL",
        name="service_event_fulfilled_with_evidence",
    ),
)
completed_stage = Table(
    "completed_stage",
    metadata,
    CompletedStageColumns,
    UniqueConstraint("service_event_id", "name", name="completed_stage_once"),
    ForeignKeyConstraint(["service_event_id"], [service_event.c.service_event_id]),
)
note = Table(
    "note",
    metadata,
    NoteColumns,
    ForeignKeyConstraint(["service_event_id"], [service_event.c.service_event_id]),
)
blob = Table("blob", metadata, BlobColumns)
evidence = Table(
    "evidence",
    metadata,
    EvidenceColumns,
    UniqueConstraint("service_event_id", "sha256", name="evidence_once"),
    CheckConstraint("origin IN ('captured', 'imported')", name="evidence_origin_known"),
    ForeignKeyConstraint(["service_event_id"], [service_event.c.service_event_id]),
    ForeignKeyConstraint(["sha256"], [blob.c.sha256]),
)
Index("evidence_of_bytes", evidence.c.sha256)
command = Table("command", metadata, CommandColumns, ForeignKeyConstraint(["job_id"], [job.c.job_id]))
Index("command_of_job", command.c.job_id)
