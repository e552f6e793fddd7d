"""Fixtures: an empty database and the HTTP door of one replica."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest
from truth_governance.domain.proof import ProofPolicy
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
    async with opened(database, infrastructure, "optional") as door:
        yield door


@pytest.fixture
async def strict_door(database: Database, infrastructure: System) -> AsyncIterator[Door]:
    """Where every Create Job needs a passkey."""
    async with opened(database, infrastructure, "required") as door:
        yield door


@asynccontextmanager
async def opened(database: Database, system: System, policy: ProofPolicy) -> AsyncGenerator[Door]:
    async with httpx.AsyncClient(trust_env=False) as issuer:
        app = application(service(database, system, policy), database, Verifier(system.issuer, issuer))
        door = Door(app, system, database)
        yield door
        await door.close()
