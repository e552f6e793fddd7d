"""Jobs, ServiceEvents with their evidence, the commands that moved them; and the kit's tables."""

from alembic import op

revision = "0001"
down_revision = None

KIT = (
    """CREATE TABLE truth.inbox (
        source text NOT NULL, event_id text NOT NULL, at timestamptz NOT NULL,
        PRIMARY KEY (source, event_id))""",
    """CREATE TABLE truth.outbox (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, topic text NOT NULL, key bytea, value bytea,
        headers text NOT NULL, created_at timestamptz NOT NULL DEFAULT now()
    ) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000)""",
    # Bodies with digests and signatures hardly shrink: compressing them costs half of the inserts' speed.
    "ALTER TABLE truth.outbox ALTER COLUMN value SET STORAGE EXTERNAL",
    """CREATE TABLE truth.dead_letter (
        id uuid PRIMARY KEY, topic text NOT NULL, partition integer NOT NULL, "offset" bigint NOT NULL,
        appended_at timestamptz NOT NULL, key bytea, value bytea, headers text NOT NULL, source text,
        event_id text, request_id uuid, code text NOT NULL, detail text NOT NULL, field text, expected text,
        received text, first_at timestamptz NOT NULL,
        UNIQUE (topic, partition, "offset"))""",
    """CREATE TABLE truth.dead_letter_action (
        id uuid PRIMARY KEY, dead_letter_id uuid NOT NULL REFERENCES truth.dead_letter, what text NOT NULL,
        by text NOT NULL, at timestamptz NOT NULL, reason text, outcome text NOT NULL, code text, detail text,
        CHECK (what IN ('redrive', 'dry_run', 'dismiss')),
        CHECK (outcome IN ('redriven', 'refused', 'dismissed', 'would_redrive', 'would_refuse')))""",
    "CREATE INDEX dead_letter_action_letter ON truth.dead_letter_action (dead_letter_id, at)",
    """CREATE UNIQUE INDEX dead_letter_action_closes_once ON truth.dead_letter_action (dead_letter_id)
        WHERE outcome IN ('redriven', 'dismissed')""",
    "GRANT SELECT, INSERT ON truth.inbox, truth.dead_letter, truth.dead_letter_action TO execution_app",
    "GRANT SELECT, INSERT, DELETE ON truth.outbox TO execution_app",
)

# The app role may move a Job, but not change what governance froze in it.
JOB = (
    """CREATE TABLE truth.job (
        job_id uuid PRIMARY KEY, task_id uuid NOT NULL UNIQUE, request_id uuid NOT NULL UNIQUE,
        operator_id text NOT NULL, surface text NOT NULL, maturity text NOT NULL, summary text NOT NULL,
        place text, history text NOT NULL, queued_at timestamptz NOT NULL, state text NOT NULL,
        version integer NOT NULL, changed_by text NOT NULL, changed_at timestamptz NOT NULL, claimed_by text,
        claim text,
        CONSTRAINT job_by_its_claimer UNIQUE (job_id, claimed_by),
        CONSTRAINT job_maturity_accepts_work CHECK (maturity IN ('partial', 'live')),
        CONSTRAINT job_state_known CHECK (state IN ('queued', 'claimed', 'closed')),
        CONSTRAINT job_claimed_unless_queued CHECK ((state = 'queued') = (claimed_by IS NULL)),
        CONSTRAINT job_claimed_by_its_operator CHECK (claimed_by = 'person:' || operator_id),
        CONSTRAINT job_claim_is_sealed CHECK ((claimed_by IS NULL) = (claim IS NULL)))""",
    "CREATE INDEX job_on_desk ON truth.job (operator_id, state, changed_at)",
    "GRANT SELECT, INSERT ON truth.job TO execution_app",
    """GRANT UPDATE (state, version, changed_by, changed_at, claimed_by, claim)
        ON truth.job TO execution_app""",
    """CREATE TABLE truth.hand_back (
        job_id uuid NOT NULL REFERENCES truth.job, n integer NOT NULL, actor text NOT NULL,
        at timestamptz NOT NULL, reason text NOT NULL, PRIMARY KEY (job_id, n))""",
    "GRANT SELECT, INSERT ON truth.hand_back TO execution_app",
)

SERVICE_EVENT = (
    """CREATE TABLE truth.service_event (
        service_event_id uuid PRIMARY KEY, job_id uuid NOT NULL UNIQUE, claimed_by text NOT NULL,
        state text NOT NULL, version integer NOT NULL, started_at timestamptz NOT NULL,
        changed_at timestamptz NOT NULL, outcome text, reason text, evidence_missing text NOT NULL,
        completed_at timestamptz, completion text,
        CONSTRAINT service_event_on_claimed_job
            FOREIGN KEY (job_id, claimed_by) REFERENCES truth.job (job_id, claimed_by),
        CONSTRAINT service_event_state_known CHECK (state IN ('started', 'in_progress', 'completed')),
        CONSTRAINT service_event_has_its_outcome CHECK ((state = 'completed') = (outcome IS NOT NULL)
            AND (outcome IS NULL) = (completed_at IS NULL) AND (outcome IS NULL) = (completion IS NULL)),
        CONSTRAINT service_event_outcome_known
            CHECK (outcome IN ('fulfilled', 'partially_fulfilled', 'not_fulfilled')),
        CONSTRAINT service_event_fulfilled_with_evidence
            CHECK (outcome IS DISTINCT FROM 'fulfilled' OR evidence_missing = '[]' AND reason IS NULL))""",
    "GRANT SELECT, INSERT ON truth.service_event TO execution_app",
    """GRANT UPDATE (state, version, changed_at, outcome, reason, evidence_missing, completed_at, completion)
        ON truth.service_event TO execution_app""",
    """CREATE TABLE truth.completed_stage (
        service_event_id uuid NOT NULL REFERENCES truth.service_event, n integer NOT NULL, name text NOT NULL,
        completed_at timestamptz NOT NULL, PRIMARY KEY (service_event_id, n),
        CONSTRAINT completed_stage_once UNIQUE (service_event_id, name))""",
    """CREATE TABLE truth.note (
        service_event_id uuid NOT NULL REFERENCES truth.service_event, n integer NOT NULL, text text NOT NULL,
        stage text, device_at timestamptz, PRIMARY KEY (service_event_id, n))""",
    """CREATE TABLE truth.blob (
        sha256 text PRIMARY KEY, media_type text NOT NULL, bytes bigint NOT NULL,
        received_at timestamptz NOT NULL, received_from text NOT NULL)""",
    """CREATE TABLE truth.evidence (
        service_event_id uuid NOT NULL REFERENCES truth.service_event, n integer NOT NULL,
        sha256 text NOT NULL REFERENCES truth.blob, stage text, origin text NOT NULL, device_at timestamptz,
        PRIMARY KEY (service_event_id, n), CONSTRAINT evidence_once UNIQUE (service_event_id, sha256),
        CONSTRAINT evidence_origin_known CHECK (origin IN ('captured', 'imported')))""",
    "CREATE INDEX evidence_of_bytes ON truth.evidence (sha256)",
    """GRANT SELECT, INSERT ON truth.completed_stage, truth.note, truth.blob, truth.evidence
        TO execution_app""",
)

COMMAND = (
    """CREATE TABLE truth.command (
        command_id uuid PRIMARY KEY, job_id uuid NOT NULL REFERENCES truth.job, command text NOT NULL,
        actor text NOT NULL, at timestamptz NOT NULL, content text NOT NULL, answer text NOT NULL)""",
    "CREATE INDEX command_of_job ON truth.command (job_id)",
    "GRANT SELECT, INSERT ON truth.command TO execution_app",
)


def upgrade() -> None:
    for statement in (*KIT, *JOB, *SERVICE_EVENT, *COMMAND):
        op.execute(statement)
