"""Fixtures of execution's tests: an empty database, the HTTP side over it, and who calls it."""

from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI
from truth_execution import api, consumer
from truth_execution.app import pages
from truth_execution.evidence import Store
from truth_kit.auth import Verifier
from truth_kit.blobs import blobs_at
from truth_kit.connections import HttpServer, KafkaConnection, SignIn
from truth_kit.database import Database
from truth_kit.lifecycle import Service, application
from truth_kit.migrations import folder
from truth_kit.testing import FreshDatabase, cookie
from truth_local.system import System
from truth_local.testing import Stores

from services.execution.tests.calling import PHOTO_BYTES_MAX, As, In, queue
from services.execution.tests.making import KEYS, SIGNER


@pytest.fixture
async def database(fresh_database: FreshDatabase) -> Database:
    return await fresh_database("execution", folder("truth_execution"))


@pytest.fixture
async def app(infrastructure: System, database: Database, stores: Stores) -> AsyncIterator[FastAPI]:
    """The HTTP side of the service."""
    principal = infrastructure.principals["execution"]
    secret = infrastructure.layout.client_secret("execution")
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
        pages=pages(
            SignIn(client_id="execution", client_secret_file=secret), {"records": "http://localhost:2"}
        ),
    )
    async with httpx.AsyncClient() as issuer:
        yield application(service, database, Verifier(infrastructure.issuer, issuer))


@pytest.fixture
def door(app: FastAPI) -> httpx.ASGITransport:
    """The way to it, within this process."""
    return httpx.ASGITransport(app)


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
async def seen_by(app: FastAPI, door: httpx.ASGITransport) -> AsyncIterator[In]:
    """Somebody's browser, signed in with these roles."""
    browsers: list[httpx.AsyncClient] = []

    def browser(name: str, *roles: str) -> httpx.AsyncClient:
        headers = {"accept": "text/html", "sec-fetch-site": "same-origin"}
        cookies = cookie(app, name, *roles)
        browsers.append(
            httpx.AsyncClient(transport=door, base_url="https://truth", headers=headers, cookies=cookies)
        )
        return browsers[-1]

    yield browser
    for one in browsers:
        await one.aclose()


@pytest.fixture
async def job_id(database: Database) -> str:
    """A Job on Olga's Desk, come in over Kafka."""
    return await queue(database)
