"""Reading Intakes: one, many, by tracker token, and their sealed steps."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import cast

from sqlalchemy import ARRAY, Select, Uuid, bindparam, func, select
from sqlalchemy.ext.asyncio import AsyncConnection
from truth_contracts.ids import RequestId
from truth_contracts.steps import Maturity
from truth_sealing.canonical import Json
from truth_sealing.strict import strict_object

from truth_intake.domain.submission import Door
from truth_intake.tables import intake, reference_of, step

_NEAR = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class StoredIntake:
    """An Intake without what was asked."""

    request_id: RequestId
    source: str
    request_key: str
    door: Door
    actor: str
    surface: str
    surface_version: int
    maturity: Maturity
    received_at: datetime
    accepted_at: datetime


@dataclass(frozen=True, slots=True)
class Scope:
    """Whose Intakes may be seen: of one source, of one actor; both None: all."""

    source: str | None = None
    actor: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which of them are wanted, newest first; `before` gives the next page."""

    scope: Scope
    source: str | None = None
    request_key: str | None = None
    request_id: RequestId | None = None
    reference: str | None = None  # the last eight digits of the id, for people
    before: RequestId | None = None
    limit: int = 100


@dataclass(frozen=True, slots=True)
class Asked:
    """What a list tells of a request."""

    summary: str
    requester: str
    contact: str | None


@dataclass(frozen=True, slots=True)
class StoredStep:
    """A sealed step: its body as an object, its exact text, and its link."""

    body: dict[str, Json]
    text: str
    link: dict[str, Json]


async def list_intakes(conn: AsyncConnection, wanted: Wanted) -> list[StoredIntake]:
    """Those that are wanted, newest first."""
    c = intake.c
    query = _in_scope(wanted.scope).order_by(c.request_id.desc()).limit(wanted.limit)
    if wanted.source is not None:
        query = query.where(c.source == wanted.source)
    if wanted.request_key is not None:
        query = query.where(c.request_key == wanted.request_key)
    if wanted.request_id is not None:
        query = query.where(c.request_id == wanted.request_id)
    if wanted.reference is not None:
        query = query.where(reference_of(c.request_id) == wanted.reference)
    if wanted.before is not None:
        query = query.where(c.request_id < wanted.before)
    return await _list(conn, query)


async def find_intake(conn: AsyncConnection, request_id: RequestId, scope: Scope) -> StoredIntake | None:
    """The Intake of a request, if it is in scope."""
    found = await _list(conn, _in_scope(scope).where(intake.c.request_id == request_id))
    return found[0] if found else None


async def find_tracked(conn: AsyncConnection, tracker_sha256: bytes) -> StoredIntake | None:
    """The Intake whose tracker link holds the token of this digest."""
    found = await _list(conn, _in_scope(Scope()).where(intake.c.tracker_sha256 == tracker_sha256))
    return found[0] if found else None


async def list_requests(conn: AsyncConnection, request_ids: Collection[RequestId]) -> dict[RequestId, Asked]:
    """What was asked for in each of these, by id."""
    c = step.c
    given = c.request_id == bindparam("request_ids", list(request_ids), type_=ARRAY(Uuid)).any_()
    query = select(c.request_id, c.body).where(given, c.step == "request")
    return {request_id: _asked(body.decode()) for request_id, body in await conn.execute(query)}


async def list_near(conn: AsyncConnection, one: StoredIntake, limit: int) -> list[RequestId]:
    """Other Intakes of the same surface, accepted within a week of this one, newest first."""
    c = intake.c
    query = select(c.request_id).where(
        c.surface == one.surface,
        c.request_id != one.request_id,
        c.accepted_at.between(one.accepted_at - _NEAR, one.accepted_at + _NEAR),
    )
    return [found for (found,) in await conn.execute(query.order_by(c.request_id.desc()).limit(limit))]


async def count_since(conn: AsyncConnection, newest: RequestId) -> int:
    """How many were accepted after this one."""
    query = select(func.count()).select_from(intake).where(intake.c.request_id > newest)
    return (await conn.execute(query)).scalar_one()


async def list_steps(conn: AsyncConnection, request_id: RequestId) -> list[StoredStep]:
    """The sealed steps of a request, in path order."""
    c = step.c
    query = select(c.step, c.body, c.link).where(c.request_id == request_id)
    found = {name: (body.decode(), link) for name, body, link in await conn.execute(query)}
    texts = [found[name] for name in ("request", "intake") if name in found]
    return [StoredStep(strict_object(text), text, strict_object(link)) for text, link in texts]


def _asked(text: str) -> Asked:
    body = strict_object(text)
    requester = cast("dict[str, str | None]", body["requester"])
    return Asked(str(body["summary"]), str(requester["name"]), requester["contact"])


def _in_scope(
    scope: Scope,
) -> Select[RequestId, str, str, Door, str, str, int, Maturity, datetime, datetime]:
    c = intake.c
    query = select(
        c.request_id,
        c.source,
        c.request_key,
        c.door,
        c.actor,
        c.surface,
        c.surface_version,
        c.maturity,
        c.received_at,
        c.accepted_at,
    )
    if scope.source is not None:
        query = query.where(c.source == scope.source)
    if scope.actor is not None:
        query = query.where(c.actor == scope.actor)
    return query


async def _list(
    conn: AsyncConnection,
    query: Select[RequestId, str, str, Door, str, str, int, Maturity, datetime, datetime],
) -> list[StoredIntake]:
    return [StoredIntake(*row) for row in await conn.execute(query)]
