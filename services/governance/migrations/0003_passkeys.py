"""Passkeys, and which of them signed a Create Job."""

from alembic import op

revision = "0003"
down_revision = "0002"

# A key answers a challenge that was given to its owner, and each challenge takes one key. Used keys count
# upwards, a revoked key stays as it is: a counter set back would hide that there is a copy of the key.
PASSKEYS = (
    """CREATE TABLE truth.passkey_challenge (
        challenge bytea PRIMARY KEY,
        owner text NOT NULL CONSTRAINT passkey_challenge_of_a_person CHECK (owner LIKE 'person:%'),
        expires_at timestamptz NOT NULL,
        CONSTRAINT passkey_challenge_of_whom UNIQUE (challenge, owner))""",
    """CREATE TABLE truth.passkey (
        passkey_id uuid PRIMARY KEY,
        owner text NOT NULL,
        name text NOT NULL,
        credential_id bytea NOT NULL UNIQUE,
        public_key bytea NOT NULL,
        challenge bytea NOT NULL UNIQUE,
        registered_at timestamptz NOT NULL,
        sign_count bigint NOT NULL,
        used_at timestamptz,
        revoked_at timestamptz,
        CONSTRAINT passkey_of_whom UNIQUE (passkey_id, owner),
        FOREIGN KEY (challenge, owner) REFERENCES truth.passkey_challenge (challenge, owner))""",
    "CREATE INDEX passkey_of_owner ON truth.passkey (owner, passkey_id)",
    """CREATE FUNCTION truth.check_passkey() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog
    AS $$
    BEGIN
        IF OLD.revoked_at IS NOT NULL OR NEW.sign_count < OLD.sign_count THEN
            RAISE EXCEPTION 'a passkey counts upwards, and is not changed once it is revoked'
                USING ERRCODE = 'check_violation', CONSTRAINT = 'passkey_goes_forward';
        END IF;
        RETURN NEW;
    END $$""",
    """CREATE TRIGGER passkey_goes_forward BEFORE UPDATE ON truth.passkey
        FOR EACH ROW EXECUTE FUNCTION truth.check_passkey()""",
    "ALTER TABLE truth.passkey ENABLE ALWAYS TRIGGER passkey_goes_forward",
    "REVOKE ALL ON FUNCTION truth.check_passkey() FROM PUBLIC",
    "GRANT SELECT, INSERT ON truth.passkey_challenge, truth.passkey TO governance_app",
    "GRANT UPDATE (sign_count, used_at, revoked_at) ON truth.passkey TO governance_app",
)
CREATED_WITH = (
    "ALTER TABLE truth.job_creation ADD COLUMN passkey_id uuid",
    """ALTER TABLE truth.job_creation ADD CONSTRAINT job_creation_by_own_passkey
        FOREIGN KEY (passkey_id, actor) REFERENCES truth.passkey (passkey_id, owner)""",
)


def upgrade() -> None:
    for statement in (*PASSKEYS, *CREATED_WITH):
        op.execute(statement)
