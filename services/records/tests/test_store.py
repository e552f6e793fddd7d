"""Tables and rights as the migration makes them."""

from truth_kit.database import Database
from truth_kit.testing import unmigrated
from truth_records.store import drafts as store
from truth_records.tables import metadata

from services.records.tests.builders import NOW, draft, drafts, path
from services.records.tests.running import fetch, insert

READ_AND_ADD = "INSERT SELECT"
RIGHTS = {
    "alembic_version": "SELECT",
    "draft": "DELETE INSERT SELECT",
    "outbox": "DELETE INSERT SELECT",
    **dict.fromkeys(
        ["audit", "checkpoint", "completion", "dead_letter", "dead_letter_action", "disclosure", "evidence",
         "evidence_copy", "inbox", "record", "step_body", "tile", "trace"],
        READ_AND_ADD,
    ),
}  # fmt: skip


async def test_the_tables_are_those_of_the_migration(database: Database) -> None:
    assert await unmigrated(database, metadata) == []


async def test_the_app_role_may_read_and_add_and_delete_only_drafts_and_outbox_rows(
    database: Database,
) -> None:
    rows = await fetch(
        database,
        "SELECT table_name, string_agg(privilege_type, ' ' ORDER BY privilege_type) AS rights"
        " FROM information_schema.role_table_grants WHERE grantee = 'records_app' AND table_schema = 'truth'"
        " GROUP BY table_name",
    )
    assert {row["table_name"]: row["rights"] for row in rows} == RIGHTS


async def test_the_queue_tells_what_is_ready_and_what_waits(database: Database) -> None:
    async with database.connect() as conn:
        assert (await store.find_queue(conn)).oldest_at is None
    await insert(database, [*drafts(range(2)), draft(7), draft(8, path(8))])
    async with database.connect() as conn:
        queue = await store.find_queue(conn)
        (lacking,) = await store.list_lacking(conn, [], 10)
        assert await store.list_lacking(conn, [lacking.sha256], 10) == []
    assert (queue.ready, queue.waiting, queue.oldest_at) == (2, 2, NOW)
    async with database.begin() as tx:
        for _ in range(2):
            await store.insert_copy(tx, lacking.sha256, lacking.bytes, NOW)
    async with database.connect() as conn:
        assert (await store.find_queue(conn)).ready == 4
