"""Fixtures of execution's tests: an empty database."""

import pytest
from truth_kit.database import Database
from truth_kit.migrations import folder
from truth_kit.testing import FreshDatabase


@pytest.fixture
async def database(fresh_database: FreshDatabase) -> Database:
    return await fresh_database("execution", folder("truth_execution"))
