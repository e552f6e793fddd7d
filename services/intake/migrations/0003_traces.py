"""The trace that a request came with, if it came with one: the relay puts it on its later events."""

from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.execute("CREATE TABLE truth.trace (key bytea PRIMARY KEY, parent text NOT NULL)")
    op.execute("GRANT SELECT, INSERT ON truth.trace TO intake_app")
