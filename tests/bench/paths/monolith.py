"""`python -m tests.bench.paths.monolith PORT DSN`: one process, one database, one transaction a call.

What one would build first, the automatic steps inside the calls: request and Task together; completion, Record
and Signal together. Starlette as https://www.starlette.io/lifespan/ has it, connections as
https://magicstack.github.io/asyncpg/current/usage.html#connection-pools has them.
"""

import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any, TypeAlias
from uuid import UUID

import asyncpg
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response

from tests.bench.paths import moves
from tests.bench.paths.answering import answer

Pool: TypeAlias = "asyncpg.Pool[asyncpg.Record]"


async def submit(request: Request) -> Response:
    """The request, and its Task."""
    body = await request.body()
    await _pool(request).execute(moves.OPEN, UUID(request.path_params["id"]), body.decode())
    return Response(status_code=202)


async def command(request: Request) -> Response:
    """A human call; completion also makes the Record and the Signal."""
    work_id, kind = UUID(request.path_params["id"]), str(request.path_params["kind"])
    body = (await request.body()).decode()
    async with _pool(request).acquire() as conn, conn.transaction():
        await moves.move(conn, work_id, kind, body)
        if kind == "complete":
            row = await conn.fetchrow(moves.WHOLE, work_id)
            assert row is not None
            told, sha256 = moves.record_of(row["body"], row["steps"])
            await conn.execute(moves.RECORD, work_id, told, sha256)
            await conn.execute(moves.SIGNAL, work_id, sha256)
    return Response(status_code=200)


async def end(request: Request) -> Response:
    """Whether the Signal exists; completion's answer has said so already."""
    found: Any = await _pool(request).fetchval(
        "SELECT 1 FROM signal WHERE id = $1", UUID(request.path_params["id"])
    )
    return Response(status_code=200 if found else 404)


def _pool(request: Request) -> Pool:
    return request.app.state.pool


@asynccontextmanager
async def lifespan(app: Starlette) -> AsyncGenerator[None]:
    """A pool of twelve: more would only wait for two cores."""
    async with asyncpg.create_pool(sys.argv[2], min_size=2, max_size=12) as pool:
        await pool.execute(moves.TABLES)
        app.state.pool = pool
        yield


if __name__ == "__main__":
    answer(submit, command, end, lifespan)
