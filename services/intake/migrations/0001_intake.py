"""Intake: surfaces, Intakes with their sealed steps, answers, the tracker's projection, the kit's tables."""

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

KIT = (
    """CREATE TABLE truth.inbox (
        source text NOT NULL, event_id text NOT NULL, at timestamptz NOT NULL, PRIMARY KEY (source, event_id)
    )""",
    """CREATE TABLE truth.outbox (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, topic text NOT NULL, key bytea, value bytea,
        headers text NOT NULL, created_at timestamptz NOT NULL DEFAULT now()
    ) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000)""",
    # Bodies with digests and signatures hardly shrink: compressing them costs half of the inserts' speed.
    "ALTER TABLE truth.outbox ALTER COLUMN value SET STORAGE EXTERNAL",
    """CREATE TABLE truth.dead_letter (
        id uuid PRIMARY KEY, topic text NOT NULL, partition integer NOT NULL, "offset" bigint NOT NULL,
        appended_at timestamptz NOT NULL, key bytea, value bytea, headers text NOT NULL,
        source text, event_id text, request_id uuid, code text NOT NULL, detail text NOT NULL,
        field text, expected text, received text, first_at timestamptz NOT NULL,
        UNIQUE (topic, partition, "offset")
    )""",
    """CREATE TABLE truth.dead_letter_action (
        id uuid PRIMARY KEY, dead_letter_id uuid NOT NULL REFERENCES truth.dead_letter, what text NOT NULL,
        by text NOT NULL, at timestamptz NOT NULL, reason text, outcome text NOT NULL, code text, detail text,
        CHECK (what IN ('redrive', 'dry_run', 'dismiss')),
        CHECK (outcome IN ('redriven', 'refused', 'dismissed', 'would_redrive', 'would_refuse'))
    )""",
    "CREATE INDEX dead_letter_action_letter ON truth.dead_letter_action (dead_letter_id, at)",
    """CREATE UNIQUE INDEX dead_letter_action_closes_once ON truth.dead_letter_action (dead_letter_id)
        WHERE outcome IN ('redriven', 'dismissed')""",
    "GRANT SELECT, INSERT ON truth.inbox, truth.dead_letter, truth.dead_letter_action TO intake_app",
    "GRANT SELECT, INSERT, DELETE ON truth.outbox TO intake_app",
)

DOOR = (
    """CREATE TABLE truth.surface (
        name text NOT NULL CHECK (name ~ '^[a-z0-9][a-z0-9-]{0,63}$'),
        version integer NOT NULL CHECK (version >= 1),
        title text NOT NULL,
        maturity text NOT NULL CHECK (maturity IN ('planned', 'partial', 'live')),
        stages text NOT NULL,
        registered_at timestamptz NOT NULL,
        registered_by text NOT NULL,
        PRIMARY KEY (name, version),
        UNIQUE (name, version, maturity)
    )""",
    # The maturity is that of the surface's version in force, and never planned.
    """CREATE TABLE truth.intake (
        request_id uuid PRIMARY KEY,
        source text NOT NULL,
        request_key text NOT NULL,
        received_event_id text NOT NULL,
        content_sha256 text NOT NULL CHECK (content_sha256 ~ '^[0-9a-f]{64}$'),
        event_id uuid NOT NULL UNIQUE,
        door text NOT NULL CHECK (door IN ('kafka', 'api', 'form', 'intake-page')),
        actor text NOT NULL,
        surface text NOT NULL,
        surface_version integer NOT NULL,
        maturity text NOT NULL CHECK (maturity IN ('partial', 'live')),
        received_at timestamptz NOT NULL,
        accepted_at timestamptz NOT NULL,
        kafka_partition integer,
        kafka_offset bigint,
        tracker_sha256 bytea UNIQUE CHECK (octet_length(tracker_sha256) = 32),
        UNIQUE (source, request_key),
        UNIQUE (source, received_event_id),
        FOREIGN KEY (surface, surface_version, maturity) REFERENCES truth.surface (name, version, maturity),
        CHECK ((door = 'kafka') = (kafka_partition IS NOT NULL)),
        CHECK ((kafka_partition IS NULL) = (kafka_offset IS NULL))
    )""",
    "CREATE INDEX intake_request_key ON truth.intake (request_key)",
    "CREATE INDEX intake_actor ON truth.intake (actor, request_id)",
    """CREATE TABLE truth.step (
        request_id uuid NOT NULL REFERENCES truth.intake,
        step text NOT NULL CHECK (step IN ('request', 'intake')),
        body bytea NOT NULL,
        link text NOT NULL,
        PRIMARY KEY (request_id, step)
    )""",
    """CREATE TABLE truth.answer (
        request_id uuid NOT NULL REFERENCES truth.intake,
        question_version bigint NOT NULL CHECK (question_version >= 1),
        answer text NOT NULL,
        event_id uuid NOT NULL UNIQUE,
        at timestamptz NOT NULL,
        actor text NOT NULL,
        PRIMARY KEY (request_id, question_version)
    )""",
    # No reference to the Intake: what watchers are told may come in any order, and no step depends on it.
    """CREATE TABLE truth.projection (
        request_id uuid NOT NULL,
        step text NOT NULL CHECK (step IN ('task', 'job', 'service_event', 'record', 'signal')),
        id uuid NOT NULL,
        version bigint NOT NULL,
        state text NOT NULL,
        at timestamptz NOT NULL,
        message text,
        PRIMARY KEY (request_id, step)
    ) WITH (fillfactor = 80)""",
    "GRANT SELECT, INSERT ON truth.surface, truth.intake, truth.step, truth.answer TO intake_app",
    "GRANT SELECT, INSERT, UPDATE ON truth.projection TO intake_app",
)


def upgrade() -> None:
    for statement in (*KIT, *DOOR):
        op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError("an Intake is never dropped")
