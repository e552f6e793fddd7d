"""What people say of an Intake finds it without reading them all."""

from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.execute("CREATE INDEX intake_reference ON truth.intake (right(CAST(request_id AS text), 8))")
