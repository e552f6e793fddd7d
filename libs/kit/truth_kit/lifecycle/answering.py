"""The HTTP side of a service: its own routes, and the ones that all five have."""

import asyncio
from dataclasses import dataclass, field

from fastapi import FastAPI
from fastapi.responses import JSONResponse
from truth_contracts.manifest import Manifest, manifest

from truth_kit import migrations, problems, tracing
from truth_kit.auth import Verifier
from truth_kit.database import Database
from truth_kit.dead_letters import api as dead_letters
from truth_kit.dead_letters import pages as dead_letter_pages
from truth_kit.lifecycle import in_flight
from truth_kit.lifecycle.parts import Service
from truth_kit.lifecycle.readiness import Readiness
from truth_kit.metrics import Metrics
from truth_kit.ops import api as ops
from truth_kit.ops.lookout import Lookout
from truth_kit.pages.guard import Guard
from truth_kit.pages.limits import Buckets
from truth_kit.pages.mounting import Site, mount


@dataclass(frozen=True, slots=True)
class Running:
    """What is known about the process that answers."""

    readiness: Readiness
    lookout: Lookout
    metrics: Metrics
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    """Set on the stop signal: live parts of pages end then."""

    @classmethod
    def of(cls, service: Service, database: Database) -> "Running":
        """Of a process that has just begun."""
        tracer = tracing.set_up(service.name, service.version)
        readiness = Readiness(database, migrations.folder(f"truth_{service.name}"))
        return cls(readiness, Lookout(database, service.ops), Metrics(service.name, tracer))


def application(
    service: Service,
    database: Database,
    verifier: Verifier,
    running: Running | None = None,
) -> FastAPI:
    """All of the HTTP side, and nothing else running: tests call it without a consumer.

    Live streams end when `stopping` is set. /openapi.json describes it. There is no /docs: FastAPI's page
    loads its scripts from a CDN.
    """
    title = f"Runtime Truth: {service.name}"
    app = FastAPI(
        title=title, version=service.version, docs_url=None, redoc_url=None, responses=problems.RESPONSES
    )
    if service.pages is not None:
        app.add_middleware(Guard, public_url=service.http.public_url)
    problems.install(app)
    app.state.database, app.state.verifier, app.state.buckets = database, verifier, Buckets()
    for name, value in service.state.items():
        setattr(app.state, name, value)
    for router in service.routers:
        app.include_router(router)
    running = running or Running.of(service, database)
    if service.pages is not None:
        further = (dead_letter_pages.LINK,)
        mount(
            app,
            Site(service.name, service.http.public_url, service.pages, further),
            verifier,
            running.stopping,
        )
        app.include_router(dead_letter_pages.router(service.routes))
    app.include_router(dead_letters.router(service.routes))
    app.include_router(in_flight.router())
    told = manifest(service.name, service.version, [route.topic for route in service.routes])
    app.include_router(ops.router(told, running.readiness, running.lookout, running.metrics))
    _add_health(app, running.readiness)

    @app.get("/about", tags=["operations"])
    async def tell_about() -> Manifest:  # pyright: ignore[reportUnusedFunction] the decorator uses it
        """Name, version, contracts read and written."""
        return told

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
