"""Fixtures: an empty database and the HTTP door of one replica."""

from collections.abc import AsyncIterator

import httpx
import pytest
from truth_kit.auth import Verifier
from truth_kit.database import Database
from truth_kit.lifecycle import application
from truth_kit.migrations import folder
from truth_kit.testing import FreshDatabase
from truth_local.system import System

from services.governance.tests.doors import Door, service


@pytest.fixture
async def database(fresh_database: FreshDatabase) -> Database:
    return await fresh_database("governance", folder("truth_governance"))


@pytest.fixture
async def door(database: Database, infrastructure: System) -> AsyncIterator[Door]:
    async with httpx.AsyncClient(trust_env=False) as issuer:
        app = application(
            service(database, infrastructure.issuer), database, Verifier(infrastructure.issuer, issuer)
        )
        door = Door(app, infrastructure, database)
        yield door
        await door.close()
