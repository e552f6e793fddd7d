"""What a service holds that is still to be read: counted by contract, without contents."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import BaseModel
from sqlalchemy import RowMapping, text

from truth_kit.auth import Actor, require
from truth_kit.database import DatabaseDependency

_Looker = Annotated[Actor, Depends(require("ops", "auditor"))]


class Waiting(BaseModel, frozen=True):
    """Messages of one contract on one topic; `type` and `dataschema` as the headers say, null without one."""

    topic: str
    type: str | None
    dataschema: str | None
    count: int
    oldest_at: datetime


class InFlight(BaseModel, frozen=True):
    """Events not yet published, and messages refused and not yet redriven or dismissed."""

    outbox: list[Waiting]
    dead_letters: list[Waiting]


# Packed headers are JSON without blanks (truth_kit.outbox); a cast to jsonb would fail on NUL.
_WAITING = """
    SELECT topic, substring(headers FROM '\\["ce_type","([^"]*)"\\]') AS type,
           substring(headers FROM '\\["ce_dataschema","([^"]*)"\\]') AS dataschema,
           count(*) AS count, min({at}) AS oldest_at
      FROM truth.{table} AS waiting WHERE {only} GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
"""
_OPEN = """NOT EXISTS (SELECT FROM truth.dead_letter_action AS action
     WHERE action.dead_letter_id = waiting.id AND action.outcome IN ('redriven', 'dismissed'))"""
_OUTBOX = text(_WAITING.format(at="created_at", table="outbox", only="true"))
_DEAD_LETTERS = text(_WAITING.format(at="appended_at", table="dead_letter", only=_OPEN))


def router() -> APIRouter:
    """`/api/ops/in-flight`, for whoever decides on a release."""
    ops = APIRouter(prefix="/api/ops/in-flight", tags=["ops"])

    @ops.get("")
    async def tell_in_flight(_: _Looker, database: DatabaseDependency) -> InFlight:
        async with database.connect() as conn:
            outbox = (await conn.execute(_OUTBOX)).mappings()
            dead_letters = (await conn.execute(_DEAD_LETTERS)).mappings()
            return InFlight(
                outbox=[_waiting(row) for row in outbox], dead_letters=[_waiting(row) for row in dead_letters]
            )

    return ops


def _waiting(row: RowMapping) -> Waiting:
    return Waiting.model_validate(dict(row))
