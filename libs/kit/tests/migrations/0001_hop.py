"""The kit's own tables, and one for the state of the tests' sample service (governance, for its rights)."""

from alembic import op

revision = "0001"
down_revision = None

STATEMENTS = (
    """CREATE TABLE truth.inbox (
        source text NOT NULL, event_id text NOT NULL, at timestamptz NOT NULL, PRIMARY KEY (source, event_id))""",
    """CREATE TABLE truth.outbox (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, topic text NOT NULL,
        key bytea, value bytea, headers text NOT NULL, created_at timestamptz NOT NULL DEFAULT now()
    ) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000)""",
    """CREATE TABLE truth.dead_letter (
        id uuid PRIMARY KEY, topic text NOT NULL, partition integer NOT NULL, "offset" bigint NOT NULL,
        appended_at timestamptz NOT NULL, key bytea, value bytea, headers text NOT NULL,
        source text, event_id text, request_id uuid, code text NOT NULL, detail text NOT NULL,
        field text, expected text, received text, first_at timestamptz NOT NULL,
        UNIQUE (topic, partition, "offset", appended_at))""",
    """CREATE TABLE truth.dead_letter_action (
        id uuid PRIMARY KEY, dead_letter_id uuid NOT NULL REFERENCES truth.dead_letter, what text NOT NULL,
        by text NOT NULL, at timestamptz NOT NULL, reason text, outcome text NOT NULL, code text, detail text,
        CHECK (what IN ('redrive', 'dry_run', 'dismiss')),
        CHECK (outcome IN ('redriven', 'refused', 'dismissed', 'would_redrive', 'would_refuse')))""",
    "CREATE INDEX dead_letter_action_letter ON truth.dead_letter_action (dead_letter_id, at)",
    """CREATE UNIQUE INDEX dead_letter_action_closes_once ON truth.dead_letter_action (dead_letter_id)
        WHERE outcome IN ('redriven', 'dismissed')""",
    "CREATE TABLE truth.trace (key bytea PRIMARY KEY, parent text NOT NULL)",
    """GRANT SELECT, INSERT ON truth.inbox, truth.dead_letter, truth.dead_letter_action, truth.trace
        TO governance_app""",
    "GRANT SELECT, INSERT, DELETE ON truth.outbox TO governance_app",
    """CREATE TABLE truth.seen (
        n bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, request_id uuid NOT NULL, version integer NOT NULL,
        event_id uuid NOT NULL)""",  # no unique constraint: acting twice must show
    "CREATE TABLE truth.forbidden (state text PRIMARY KEY)",
    "GRANT SELECT, INSERT ON truth.seen TO governance_app",
    "GRANT SELECT, INSERT, DELETE ON truth.forbidden TO governance_app",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
