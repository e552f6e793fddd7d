"""Governance's tables. The constraints that a code path could break stand in the database, too."""

from datetime import datetime

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    UniqueConstraint,
)
from sqlalchemy.schema import TypedColumns
from truth_contracts.ids import EventId, JobId, RequestId, ServiceEventId, TaskId
from truth_kit.columns import (
    id_column,
    instant_column,
    new_metadata,
    optional_id_column,
    optional_instant_column,
)

from truth_governance.domain.passkey import PasskeyId

metadata = new_metadata()


class OperatorColumns(TypedColumns):
    """Somebody that Tasks can be assigned to. `subject` is that of their token."""

    subject: Column[str] = Column(Text, primary_key=True)
    name: Column[str] = Column(Text, nullable=False)
    is_active: Column[bool] = Column(Boolean, nullable=False)
    changed_by: Column[str] = Column(Text, nullable=False)
    changed_at: Column[datetime] = instant_column()


class TaskColumns(TypedColumns):
    """A Task as its last decision left it. `history` is what store.tasks packs: canonical texts and links."""

    task_id: Column[TaskId] = id_column(TaskId, primary_key=True)
    request_id: Column[RequestId] = id_column(RequestId, unique=True)  # one Task a request
    state: Column[str] = Column(Text, nullable=False)
    version: Column[int] = Column(Integer, nullable=False)
    surface: Column[str] = Column(Text, nullable=False)
    maturity: Column[str] = Column(Text, nullable=False)
    summary: Column[str] = Column(Text, nullable=False)
    requested_by: Column[str] = Column(Text, nullable=False)
    requested_for: Column[str | None] = Column(Text, nullable=True)
    approved_by: Column[str | None] = Column(Text, nullable=True)
    operator_id: Column[str | None] = Column(Text, nullable=True)
    history: Column[str] = Column(Text, nullable=False)
    opened_at: Column[datetime] = instant_column()
    changed_at: Column[datetime] = instant_column()


class DecisionColumns(TypedColumns):
    """The decision log: one row a move, never changed. `decision_id` is also the id of the step it made."""

    decision_id: Column[EventId] = id_column(EventId, primary_key=True)
    task_id: Column[TaskId] = id_column(TaskId)
    version: Column[int] = Column(Integer, nullable=False)
    command: Column[str] = Column(Text, nullable=False)
    state: Column[str] = Column(Text, nullable=False)
    actor: Column[str] = Column(Text, nullable=False)
    actor_name: Column[str | None] = Column(Text, nullable=True)
    at: Column[datetime] = instant_column()
    content: Column[str] = Column(Text, nullable=False)


class PreparationColumns(TypedColumns):
    """Frozen Jobs, each waiting ten minutes for its Create Job. `job` is the text that was digested."""

    digest: Column[str] = Column(Text, primary_key=True)
    task_id: Column[TaskId] = id_column(TaskId)
    job_id: Column[JobId] = id_column(JobId, unique=True)
    prepared_by: Column[str] = Column(Text, nullable=False)
    expires_at: Column[datetime] = instant_column()
    job: Column[str] = Column(Text, nullable=False)


class JobCreationColumns(TypedColumns):
    """Create Job, done: at most once a Task, by a person, over what that very person prepared."""

    task_id: Column[TaskId] = id_column(TaskId, primary_key=True)
    task_state: Column[str] = Column(Text, nullable=False)
    job_id: Column[JobId] = id_column(JobId, unique=True)
    event_id: Column[EventId] = id_column(EventId, unique=True)  # the decision's id, and JobCreated's
    command: Column[str] = Column(Text, nullable=False)
    digest: Column[str] = Column(Text, nullable=False, unique=True)
    actor: Column[str] = Column(Text, nullable=False)
    at: Column[datetime] = instant_column()
    passkey_id: Column[PasskeyId | None] = optional_id_column(PasskeyId)  # that signed it, the actor's own


class PasskeyChallengeColumns(TypedColumns):
    """What a new passkey answers: once, and only its `owner`'s."""

    challenge: Column[bytes] = Column(LargeBinary, primary_key=True)
    owner: Column[str] = Column(Text, nullable=False)
    expires_at: Column[datetime] = instant_column()


class PasskeyColumns(TypedColumns):
    """A key of somebody's authenticator. `public_key` is in COSE, as it was registered."""

    passkey_id: Column[PasskeyId] = id_column(PasskeyId, primary_key=True)
    owner: Column[str] = Column(Text, nullable=False)
    name: Column[str] = Column(Text, nullable=False)
    credential_id: Column[bytes] = Column(LargeBinary, nullable=False, unique=True)
    public_key: Column[bytes] = Column(LargeBinary, nullable=False)
    challenge: Column[bytes] = Column(LargeBinary, nullable=False, unique=True)
    registered_at: Column[datetime] = instant_column()
    sign_count: Column[int] = Column(BigInteger, nullable=False)  # goes up or stays, by a trigger
    used_at: Column[datetime | None] = optional_instant_column()
    revoked_at: Column[datetime | None] = optional_instant_column()  # for ever, by a trigger


class JobSeenColumns(TypedColumns):
    """What execution tells of a Job, for display only."""

    request_id: Column[RequestId] = id_column(RequestId, primary_key=True)
    job_id: Column[JobId] = id_column(JobId)
    job_version: Column[int] = Column(Integer, nullable=False)
    job_state: Column[str] = Column(Text, nullable=False)
    at: Column[datetime] = instant_column()
    actor: Column[str] = Column(Text, nullable=False)


class ServiceEventSeenColumns(TypedColumns):
    """What execution tells of a ServiceEvent, for display only."""

    request_id: Column[RequestId] = id_column(RequestId, primary_key=True)
    service_event_id: Column[ServiceEventId] = id_column(ServiceEventId)
    service_event_version: Column[int] = Column(Integer, nullable=False)
    service_event_state: Column[str] = Column(Text, nullable=False)
    at: Column[datetime] = instant_column()
    actor: Column[str] = Column(Text, nullable=False)


_STATES = "('pending_review', 'info_requested', 'approved', 'assigned', 'promoted', 'declined')"
_COMMANDS = "('open', 'approve', 'decline', 'ask', 'answer', 'assign', 'create_job')"

operator = Table("operator", metadata, OperatorColumns)
task = Table(
    "task",
    metadata,
    TaskColumns,
    UniqueConstraint("task_id", "state", name="task_with_state"),
    CheckConstraint(f"state IN {_STATES}", name="task_state_known"),
    CheckConstraint("maturity IN ('partial', 'live')", name="task_maturity_accepts_work"),
    CheckConstraint("approved_by LIKE 'person:%'", name="task_approved_by_a_person"),
    CheckConstraint(
        "approved_by IS NULL OR approved_by <> requested_by AND approved_by IS DISTINCT FROM requested_for",
        name="task_not_approved_by_its_requester",
    ),
    CheckConstraint(
        "state NOT IN ('approved', 'assigned', 'promoted') OR approved_by IS NOT NULL",
        name="task_approved_before",
    ),
    CheckConstraint(
        "state NOT IN ('assigned', 'promoted') OR operator_id IS NOT NULL", name="task_assigned_before"
    ),
)
Index("task_queue", task.c.state, task.c.task_id)
Index(
    "task_of_operator", task.c.operator_id, task.c.task_id, postgresql_where=task.c.operator_id.is_not(None)
)
decision = Table(
    "decision",
    metadata,
    DecisionColumns,
    CheckConstraint(f"command IN {_COMMANDS}", name="decision_command_known"),
    CheckConstraint(f"state IN {_STATES}", name="decision_state_known"),
    UniqueConstraint("task_id", "version", name="decision_once_a_version"),
    UniqueConstraint("decision_id", "task_id", "command", "actor", name="decision_by_whom"),
    ForeignKeyConstraint(["task_id"], [task.c.task_id]),
)
preparation = Table(
    "preparation",
    metadata,
    PreparationColumns,
    UniqueConstraint("digest", "task_id", "job_id", "prepared_by", name="preparation_by_whom"),
    ForeignKeyConstraint(["task_id"], [task.c.task_id]),
    CheckConstraint("prepared_by LIKE 'person:%'", name="preparation_by_a_person"),
)
passkey_challenge = Table(
    "passkey_challenge",
    metadata,
    PasskeyChallengeColumns,
    CheckConstraint("owner LIKE 'person:%'", name="passkey_challenge_of_a_person"),
    UniqueConstraint("challenge", "owner", name="passkey_challenge_of_whom"),
)
passkey = Table(
    "passkey",
    metadata,
    PasskeyColumns,
    UniqueConstraint("passkey_id", "owner", name="passkey_of_whom"),
    ForeignKeyConstraint(["challenge", "owner"], [passkey_challenge.c.challenge, passkey_challenge.c.owner]),
)
Index("passkey_of_owner", passkey.c.owner, passkey.c.passkey_id)
job_creation = Table(
    "job_creation",
    metadata,
    JobCreationColumns,
    CheckConstraint("command = 'create_job'", name="job_creation_by_command"),
    CheckConstraint("task_state = 'promoted'", name="job_creation_promotes"),
    CheckConstraint("actor LIKE 'person:%'", name="job_creation_by_a_person"),
    ForeignKeyConstraint(["task_id", "task_state"], [task.c.task_id, task.c.state]),
    ForeignKeyConstraint(
        ["event_id", "task_id", "command", "actor"],
        [decision.c.decision_id, decision.c.task_id, decision.c.command, decision.c.actor],
    ),
    ForeignKeyConstraint(
        ["digest", "task_id", "job_id", "actor"],
        [preparation.c.digest, preparation.c.task_id, preparation.c.job_id, preparation.c.prepared_by],
    ),
    ForeignKeyConstraint(
        ["passkey_id", "actor"], [passkey.c.passkey_id, passkey.c.owner], name="job_creation_by_own_passkey"
    ),
)
job_seen = Table("job_seen", metadata, JobSeenColumns)
service_event_seen = Table("service_event_seen", metadata, ServiceEventSeenColumns)
