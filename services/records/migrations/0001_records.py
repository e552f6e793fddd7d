"""Records: drafts, the log, what may be erased beside it, and the kit's tables."""

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
    "GRANT SELECT, INSERT ON truth.inbox, truth.dead_letter, truth.dead_letter_action TO records_app",
    "GRANT SELECT, INSERT, DELETE ON truth.outbox TO records_app",
)

DRAFTS = (
    # One row for each ServiceEvent whose completion was taken in. It stays, so that a second Record is
    # impossible even between the sealing of the first and the arrival of a copy under another event id.
    """CREATE TABLE truth.completion (
        record_id uuid PRIMARY KEY,
        request_id uuid NOT NULL UNIQUE,
        service_event_id uuid NOT NULL UNIQUE,
        subject bytea NOT NULL UNIQUE CHECK (octet_length(subject) = 32),
        operator_id text NOT NULL,
        drafted_at timestamptz NOT NULL
    )""",
    """CREATE TABLE truth.draft (
        n bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        record_id uuid NOT NULL UNIQUE REFERENCES truth.completion,
        event_id uuid NOT NULL,
        body bytea NOT NULL,
        sha256 bytea NOT NULL CHECK (octet_length(sha256) = 32)
    ) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000)""",
    "ALTER TABLE truth.draft ALTER COLUMN body SET STORAGE EXTERNAL",
    """CREATE TABLE truth.step_body (
        record_id uuid NOT NULL REFERENCES truth.completion, step text NOT NULL, body bytea NOT NULL,
        PRIMARY KEY (record_id, step)
    )""",
    """CREATE TABLE truth.disclosure (
        record_id uuid NOT NULL REFERENCES truth.completion, path text NOT NULL, body bytea NOT NULL,
        PRIMARY KEY (record_id, path)
    )""",
    """CREATE TABLE truth.evidence (
        record_id uuid NOT NULL REFERENCES truth.completion, path text NOT NULL,
        sha256 text NOT NULL CHECK (sha256 ~ '^[0-9a-f]{64}$'),
        media_type text NOT NULL, bytes bigint NOT NULL,
        PRIMARY KEY (record_id, path)
    )""",
    # Evidence whose bytes lie in our own store, hashed again. A draft that lacks none of its own is ready.
    """CREATE TABLE truth.evidence_copy (
        sha256 text PRIMARY KEY CHECK (sha256 ~ '^[0-9a-f]{64}$'), bytes bigint NOT NULL,
        copied_at timestamptz NOT NULL
    )""",
    """GRANT SELECT, INSERT ON truth.completion, truth.step_body, truth.disclosure, truth.evidence,
        truth.evidence_copy TO records_app""",
    "GRANT SELECT, INSERT, DELETE ON truth.draft TO records_app",
)

LOG = (
    """CREATE TABLE truth.record (
        idx bigint PRIMARY KEY CHECK (idx >= 0),
        kind text NOT NULL DEFAULT 'record' CHECK (kind = 'record'),
        record_id uuid NOT NULL UNIQUE,
        subject bytea NOT NULL CHECK (octet_length(subject) = 32),
        body bytea NOT NULL,
        leaf bytea NOT NULL CHECK (octet_length(leaf) = 32)
    )""",
    "CREATE UNIQUE INDEX record_one_for_each_completion ON truth.record (subject) WHERE kind = 'record'",
    """CREATE TABLE truth.tile (
        level smallint NOT NULL CHECK (level >= 0), n bigint NOT NULL CHECK (n >= 0),
        hashes bytea NOT NULL CHECK (octet_length(hashes) = 8192),
        root bytea NOT NULL CHECK (octet_length(root) = 32),
        PRIMARY KEY (level, n)
    )""",
    "ALTER TABLE truth.record ALTER COLUMN body SET STORAGE EXTERNAL",
    "ALTER TABLE truth.tile ALTER COLUMN hashes SET STORAGE EXTERNAL",
    """CREATE TABLE truth.checkpoint (
        size bigint PRIMARY KEY CHECK (size > 0),
        root bytea NOT NULL CHECK (octet_length(root) = 32),
        note text NOT NULL,
        signed_at timestamptz NOT NULL
    )""",
    """CREATE TABLE truth.audit (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        at timestamptz NOT NULL,
        from_size bigint NOT NULL CHECK (from_size >= 0),
        to_size bigint NOT NULL CHECK (to_size >= 0),
        root bytea CHECK (octet_length(root) = 32),
        outside_size bigint,
        findings text NOT NULL
    )""",
    "GRANT SELECT, INSERT ON truth.record, truth.tile, truth.checkpoint, truth.audit TO records_app",
    """CREATE FUNCTION truth.refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION '% of truth.% is refused: what is sealed is never changed', TG_OP, TG_TABLE_NAME
            USING ERRCODE = 'restrict_violation';
    END $$""",
    # A checkpoint must cover every Record, without a gap since the one before it, and be the largest.
    """CREATE FUNCTION truth.refuse_shrinking() RETURNS trigger LANGUAGE plpgsql
        SET search_path = truth, pg_temp AS $$
    DECLARE
        before bigint := coalesce((SELECT max(size) FROM truth.checkpoint WHERE size <> NEW.size), 0);
        added bigint := (SELECT count(*) FROM truth.record WHERE idx >= before AND idx < NEW.size);
        beyond boolean := EXISTS (SELECT FROM truth.record WHERE idx >= NEW.size);
    BEGIN
        IF before >= NEW.size OR added <> NEW.size - before OR beyond THEN
            RAISE EXCEPTION 'checkpoint % does not grow from % by the Records that are there',
                NEW.size, before USING ERRCODE = 'restrict_violation';
        END IF;
        RETURN NULL;
    END $$""",
)

GUARDED = ("record", "tile", "checkpoint")


def upgrade() -> None:
    for statement in (*KIT, *DRAFTS, *LOG):
        op.execute(statement)
    for table in GUARDED:
        op.execute(
            f"CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE OR TRUNCATE ON truth.{table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION truth.refuse_change()"
        )
        # ALWAYS: session_replication_role = replica passes an ordinary trigger.
        op.execute(f"ALTER TABLE truth.{table} ENABLE ALWAYS TRIGGER refuse_change")
    op.execute(
        "CREATE CONSTRAINT TRIGGER refuse_shrinking AFTER INSERT ON truth.checkpoint "
        "DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION truth.refuse_shrinking()"
    )
    op.execute("ALTER TABLE truth.checkpoint ENABLE ALWAYS TRIGGER refuse_shrinking")


def downgrade() -> None:
    raise NotImplementedError("what is sealed is never dropped")
