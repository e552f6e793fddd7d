"""Tables and rights as the migration makes them, and what the database itself refuses."""

import asyncpg
import pytest
from truth_kit.database import Database
from truth_kit.subscribe import decide
from truth_kit.testing import arrival, unmigrated
from truth_signals.consumer import routes
from truth_signals.tables import metadata

from services.signals.tests.builders import NOW, means, partial_surface, record_sealed

RIGHTS = {
    "alembic_version": "SELECT",
    "outbox": "DELETE INSERT SELECT",
    **dict.fromkeys(
        ["dead_letter", "dead_letter_action", "decision", "inbox", "signal", "trace"], "INSERT SELECT"
    ),
}


async def test_the_tables_are_those_of_the_migration(database: Database) -> None:
    assert await unmigrated(database, metadata) == []


async def test_the_app_role_may_read_and_add(database: Database) -> None:
    connection = await asyncpg.connect(database.connection.dsn)
    rows = await connection.fetch(
        "SELECT table_name, string_agg(privilege_type, ' ' ORDER BY privilege_type) AS rights"
        " FROM information_schema.role_table_grants WHERE grantee = 'signals_app' AND table_schema = 'truth'"
        " GROUP BY table_name"
    )
    await connection.close()
    assert {row["table_name"]: row["rights"] for row in rows} == RIGHTS


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE truth.decision SET reasons = '[]'",
        "DELETE FROM truth.decision",
        "TRUNCATE truth.signal",
        "INSERT INTO truth.signal SELECT gen_random_uuid(), record_id, policy_name, policy_version, '{}', decided_at FROM truth.decision",
    ],
)  # fmt: skip
async def test_neither_role_changes_a_decision_or_adds_a_signal_to_a_withheld_one(
    database: Database, statement: str
) -> None:
    told = arrival(record_sealed(steps=partial_surface()))
    await decide(database, "signals", routes(means()), [told], NOW)
    for dsn in (database.connection.dsn, database.connection.owner_dsn):
        connection = await asyncpg.connect(dsn)
        try:
            with pytest.raises((asyncpg.InsufficientPrivilegeError, asyncpg.RestrictViolationError)):
                await connection.execute(statement)
        finally:
            await connection.close()
