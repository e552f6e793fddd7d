"""Pytest fixtures and builders for services: a fresh migrated database, records as Kafka would give them.

`fresh_database` needs the fixture `infrastructure` of truth_local.testing.
"""

import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol, TypeAlias

import asyncpg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from fastapi import FastAPI
from sqlalchemy import Connection, MetaData, NullPool, make_url, select
from sqlalchemy.ext.asyncio import create_async_engine
from truth_contracts.envelope import Coordinates, Message, to_kafka
from truth_contracts.steps import Event

from truth_kit.connections import DatabaseConnection
from truth_kit.database import Database
from truth_kit.migrations import migrate
from truth_kit.outbox import outbox, unpack_headers
from truth_kit.pages.session import SESSION, Cookies, Session
from truth_kit.subscribe import Arrival


class Dsns(Protocol):
    """One service's PostgreSQL, with the password in each DSN."""

    @property
    def app(self) -> str: ...  # noqa: D102 the class says it
    @property
    def owner(self) -> str: ...  # noqa: D102
    @property
    def superuser(self) -> str: ...  # noqa: D102


class Infrastructure(Protocol):
    """What is used here of the fixture `infrastructure`."""

    @property
    def dsns(self) -> Mapping[str, Dsns]:
        """By service."""
        ...


_KIT_TABLES = frozenset({"alembic_version", "inbox", "outbox", "dead_letter", "dead_letter_action", "trace"})

FreshDatabase: TypeAlias = Callable[[str, Path], Awaitable[Database]]
"""`await fresh_database(service, migrations)`: an empty, migrated database of its own, as the app role."""


@pytest.fixture(scope="session")
def migrated_templates() -> dict[tuple[str, Path], str]:
    """Names of databases that were migrated in this run: copying one takes a twentieth of the time."""
    return {}


@pytest.fixture
async def fresh_database(
    infrastructure: Infrastructure, migrated_templates: dict[tuple[str, Path], str]
) -> AsyncIterator[FreshDatabase]:
    """Makes databases for one test; they are dropped after it."""
    made: list[tuple[Database, str]] = []

    async def make(service: str, migrations: Path) -> Database:
        dsns = infrastructure.dsns[service]
        template = migrated_templates.get((service, migrations))
        if template is None:
            template = await _create(dsns, service)
            await migrate(_connection(dsns, template), service, migrations)
            migrated_templates[service, migrations] = template
        database = Database(_connection(dsns, await _create(dsns, service, template)), service)
        made.append((database, dsns.superuser))
        return database

    yield make
    for database, superuser in made:
        await database.close()
        name = make_url(database.connection.dsn).database
        await _execute(superuser, f'DROP DATABASE "{name}" WITH (FORCE)')


def cookie(app: FastAPI, subject: str, *roles: str) -> dict[str, str]:
    """The cookie of somebody who has just signed in to this application's pages."""
    cookies: Cookies = app.state.cookies
    session = Session(subject, subject.capitalize(), roles, int(time.time()))
    return {cookies.name(SESSION): cookies.sign(SESSION, asdict(session))}


def arrival(
    sent: Event | Message, *, offset: int = 0, partition: int = 0, at: datetime | None = None
) -> Arrival:
    """`sent` as a record that Kafka gives a consumer; `at` is the broker's clock."""
    message = sent if isinstance(sent, Message) else to_kafka(sent)
    return Arrival(
        message, Coordinates(message.topic, partition, offset), at or datetime(2026, 1, 1, tzinfo=UTC)
    )


async def published(database: Database) -> list[Message]:
    """What waits in the outbox, in the order in which it will be published."""
    c = outbox.c
    async with database.connect() as conn:
        rows = await conn.execute(select(c.topic, c.key, c.value, c.headers).order_by(c.id))
        return [Message(topic, key, value, unpack_headers(headers)) for topic, key, value, headers in rows]


async def unmigrated(database: Database, metadata: MetaData) -> list[Any]:
    """How a service's own tables in a migrated database differ from `metadata`, as Alembic tells it."""

    def is_own(name: str | None, kind: str, _parent: object) -> bool:
        return name == "truth" if kind == "schema" else kind != "table" or name not in _KIT_TABLES

    def differences(connection: Connection) -> list[Any]:
        options = {"include_schemas": True, "compare_type": True, "include_name": is_own}
        return compare_metadata(MigrationContext.configure(connection, opts=options), metadata)

    # A connection without search_path: under one, reflection leaves the schema of foreign keys out.
    url = make_url(database.connection.dsn).set(drivername="postgresql+asyncpg")
    engine = create_async_engine(url, poolclass=NullPool)
    async with engine.connect() as conn:
        return await conn.run_sync(differences)


async def _create(dsns: Dsns, service: str, template: str = "template0") -> str:
    name = f"{service}_{uuid.uuid4().hex[:12]}"
    await _execute(dsns.superuser, f'CREATE DATABASE "{name}" TEMPLATE "{template}" OWNER "{service}_owner"')
    return name


async def _execute(superuser: str, statement: str) -> None:
    conn = await asyncpg.connect(superuser)
    try:
        await conn.execute(statement)
    finally:
        await conn.close()


def _connection(dsns: Dsns, name: str) -> DatabaseConnection:
    return DatabaseConnection(dsn=_of(dsns.app, name), owner_dsn=_of(dsns.owner, name))


def _of(dsn: str, name: str) -> str:
    return make_url(dsn).set(database=name).render_as_string(hide_password=False)
