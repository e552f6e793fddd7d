"""Signals: decisions, Signals, and the kit's tables."""

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
    "GRANT SELECT, INSERT ON truth.inbox, truth.dead_letter, truth.dead_letter_action TO signals_app",
    "GRANT SELECT, INSERT, DELETE ON truth.outbox TO signals_app",
)
OWN = (
    # One for each Record and policy version. `reasons` is a JSON array, empty when a Signal was earned.
    """CREATE TABLE truth.decision (
        event_id uuid NOT NULL,
        record_id uuid NOT NULL,
        request_id uuid NOT NULL,
        record_sha256 text NOT NULL CHECK (record_sha256 ~ '^[0-9a-f]{64}$'),
        policy_name text NOT NULL,
        policy_version text NOT NULL,
        policy_sha256 text NOT NULL CHECK (policy_sha256 ~ '^[0-9a-f]{64}$'),
        rules text NOT NULL,
        reasons text NOT NULL,
        decided_at timestamptz NOT NULL,
        PRIMARY KEY (record_id, policy_name, policy_version)
    )""",
    "CREATE INDEX decision_request ON truth.decision (request_id)",
    # At most one Signal for a Record, ever, whatever the policy; and none without a decision without reasons.
    """CREATE TABLE truth.signal (
        signal_id uuid PRIMARY KEY,
        record_id uuid NOT NULL UNIQUE,
        policy_name text NOT NULL,
        policy_version text NOT NULL,
        envelope text NOT NULL,
        emitted_at timestamptz NOT NULL,
        FOREIGN KEY (record_id, policy_name, policy_version) REFERENCES truth.decision
    )""",
    "GRANT SELECT, INSERT ON truth.decision, truth.signal TO signals_app",
    """CREATE FUNCTION truth.refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION '% of truth.% is refused: what was decided is never changed', TG_OP, TG_TABLE_NAME
            USING ERRCODE = 'restrict_violation';
    END $$""",
    """CREATE FUNCTION truth.refuse_withheld() RETURNS trigger LANGUAGE plpgsql
        SET search_path = truth, pg_temp AS $$
    BEGIN
        IF EXISTS (
            SELECT FROM decision WHERE record_id = NEW.record_id AND policy_name = NEW.policy_name
                AND policy_version = NEW.policy_version AND reasons <> '[]'
        ) THEN
            RAISE EXCEPTION 'the Signal over Record % was withheld', NEW.record_id
                USING ERRCODE = 'restrict_violation';
        END IF;
        RETURN NEW;
    END $$""",
    """CREATE TRIGGER refuse_withheld BEFORE INSERT ON truth.signal
        FOR EACH ROW EXECUTE FUNCTION truth.refuse_withheld()""",
    "ALTER TABLE truth.signal ENABLE ALWAYS TRIGGER refuse_withheld",
)

GUARDED = ("decision", "signal")


def upgrade() -> None:
    for statement in (*KIT, *OWN):
        op.execute(statement)
    for table in GUARDED:
        op.execute(
            f"CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE OR TRUNCATE ON truth.{table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION truth.refuse_change()"
        )
        op.execute(f"ALTER TABLE truth.{table} ENABLE ALWAYS TRIGGER refuse_change")


def downgrade() -> None:
    raise NotImplementedError("what was decided is never dropped")
