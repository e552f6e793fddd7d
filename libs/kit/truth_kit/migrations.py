"""Migrations by command: alembic without env.py, as the owner, one at a time.

Alembic is imported by `migrate` alone. A serving process only compares revisions, which it reads from the
files: that keeps 9 MB out of each.
"""

import ast
import importlib.util
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

from truth_kit.connections import MIGRATION_LOCK, DatabaseConnection, dial

if TYPE_CHECKING:
    from alembic.runtime.migration import MigrationContext, RevisionStep

_IS_MIGRATED = text("SELECT to_regclass('truth.alembic_version') IS NOT NULL")
_REVISION = text("SELECT version_num FROM truth.alembic_version")


def folder(package: str) -> Path:
    """Where the migrations of `package` are: inside it in a wheel, beside it in a checkout."""
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(f"no package {package}")
    package_folder = Path(spec.origin).parent
    inside = package_folder / "migrations"
    return inside if inside.is_dir() else package_folder.parent / "migrations"


async def migrate(connection: DatabaseConnection, service: str, migrations: Path) -> None:
    """Bring the database to the newest revision of `migrations`, as its owner: all of it or nothing.

    A second one waits for the first and finds nothing to do, and so does an older release that is rolled back
    to: old and new live on one schema (expand, then contract). The schema `truth`, alembic's own table in it
    and the app role's right to read both are made here; everything else is in the revisions.
    """
    if connection.owner_dsn is None:
        raise ValueError("migrating needs the owner's DSN")
    owner = DatabaseConnection(dsn=connection.owner_dsn, password_file=connection.owner_password_file)
    engine = _engine(owner, service)
    try:
        async with engine.begin() as tx:
            await tx.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": MIGRATION_LOCK})
            # Behind one long transaction, DDL would make everybody else wait too.
            await tx.execute(text("SET LOCAL lock_timeout = '10s'"))
            await tx.execute(text("CREATE SCHEMA IF NOT EXISTS truth"))
            await tx.run_sync(_upgrade, migrations)
            await tx.execute(text(f'GRANT USAGE ON SCHEMA truth TO "{service}_app"'))
            await tx.execute(text(f'GRANT SELECT ON truth.alembic_version TO "{service}_app"'))
    finally:
        await engine.dispose()


async def check_at(connection: DatabaseConnection, service: str, migrations: Path) -> str | None:
    """What `check` says, as the app role, on a connection of its own. Raises as `dial` does."""
    engine = _engine(connection, service)
    try:
        async with engine.connect() as conn:
            return await check(conn, migrations)
    finally:
        await engine.dispose()


async def check(conn: AsyncConnection, migrations: Path) -> str | None:
    """None when the database fits this release: at its revision, or at one that only a newer release knows.

    Else a sentence that says what to do.
    """
    before = revisions(migrations)
    if not (await conn.execute(_IS_MIGRATED)).scalar_one():
        return "The database is not migrated: run migrate."
    revision = (await conn.execute(_REVISION)).scalar_one_or_none()
    (head,) = before.keys() - before.values()  # the one that no other comes after
    if revision == head or (revision is not None and revision not in before):
        return None
    return f"The database is at revision {revision}, this release needs {head}: run migrate."


def _engine(connection: DatabaseConnection, service: str) -> AsyncEngine:
    creator = partial(dial, connection, f"truth-{service}-migrate", {}, command_timeout=600)
    return create_async_engine("postgresql+asyncpg://", async_creator=creator, poolclass=NullPool)


def _upgrade(connection: Connection, migrations: Path) -> None:
    from alembic.config import Config  # noqa: PLC0415 see above
    from alembic.runtime.environment import EnvironmentContext  # noqa: PLC0415
    from alembic.script import ScriptDirectory  # noqa: PLC0415

    script = ScriptDirectory(migrations, version_locations=[migrations])
    known = revisions(migrations).keys()

    def steps_from(revision: str, _: "MigrationContext") -> "list[RevisionStep]":
        heads: Sequence[str] = revision  # alembic's annotation is wrong: a tuple of the current heads
        if not known >= set(heads):
            return []  # a newer release was here
        return script._upgrade_revs("head", revision)  # pyright: ignore[reportPrivateUsage] as alembic's commands do

    with EnvironmentContext(Config(), script, fn=steps_from) as run:
        run.configure(connection, version_table_schema="truth")
        run.run_migrations()


def revisions(migrations: Path) -> Mapping[str, str | None]:
    """Every revision and the one that it follows, read from the files without running them."""
    return dict(_read(file) for file in sorted(migrations.glob("*.py")))


def _read(file: Path) -> tuple[str, str | None]:
    told = dict(_assigned(ast.parse(file.read_text(encoding="utf-8"))))
    revision, before = (ast.literal_eval(told[name]) for name in ("revision", "down_revision"))
    return str(revision), None if before is None else str(before)


def _assigned(module: ast.Module) -> Iterator[tuple[str, ast.expr]]:
    for node in module.body:
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                yield name, value
            case ast.Assign(targets=[ast.Tuple(elts=names)], value=ast.Tuple(elts=values)):
                yield from (
                    (name.id, value)
                    for name, value in zip(names, values, strict=True)
                    if isinstance(name, ast.Name)
                )
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
                yield name, value
            case _:
                pass
