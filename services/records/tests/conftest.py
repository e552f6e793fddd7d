"""Fixtures of records' tests: an empty database, Kafka as records, and tasks that end with the test."""

from collections.abc import AsyncIterator

import pytest
from sqlalchemy import make_url
from truth_kit.connections import KafkaConnection
from truth_kit.database import Database
from truth_kit.migrations import folder
from truth_kit.testing import FreshDatabase
from truth_local.system import System

from services.records.tests.running import Running


@pytest.fixture
async def database(fresh_database: FreshDatabase) -> Database:
    return await fresh_database("records", folder("truth_records"))


@pytest.fixture
def kafka(infrastructure: System) -> KafkaConnection:
    principal = infrastructure.principals["records"]
    return KafkaConnection(
        bootstrap=infrastructure.bootstrap,
        username=principal.username,
        password_file=principal.password_file,
    )


@pytest.fixture
def superuser(infrastructure: System, database: Database) -> str:
    """DSN of a superuser in the test's database."""
    name = make_url(database.connection.dsn).database
    dsn = make_url(infrastructure.dsns["records"].superuser).set(database=name)
    return dsn.render_as_string(hide_password=False)


@pytest.fixture
async def running(database: Database) -> AsyncIterator[Running]:
    tasks = Running(database)
    yield tasks
    await tasks.stop()
