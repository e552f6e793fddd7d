"""Tasks, their decision log, Create Job, operators, what execution tells; and the kit's tables."""

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
        received text, first_at timestamptz NOT NULL, UNIQUE (topic, partition, "offset"))""",
    """CREATE TABLE truth.dead_letter_action (
        id uuid PRIMARY KEY, dead_letter_id uuid NOT NULL REFERENCES truth.dead_letter, what text NOT NULL,
        by text NOT NULL, at timestamptz NOT NULL, reason text, outcome text NOT NULL, code text, detail text,
        CHECK (what IN ('redrive', 'dry_run', 'dismiss')),
        CHECK (outcome IN ('redriven', 'refused', 'dismissed', 'would_redrive', 'would_refuse')))""",
    "CREATE INDEX dead_letter_action_letter ON truth.dead_letter_action (dead_letter_id, at)",
    """CREATE UNIQUE INDEX dead_letter_action_closes_once ON truth.dead_letter_action (dead_letter_id)
        WHERE outcome IN ('redriven', 'dismissed')""",
    "GRANT SELECT, INSERT ON truth.inbox, truth.dead_letter, truth.dead_letter_action TO governance_app",
    "GRANT SELECT, INSERT, DELETE ON truth.outbox TO governance_app",
)

TASKS = (
    """CREATE TABLE truth.operator (
        subject text PRIMARY KEY, name text NOT NULL, is_active boolean NOT NULL,
        changed_by text NOT NULL, changed_at timestamptz NOT NULL)""",
    """CREATE TABLE truth.task (
        task_id uuid PRIMARY KEY,
        request_id uuid NOT NULL UNIQUE,
        state text NOT NULL CONSTRAINT task_state_known CHECK (
            state IN ('pending_review', 'info_requested', 'approved', 'assigned', 'promoted', 'declined')),
        version integer NOT NULL,
        surface text NOT NULL,
        maturity text NOT NULL CONSTRAINT task_maturity_accepts_work CHECK (maturity IN ('partial', 'live')),
        summary text NOT NULL,
        requested_by text NOT NULL,
        requested_for text,
        approved_by text CONSTRAINT task_approved_by_a_person CHECK (approved_by LIKE 'person:%'),
        operator_id text,
        history text NOT NULL,
        opened_at timestamptz NOT NULL,
        changed_at timestamptz NOT NULL,
        CONSTRAINT task_with_state UNIQUE (task_id, state),
        CONSTRAINT task_not_approved_by_its_requester CHECK (
            approved_by IS NULL
            OR approved_by <> requested_by AND approved_by IS DISTINCT FROM requested_for),
        CONSTRAINT task_approved_before CHECK (
            state NOT IN ('approved', 'assigned', 'promoted') OR approved_by IS NOT NULL),
        CONSTRAINT task_assigned_before CHECK (
            state NOT IN ('assigned', 'promoted') OR operator_id IS NOT NULL))""",
    "ALTER TABLE truth.task ALTER COLUMN history SET STORAGE EXTERNAL",
    "CREATE INDEX task_queue ON truth.task (state, task_id)",
    "CREATE INDEX task_of_operator ON truth.task (operator_id, task_id) WHERE operator_id IS NOT NULL",
    """CREATE TABLE truth.decision (
        decision_id uuid PRIMARY KEY, task_id uuid NOT NULL REFERENCES truth.task, version integer NOT NULL,
        command text NOT NULL CONSTRAINT decision_command_known CHECK (
            command IN ('open', 'approve', 'decline', 'ask', 'answer', 'assign', 'create_job')),
        state text NOT NULL CONSTRAINT decision_state_known CHECK (
            state IN ('pending_review', 'info_requested', 'approved', 'assigned', 'promoted', 'declined')),
        actor text NOT NULL, actor_name text, at timestamptz NOT NULL, content text NOT NULL,
        CONSTRAINT decision_once_a_version UNIQUE (task_id, version),
        CONSTRAINT decision_by_whom UNIQUE (decision_id, task_id, command, actor))""",
    "GRANT SELECT, INSERT ON truth.operator, truth.task, truth.decision TO governance_app",
    "GRANT UPDATE (name, is_active, changed_by, changed_at) ON truth.operator TO governance_app",
    """GRANT UPDATE (state, version, approved_by, operator_id, history, changed_at)
        ON truth.task TO governance_app""",
)

# Exactly one Job a Task, for ever: by a person, in a decision 'create_job' by that person, over a Job that
# the same person prepared; and the promoted Task cannot move any more while this row stands.
CREATE_JOB = (
    """CREATE TABLE truth.preparation (
        digest text PRIMARY KEY, task_id uuid NOT NULL REFERENCES truth.task, job_id uuid NOT NULL UNIQUE,
        prepared_by text NOT NULL CONSTRAINT preparation_by_a_person CHECK (prepared_by LIKE 'person:%'),
        expires_at timestamptz NOT NULL, job text NOT NULL,
        CONSTRAINT preparation_by_whom UNIQUE (digest, task_id, job_id, prepared_by))""",
    """CREATE TABLE truth.job_creation (
        task_id uuid PRIMARY KEY,
        task_state text NOT NULL CONSTRAINT job_creation_promotes CHECK (task_state = 'promoted'),
        job_id uuid NOT NULL UNIQUE,
        event_id uuid NOT NULL UNIQUE,
        command text NOT NULL CONSTRAINT job_creation_by_command CHECK (command = 'create_job'),
        digest text NOT NULL UNIQUE,
        actor text NOT NULL CONSTRAINT job_creation_by_a_person CHECK (actor LIKE 'person:%'),
        at timestamptz NOT NULL,
        FOREIGN KEY (task_id, task_state) REFERENCES truth.task (task_id, state),
        FOREIGN KEY (event_id, task_id, command, actor)
            REFERENCES truth.decision (decision_id, task_id, command, actor),
        FOREIGN KEY (digest, task_id, job_id, actor)
            REFERENCES truth.preparation (digest, task_id, job_id, prepared_by))""",
    # Only a creation of the very same transaction lets a message for jobs.created into the outbox. xmin is
    # the transaction that wrote a row, kept by PostgreSQL itself and not writable by anybody.
    """CREATE FUNCTION truth.check_job_created() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog
    AS $$
    DECLARE
        told json := convert_from(NEW.value, 'UTF8')::json;
    BEGIN
        PERFORM FROM truth.job_creation AS creation JOIN truth.task USING (task_id)
          WHERE creation.xmin = pg_current_xact_id()::xid
            AND creation.event_id = (told ->> 'event_id')::uuid
            AND creation.task_id = (told #>> '{job,task_id}')::uuid
            AND creation.job_id = (told #>> '{job,job_id}')::uuid
            AND creation.actor = told ->> 'actor'
            AND task.request_id = (told ->> 'request_id')::uuid;
        IF NOT FOUND THEN
            RAISE EXCEPTION 'jobs.created takes what Create Job wrote in the same transaction, nothing else'
                USING ERRCODE = 'check_violation', CONSTRAINT = 'outbox_job_created_by_create_job';
        END IF;
        RETURN NULL;
    END $$""",
    """CREATE CONSTRAINT TRIGGER outbox_job_created_by_create_job AFTER INSERT OR UPDATE ON truth.outbox
        DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.topic = 'jobs.created')
        EXECUTE FUNCTION truth.check_job_created()""",
    "ALTER TABLE truth.outbox ENABLE ALWAYS TRIGGER outbox_job_created_by_create_job",
    "REVOKE ALL ON FUNCTION truth.check_job_created() FROM PUBLIC",
    "GRANT SELECT, INSERT ON truth.preparation, truth.job_creation TO governance_app",
)

EXECUTION_TELLS = (
    """CREATE TABLE truth.job_seen (
        request_id uuid PRIMARY KEY, job_id uuid NOT NULL, job_version integer NOT NULL,
        job_state text NOT NULL, at timestamptz NOT NULL, actor text NOT NULL)""",
    """CREATE TABLE truth.service_event_seen (
        request_id uuid PRIMARY KEY, service_event_id uuid NOT NULL, service_event_version integer NOT NULL,
        service_event_state text NOT NULL, at timestamptz NOT NULL, actor text NOT NULL)""",
    "GRANT SELECT, INSERT, UPDATE ON truth.job_seen, truth.service_event_seen TO governance_app",
)


def upgrade() -> None:
    for statement in (*KIT, *TASKS, *CREATE_JOB, *EXECUTION_TELLS):
        op.execute(statement)
