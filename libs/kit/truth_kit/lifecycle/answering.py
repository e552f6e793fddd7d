"""The HTTP side of a service: its own routes, and the ones that all five have."""

import asyncio

from fastapi import FastAPI
from fastapi.responses import JSONResponse
from truth_contracts.manifest import Manifest, manifest

from truth_kit import migrations, problems
from truth_kit.auth import Verifier
from truth_kit.database import Database
from truth_kit.dead_letters import api as dead_letters
from truth_kit.lifecycle import in_flight
from truth_kit.lifecycle.parts import Service
from truth_kit.lifecycle.readiness import Readiness
from truth_kit.pages.guard import Guard
from truth_kit.pages.mounting import Site, mount


def application(
    service: Service,
    database: Database,
    verifier: Verifier,
    readiness: Readiness | None = None,
    *,
    stopping: asyncio.Event | None = None,
) -> FastAPI:
    """All of the HTTP side, and nothing else running: tests call it without a consumer.

    Live streams end when `stopping` is set. /openapi.json describes it. There is no /docs: FastAPI's page
    loads its scripts from a CDN.
    """
    title = f"Runtime Truth: {service.name}"
    app = FastAPI(title=title, version=service.version, docs_url=None, redoc_url=None)
    if service.pages is not None:
        app.add_middleware(Guard, public_url=service.http.public_url)
    problems.install(app)
    app.state.database, app.state.verifier = database, verifier
    for name, value in service.state.items():
        setattr(app.state, name, value)
    for router in service.routers:
        app.include_router(router)
    if service.pages is not None:
        mount(
            app,
            Site(service.name, service.http.public_url, service.pages),
            verifier,
            stopping or asyncio.Event(),
        )
    app.include_router(dead_letters.router(service.routes))
    app.include_router(in_flight.router())
    _add_health(app, readiness or Readiness(database, migrations.folder(f"truth_{service.name}")))

    @app.get("/about", tags=["operations"])
    async def tell_about() -> Manifest:  # pyright: ignore[reportUnusedFunction] the decorator uses it
        """Name, version, contracts read and written."""
        return manifest(service.name, service.version, [route.topic for route in service.routes])

    return app


def _add_health(app: FastAPI, readiness: Readiness) -> None:
    @app.get("/health/live", tags=["operations"])
    async def live() -> dict[str, bool]:  # pyright: ignore[reportUnusedFunction] the decorator uses it
        """The event loop runs. Depends on nothing else."""
        return {"live": True}

    @app.get("/health/ready", tags=["operations"])
    async def ready() -> JSONResponse:  # pyright: ignore[reportUnusedFunction] the decorator uses it
        """Whether work makes progress: 200, or 503 with what fails."""
        report = await readiness.report()
        failing = [{"part": found.part, "reason": found.reason} for found in report.failing]
        body = {"ready": not failing, "failing": failing, "notes": report.notes}
        return JSONResponse(body, 503 if failing else 200)
