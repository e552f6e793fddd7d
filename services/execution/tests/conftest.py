"""Fixtures of execution's tests: an empty database, the HTTP side over it, and who calls it."""

from collections.abc import AsyncIterator

import httpx
import pytest
from truth_execution import api, consumer
from truth_execution.evidence import Store
from truth_kit.auth import Verifier
from truth_kit.blobs import blobs_at
from truth_kit.connections import HttpServer, KafkaConnection
from truth_kit.database import Database
from truth_kit.lifecycle import Service, application
from truth_kit.migrations import folder
from truth_kit.testing import FreshDatabase
from truth_local.system import System
from truth_local.testing import Stores

from services.execution.tests.calling import PHOTO_BYTES_MAX, As, queue
from services.execution.tests.making import KEYS, SIGNER


@pytest.fixture
async def database(fresh_database: FreshDatabase) -> Database:
    return await fresh_database("execution", folder("truth_execution"))


@pytest.fixture
async def door(
    infrastructure: System, database: Database, stores: Stores
) -> AsyncIterator[httpx.ASGITransport]:
    """The HTTP side of the service."""
    principal = infrastructure.principals["execution"]
    service = Service(
        name="execution",
        version="1.0.0",
        http=HttpServer(port=1, public_url="http://localhost:1"),
        database=database.connection,
        kafka=KafkaConnection(
            bootstrap=infrastructure.bootstrap,
            username=principal.username,
            password_file=principal.password_file,
        ),
        issuer=infrastructure.issuer,
        routes=consumer.routes(KEYS),
        routers=(api.router,),
        state={"signer": SIGNER, "evidence": Store(blobs_at(stores.at("evidence")), PHOTO_BYTES_MAX)},
    )
    async with httpx.AsyncClient() as issuer:
        yield httpx.ASGITransport(application(service, database, Verifier(infrastructure.issuer, issuer)))


@pytest.fixture
async def who(door: httpx.ASGITransport, infrastructure: System) -> AsyncIterator[As]:
    """Anybody of the local issuer."""
    clients: dict[str, httpx.AsyncClient] = {}

    def client(name: str) -> httpx.AsyncClient:
        if name not in clients:
            headers = {"authorization": f"Bearer {infrastructure.token(name)}"}
            clients[name] = httpx.AsyncClient(transport=door, base_url="http://truth", headers=headers)
        return clients[name]

    yield client
    for one in clients.values():
        await one.aclose()


@pytest.fixture
async def job_id(database: Database) -> str:
    """A Job on Olga's Desk, come in over Kafka."""
    return await queue(database)
