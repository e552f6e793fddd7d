"""What ops looks up by request: dead letters, of which few have one and none is on the path."""

from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.execute(
        "CREATE INDEX dead_letter_request ON truth.dead_letter (request_id) WHERE request_id IS NOT NULL"
    )
