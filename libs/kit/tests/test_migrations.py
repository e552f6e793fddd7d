"""Migrations on a real PostgreSQL, as the owner."""

import asyncio
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError
from truth_kit.connections import DatabaseConnection
from truth_kit.database import Database
from truth_kit.migrations import check, folder, migrate

from libs.kit.tests.hop_sample import MIGRATIONS


def write_revision(where: Path, revision: str, after: str | None, statement: str) -> None:
    lines = [
        "from alembic import op",
        f"revision, down_revision = {revision!r}, {after!r}",
        f"def upgrade(): op.execute({statement!r})",
    ]
    (where / f"{revision}_x.py").write_text("\n".join(lines))


async def told(database: Database, migrations: Path) -> str | None:
    async with database.connect() as conn:
        return await check(conn, migrations)


@pytest.fixture
def newer(tmp_path: Path) -> Path:
    """The sample's migrations and one more."""
    (tmp_path / "0001_hop.py").write_text((MIGRATIONS / "0001_hop.py").read_text())
    write_revision(tmp_path, "0002", "0001", "CREATE TABLE truth.more (n integer)")
    return tmp_path


async def test_the_revision_fits_or_the_release_says_what_it_needs(database: Database, newer: Path) -> None:
    assert await told(database, MIGRATIONS) is None
    assert (
        await told(database, newer)
        == "The database is at revision 0001, this release needs 0002: run migrate."
    )
    await migrate(database.connection, "governance", newer)
    assert await told(database, newer) is None
    assert await told(database, MIGRATIONS) is None  # a newer database is fine: expand, then contract


async def test_a_release_that_is_rolled_back_to_migrates_nothing_and_fits(
    database: Database, newer: Path
) -> None:
    await migrate(database.connection, "governance", newer)
    await migrate(database.connection, "governance", MIGRATIONS)
    assert await told(database, MIGRATIONS) is None
    assert await told(database, newer) is None


async def test_a_database_that_was_never_migrated_is_told(database: Database) -> None:
    owner = DatabaseConnection(dsn=database.connection.owner_dsn or "")
    as_owner = Database(owner, "governance")
    async with as_owner.begin() as tx:
        await tx.execute(text("DROP TABLE truth.alembic_version"))
    await as_owner.close()
    assert await told(database, MIGRATIONS) == "The database is not migrated: run migrate."


async def test_two_at_once_and_again_change_nothing_more(database: Database, newer: Path) -> None:
    again = [migrate(database.connection, "governance", newer) for _ in range(3)]
    await asyncio.gather(*again)
    assert await told(database, newer) is None


async def test_a_failing_migration_leaves_the_database_as_it_was(database: Database, newer: Path) -> None:
    write_revision(newer, "0003", "0002", "CREATE TABLE truth.seen (n integer)")
    with pytest.raises(ProgrammingError):
        await migrate(database.connection, "governance", newer)
    assert await told(database, MIGRATIONS) is None
    async with database.connect() as conn:
        assert (await conn.execute(text("SELECT to_regclass('truth.more')"))).scalar_one() is None


async def test_the_app_role_cannot_migrate(database: Database, newer: Path) -> None:
    as_app = database.connection.model_copy(update={"owner_dsn": database.connection.dsn})
    with pytest.raises(ProgrammingError, match="permission denied"):
        await migrate(as_app, "governance", newer)


def test_migrations_lie_beside_an_editable_package() -> None:
    assert folder("truth_governance").parent.name == "governance"
