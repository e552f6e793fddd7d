"""`python -m tests.bench.paths.lean PORT DSN`: the path on DBOS, as lean as its users may make it.

A human call is a plain transaction of the app; only the automatic steps are durable workflows, of a transaction
each: request and Task opened, Record and Signal written. Workflows as in
https://docs.dbos.dev/python/tutorials/workflow-tutorial, transactions by a datasource as in
https://docs.dbos.dev/python/reference/datasources. Its documented way for people, `recv` and `send`, costs more.
"""

import asyncio
import sys
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TypeAlias
from uuid import UUID

import asyncpg
from dbos import DBOS, AsyncSQLAlchemyDatasource, SetWorkflowID
from sqlalchemy import text
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response

from tests.bench.paths import moves
from tests.bench.paths.answering import answer

_INTAKE = text("INSERT INTO work (id, state, body) VALUES (:id, 'received', CAST(:body AS jsonb))")
_TASK = text("UPDATE work SET state = 'pending_review' WHERE id = :id")
_WHOLE = text("""
    SELECT CAST(body AS text), (SELECT array_agg(CAST(step.body AS text) ORDER BY seq) FROM step WHERE step.id = work.id)
      FROM work WHERE work.id = :id
""")
_RECORD = text("INSERT INTO record VALUES (:id, :body, :sha256)")
_SIGNAL = text("INSERT INTO signal VALUES (:id, :sha256)")
_POOL = 20

Opening: TypeAlias = Callable[[str, str], Awaitable[None]]
Closing: TypeAlias = Callable[[str], Awaitable[None]]


@dataclass(slots=True)
class App:
    """Its pool for commands, its workflows, and who waits for one of them; the waiting costs no database."""

    pool: "asyncpg.Pool[asyncpg.Record]"
    open: Opening
    close: Closing
    opened: dict[str, asyncio.Event] = field(default_factory=dict[str, asyncio.Event])
    ended: dict[str, asyncio.Event] = field(default_factory=dict[str, asyncio.Event])


async def submit(request: Request) -> Response:
    """The request; durable, its workflow on the way, when this answers."""
    app, work_id = _app(request), str(request.path_params["id"])
    app.opened[work_id], app.ended[work_id] = asyncio.Event(), asyncio.Event()
    with SetWorkflowID(work_id):
        await DBOS.start_workflow_async(app.open, work_id, (await request.body()).decode())
    return Response(status_code=202)


async def command(request: Request) -> Response:
    """A human call; completion starts the workflow that makes the Record and the Signal."""
    app, work_id, kind = _app(request), str(request.path_params["id"]), str(request.path_params["kind"])
    await app.opened[work_id].wait()
    async with app.pool.acquire() as conn, conn.transaction():
        await moves.move(conn, UUID(work_id), kind, (await request.body()).decode())
    if kind == "complete":
        with SetWorkflowID(f"{work_id}-close"):
            await DBOS.start_workflow_async(app.close, work_id)
    return Response(status_code=200)


async def end(request: Request) -> Response:
    """Answers when the Signal exists."""
    app, work_id = _app(request), str(request.path_params["id"])
    await app.ended[work_id].wait()
    del app.opened[work_id], app.ended[work_id]
    return Response(status_code=200)


def _app(request: Request) -> App:
    return request.app.state.app


def transactions(source: AsyncSQLAlchemyDatasource) -> tuple[Opening, Opening, Closing, Closing]:
    """The four automatic steps, each once and for ever."""
    once = source.transaction(isolation_level="READ COMMITTED")
    execute = lambda *told: source.sql_session().execute(*told)  # noqa: E731

    async def intake(work_id: str, body: str) -> None:
        await execute(_INTAKE, {"id": UUID(work_id), "body": body})

    async def task(work_id: str, _body: str) -> None:
        await execute(_TASK, {"id": UUID(work_id)})

    async def record(work_id: str) -> None:
        body, steps = (await execute(_WHOLE, {"id": UUID(work_id)})).one()
        told, sha256 = moves.record_of(body, steps)
        await execute(_RECORD, {"id": UUID(work_id), "body": told, "sha256": sha256})

    async def signal(work_id: str) -> None:
        await execute(_SIGNAL, {"id": UUID(work_id), "sha256": work_id})

    return once(intake), once(task), once(record), once(signal)


@asynccontextmanager
async def lifespan(starlette: Starlette) -> AsyncGenerator[None]:
    """Define the workflows, launch DBOS, open the pool."""
    dsn = sys.argv[2]
    source = await AsyncSQLAlchemyDatasource.create(
        dsn.replace("postgresql://", "postgresql+asyncpg://"), engine_kwargs={"pool_size": _POOL}
    )
    intake, task, record, signal = transactions(source)

    @DBOS.workflow()
    async def opening(work_id: str, body: str) -> None:
        await intake(work_id, body)
        await task(work_id, body)
        app.opened[work_id].set()

    @DBOS.workflow()
    async def closing(work_id: str) -> None:
        await record(work_id)
        await signal(work_id)
        app.ended[work_id].set()

    async with asyncpg.create_pool(dsn, min_size=2, max_size=12) as pool:
        await pool.execute(moves.TABLES)
        starlette.state.app = app = App(pool, opening, closing)
        DBOS.launch()
        yield
    DBOS.destroy()


if __name__ == "__main__":
    DBOS(
        config={
            "name": "bench",
            "system_database_url": sys.argv[2],
            "log_level": "WARNING",
            "sys_db_pool_size": _POOL,
        }
    )
    answer(submit, command, end, lifespan)
