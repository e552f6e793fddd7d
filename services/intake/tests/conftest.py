"""A fresh database of intake's with registered surfaces, and its HTTP door in the process."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack

import httpx
import pytest
from fastapi import FastAPI
from truth_intake import consumer
from truth_intake.api import intakes, requests, surfaces, track
from truth_intake.app import pages
from truth_intake.store.surfaces import insert_surface
from truth_kit.auth import Verifier
from truth_kit.connections import HttpServer, KafkaConnection, SignIn
from truth_kit.database import Database
from truth_kit.lifecycle import Service, application
from truth_kit.migrations import folder
from truth_kit.testing import FreshDatabase, cookie
from truth_local.system import System

from services.intake.tests.builders import SIGNER, surface

As = Callable[[str | None], httpx.AsyncClient]
In = Callable[..., httpx.AsyncClient]
"""A browser by subject and roles, or nobody's."""


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
async def app(database: Database, infrastructure: System) -> AsyncIterator[FastAPI]:
    """Intake's whole HTTP door."""
    sign_in = SignIn(client_id="intake", client_secret_file=infrastructure.layout.client_secret("intake"))
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
        pages=pages(sign_in, {"governance": "http://localhost:1"}),
    )
    async with httpx.AsyncClient(trust_env=False) as to_issuer:
        yield application(service, database, Verifier(infrastructure.issuer, to_issuer))


@pytest.fixture
async def as_(app: FastAPI, infrastructure: System) -> AsyncIterator[As]:
    """An HTTP client for anybody of the local issuer, or for nobody."""
    async with AsyncExitStack() as open_ones:

        def client(name: str | None) -> httpx.AsyncClient:
            headers = {"authorization": f"Bearer {infrastructure.token(name)}"} if name else {}
            made = httpx.AsyncClient(
                transport=httpx.ASGITransport(app), base_url="http://intake", headers=headers
            )
            open_ones.push_async_callback(made.aclose)
            return made

        yield client


@pytest.fixture
async def browser(app: FastAPI) -> AsyncIterator[In]:
    """What a browser is to the server: a session's cookie, and the headers of own pages' forms."""
    async with AsyncExitStack() as open_ones:

        def client(subject: str | None = None, *roles: str) -> httpx.AsyncClient:
            made = httpx.AsyncClient(
                transport=httpx.ASGITransport(app),
                base_url="http://intake",
                headers={"Accept": "text/html", "Sec-Fetch-Site": "same-origin"},
                cookies=cookie(app, subject, *roles) if subject else None,
            )
            open_ones.push_async_callback(made.aclose)
            return made

        yield client
