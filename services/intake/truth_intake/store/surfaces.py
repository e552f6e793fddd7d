"""Surfaces: the versions in force, all versions of one, and a new one."""

from collections.abc import Collection
from datetime import datetime

from pydantic import TypeAdapter
from sqlalchemy import ARRAY, Select, Text, bindparam, insert, select, text
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.ext.asyncio import AsyncConnection
from truth_contracts.steps import Maturity, Stage
from truth_sealing.canonical import canonical

from truth_intake.domain.surface import Surface
from truth_intake.tables import surface

REGISTER_LOCK = 7101
"""Transaction advisory lock of whoever registers a surface: versions have no gaps and no twins."""

_STAGES = TypeAdapter(tuple[Stage, ...])
_LOCK = text("SELECT pg_advisory_xact_lock(:lock)")


async def lock_surface(tx: AsyncConnection, name: str) -> Surface | None:
    """The version in force; nobody else registers a surface until the transaction ends."""
    await tx.execute(_LOCK, {"lock": REGISTER_LOCK})
    return (await find_surfaces(tx, [name])).get(name)


async def insert_surface(tx: AsyncConnection, new: Surface) -> None:
    """Register a version."""
    stages = canonical([stage.model_dump(mode="json") for stage in new.stages]).decode()
    row = {
        "name": new.name,
        "version": new.version,
        "title": new.title,
        "maturity": new.maturity,
        "stages": stages,
        "registered_at": new.registered_at,
        "registered_by": new.registered_by,
    }
    await tx.execute(insert(surface), row)


async def find_surfaces(conn: AsyncConnection, names: Collection[str]) -> dict[str, Surface]:
    """The versions in force of these surfaces, by name. An unregistered name is missing."""
    given = surface.c.name == bindparam("names", list(names), type_=ARRAY(Text)).any_()
    return {found.name: found for found in await _list(conn, _in_force().where(given))}


async def list_surfaces(conn: AsyncConnection) -> list[Surface]:
    """The version in force of every surface, by name."""
    return await _list(conn, _in_force())


async def list_versions(conn: AsyncConnection, name: str) -> list[Surface]:
    """All versions of a surface, the one in force first."""
    c = surface.c
    return await _list(conn, _columns().where(c.name == name).order_by(c.version.desc()))


def _columns() -> Select[str, int, str, Maturity, str, datetime, str]:
    c = surface.c
    return select(c.name, c.version, c.title, c.maturity, c.stages, c.registered_at, c.registered_by)


def _in_force() -> Select[str, int, str, Maturity, str, datetime, str]:
    c = surface.c
    return _columns().ext(distinct_on(c.name)).order_by(c.name, c.version.desc())


async def _list(
    conn: AsyncConnection, query: Select[str, int, str, Maturity, str, datetime, str]
) -> list[Surface]:
    return [
        Surface(name, version, title, maturity, _STAGES.validate_json(stages), at, by)
        for name, version, title, maturity, stages, at, by in await conn.execute(query)
    ]
