"""A fresh database of intake's with registered surfaces, and its HTTP door in the process."""

from collections.abc import AsyncIterator, Callable

import httpx
import pytest
from truth_intake import consumer
from truth_intake.api import intakes, requests, surfaces, track
from truth_intake.store.surfaces import insert_surface
from truth_kit.auth import Verifier
from truth_kit.connections import HttpServer, KafkaConnection
from truth_kit.database import Database
from truth_kit.lifecycle import Service, application
from truth_kit.migrations import folder
from truth_kit.testing import FreshDatabase
from truth_local.system import System

from services.intake.tests.builders import SIGNER, surface

As = Callable[[str | None], httpx.AsyncClient]


@pytest.fixture
async def database(fresh_database: FreshDatabase) -> Database:
    """Migrated, with a live, a partial and a planned surface."""
    database = await fresh_database("intake", folder("truth_intake"))
    async with database.begin() as tx:
        await insert_surface(tx, surface())
        await insert_surface(
            tx, surface(name="roof-inspections", title="Roof inspections", maturity="partial")
        )
        await insert_surface(
            tx, surface(name="garden-care", title="Garden care", maturity="planned", stages=())
        )
    return database


@pytest.fixture
async def as_(database: Database, infrastructure: System) -> AsyncIterator[As]:
    """An HTTP client for anybody of the local issuer, or for nobody."""
    principal = infrastructure.principals["intake"]
    service = Service(
        name="intake",
        version="1.0.0",
        http=HttpServer(port=0, public_url="http://localhost"),
        database=database.connection,
        kafka=KafkaConnection(
            bootstrap=infrastructure.bootstrap, username="intake", password_file=principal.password_file
        ),
        issuer=infrastructure.issuer,
        routes=consumer.routes(SIGNER),
        routers=(requests.router, intakes.router, track.router, surfaces.router),
        state={"signer": SIGNER},
    )
    clients: list[httpx.AsyncClient] = []
    async with httpx.AsyncClient(trust_env=False) as to_issuer:
        app = application(service, database, Verifier(infrastructure.issuer, to_issuer))

        def client(name: str | None) -> httpx.AsyncClient:
            headers = {"authorization": f"Bearer {infrastructure.token(name)}"} if name else {}
            transport = httpx.ASGITransport(app)
            clients.append(httpx.AsyncClient(transport=transport, base_url="http://intake", headers=headers))
            return clients[-1]

        yield client
        for one in clients:
            await one.aclose()
