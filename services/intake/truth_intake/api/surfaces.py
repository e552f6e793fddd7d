"""The register of surfaces: admins change it, whoever signs in reads it."""

from typing import Annotated

import structlog
from fastapi import APIRouter, Depends
from pydantic import BaseModel
from truth_contracts.base import Instant
from truth_contracts.refusals import Refusal
from truth_contracts.steps import Maturity, Stage
from truth_kit.auth import Actor, CurrentActor, require_person
from truth_kit.database import DatabaseDependency
from truth_kit.fresh import utc_now
from truth_kit.problems import Refused

from truth_intake.domain.surface import RegisterSurface, RegistrableName, Surface, register_surface
from truth_intake.store import surfaces

log = structlog.get_logger()

router = APIRouter(prefix="/api/surfaces", tags=["surfaces"])
Admin = Annotated[Actor, Depends(require_person("admin"))]


class SurfaceView(BaseModel, frozen=True):
    """One version of a surface."""

    name: str
    version: int
    title: str
    maturity: Maturity
    stages: tuple[Stage, ...]
    registered_at: Instant
    registered_by: str


class SurfaceWithVersions(SurfaceView, frozen=True):
    """The version in force, and all versions, newest first."""

    versions: list[SurfaceView]


class SurfaceList(BaseModel, frozen=True):
    """The versions in force, by name."""

    surfaces: list[SurfaceView]


@router.put("/{name}")
async def put_surface(
    name: RegistrableName, command: RegisterSurface, actor: Admin, database: DatabaseDependency
) -> SurfaceView:
    """Register a surface or change it: a new version, in force for requests from now on.

    What is accepted already keeps the maturity and stages it has. Nothing changes if nothing would differ.
    """
    async with database.begin() as tx:
        current = await surfaces.lock_surface(tx, name)
        match register_surface(name, current, command, actor.reference, utc_now()):
            case Surface() as registered:
                if registered != current:
                    await surfaces.insert_surface(tx, registered)
            case Refusal() as refusal:
                raise Refused(refusal)
    log.info(
        "surface.registered",
        surface=name,
        version=registered.version,
        maturity=registered.maturity,
        is_new_version=registered != current,
    )
    return _view(registered)


@router.get("")
async def list_surfaces(_: CurrentActor, database: DatabaseDependency) -> SurfaceList:
    """Every registered surface."""
    async with database.connect() as conn:
        return SurfaceList(surfaces=[_view(surface) for surface in await surfaces.list_surfaces(conn)])


@router.get("/{name}")
async def find_surface(
    name: RegistrableName, _: CurrentActor, database: DatabaseDependency
) -> SurfaceWithVersions:
    """One surface and its versions: who registered which, and when."""
    async with database.connect() as conn:
        versions = [_view(surface) for surface in await surfaces.list_versions(conn, name)]
    if not versions:
        raise Refused(Refusal("surface_unknown", "No surface of this name is registered."))
    return SurfaceWithVersions(**versions[0].model_dump(), versions=versions)


def _view(surface: Surface) -> SurfaceView:
    return SurfaceView(
        name=surface.name,
        version=surface.version,
        title=surface.title,
        maturity=surface.maturity,
        stages=surface.stages,
        registered_at=surface.registered_at,
        registered_by=surface.registered_by,
    )
