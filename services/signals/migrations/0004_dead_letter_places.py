"""Once Kafka was made anew, another message lies where an old dead letter lay: its time tells them apart."""

from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.execute(
        """ALTER TABLE truth.dead_letter
            DROP CONSTRAINT dead_letter_topic_partition_offset_key,
            ADD UNIQUE (topic, partition, "offset", appended_at)"""
    )
