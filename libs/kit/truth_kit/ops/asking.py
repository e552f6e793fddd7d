"""The queries behind `/api/ops`: a service's own, and those on inbox, outbox and dead letters."""

import time
from collections.abc import Sequence
from uuid import UUID

import asyncpg
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection
from truth_contracts.ops import Judged, Letter, Step, Unsent, Waiting

from truth_kit.fresh import utc_now
from truth_kit.ops.told import Invariant, Ops

_UNSENT = text("SELECT topic, created_at AS since FROM truth.outbox WHERE key = :key ORDER BY id LIMIT 100")
_CLOSED = """EXISTS (SELECT FROM truth.dead_letter_action AS action
     WHERE action.dead_letter_id = letter.id AND action.outcome IN ('redriven', 'dismissed'))"""
_LETTERS = text(f"""
    SELECT id, topic, partition, "offset", code, first_at FROM truth.dead_letter AS letter
     WHERE request_id = :request_id AND NOT {_CLOSED} ORDER BY id LIMIT 100
""")  # noqa: S608 a constant
_OPEN = text(f"SELECT topic, count(*) FROM truth.dead_letter AS letter WHERE NOT {_CLOSED} GROUP BY topic")  # noqa: S608 a constant
_REDRIVEN = text("SELECT count(*) FROM truth.dead_letter_action WHERE outcome = 'redriven'")


async def find_request(conn: AsyncConnection, ops: Ops, ref: UUID) -> UUID | None:
    """The request that an id of this service belongs to."""
    return (await conn.execute(text(ops.find), {"ref": ref})).scalars().first()


async def list_steps(conn: AsyncConnection, ops: Ops, request_id: UUID) -> list[Step]:
    """The request's steps here, in the order of the path."""
    rows = (await conn.execute(text(ops.steps), {"request_id": request_id})).mappings()
    return [Step.model_validate({**row, "id": str(row["id"])}) for row in rows]


async def list_unsent(conn: AsyncConnection, request_id: UUID) -> list[Unsent]:
    """Its events that still wait in the outbox. The whole outbox is read: small, unless Kafka is away."""
    rows = (await conn.execute(_UNSENT, {"key": str(request_id).encode()})).mappings()
    return [Unsent.model_validate(dict(row)) for row in rows]


async def list_open_letters(conn: AsyncConnection, request_id: UUID) -> list[Letter]:
    """Its messages that were refused here and not dealt with."""
    rows = (await conn.execute(_LETTERS, {"request_id": request_id})).mappings()
    return [Letter.model_validate(dict(row)) for row in rows]


async def list_waiting(conn: AsyncConnection, ops: Ops) -> list[Waiting]:
    """What stands here, by step and state."""
    if ops.waiting is None:
        return []
    return [Waiting.model_validate(dict(row)) for row in (await conn.execute(text(ops.waiting))).mappings()]


async def count_open(conn: AsyncConnection) -> dict[str, int]:
    """Dead letters that wait for somebody, by the topic they came from."""
    return {topic: count for topic, count in await conn.execute(_OPEN)}


async def count_redriven(conn: AsyncConnection) -> int:
    """Dead letters that were acted on after all."""
    return (await conn.execute(_REDRIVEN)).scalar_one()


async def judge(counting: asyncpg.Connection, invariants: Sequence[Invariant]) -> list[Judged]:
    """Each invariant counted, one after the other."""
    judged: list[Judged] = []
    for invariant in invariants:
        began = time.monotonic()
        violations = await counting.fetchval(invariant.count)
        seconds = round(time.monotonic() - began, 3)
        judged.append(
            Judged(
                rule=invariant.rule,
                promise=invariant.promise,
                violations=violations,
                at=utc_now(),
                seconds=seconds,
            )
        )
    return judged
