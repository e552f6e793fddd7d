"""HTTP in: the page. It changes nothing, and listens on this machine alone, for whoever sits at it."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

from fastapi import FastAPI
from fastapi.responses import HTMLResponse, StreamingResponse
from fastapi.staticfiles import StaticFiles
from starlette.datastructures import MutableHeaders
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from truth_console.asking import Silence
from truth_console.dead import doors
from truth_console.dead.letters import groups
from truth_console.flow.watch import Watch
from truth_console.options import Opened
from truth_console.page.board import LOOK_SECONDS, Board
from truth_console.page.rendering import rendered
from truth_console.trace.traced import Traced, trace

HEADERS = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self';"
    " img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}
_LOOKS = 5  # within a pause, whether the process is told to stop
HOSTS = ["localhost", "127.0.0.1"]
"""A page of another name that leads here (DNS rebinding) is turned away."""


def page(console: Opened) -> FastAPI:
    """The page of one system."""
    app = FastAPI(title="Runtime Truth: flow", docs_url=None, redoc_url=None, openapi_url=None)
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=HOSTS)
    app.add_middleware(Guard)
    app.state.is_stopping = lambda: False  # the web server knows better, once there is one
    app.mount("/static", StaticFiles(directory=Path(__file__).parent / "static"))
    board = Board(Watch(console.services, console.broker).snapshot)

    @app.get("/")
    def show_flow() -> HTMLResponse:  # pyright: ignore[reportUnusedFunction]
        """Where work flows and where it waits."""
        return HTMLResponse(rendered("flow.html", "/", snapshot=board.now()))

    @app.get("/live")
    async def follow_flow() -> StreamingResponse:  # pyright: ignore[reportUnusedFunction]
        """The same, whole, every second: who comes back after a pause has missed nothing."""
        return StreamingResponse(_events(board, app.state.is_stopping), media_type="text/event-stream")

    @app.get("/trace")
    def show_trace(ref: str = "") -> HTMLResponse:  # pyright: ignore[reportUnusedFunction]
        """One request over all services."""
        asked = _id(ref)
        found = None if asked is None else trace(console.places, console.services, asked, datetime.now(UTC))
        traced = found if isinstance(found, Traced) else None
        silent: Mapping[str, str] = {} if found is None or isinstance(found, Traced) else found
        told = rendered("trace.html", "/trace", ref=ref, asked=asked, traced=traced, silent=silent)
        return HTMLResponse(told, 200 if traced or not ref else 404 if asked and not silent else 422)

    @app.get("/dead")
    def show_dead() -> HTMLResponse:  # pyright: ignore[reportUnusedFunction]
        """Dead letters by cause."""
        told = doors.list_open(console.services)
        known = {name: one for name, one in told.items() if not isinstance(one, Silence)}
        silent = {name: one.reason for name, one in told.items() if isinstance(one, Silence)}
        return HTMLResponse(
            rendered("dead.html", "/dead", groups=groups(known), silent=silent, urls=console.places.services)
        )

    @app.get("/invariants")
    def show_promises() -> HTMLResponse:  # pyright: ignore[reportUnusedFunction]
        """The promises of the path, counted now."""
        return HTMLResponse(rendered("invariants.html", "/invariants", told=console.services.invariants()))

    return app


class Guard:
    """The same strict headers on everything (ASGI)."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one exchange."""

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(HEADERS)
            await send(message)

        await self._app(scope, receive, guarded)


async def _events(board: Board, is_stopping: Callable[[], bool]) -> AsyncGenerator[str]:
    while not is_stopping():
        snapshot = await asyncio.to_thread(board.now)
        lines = rendered("flow_live.html", "/", snapshot=snapshot).splitlines()
        yield "".join(f"data: {line}\n" for line in lines) + "\n"
        for _ in range(_LOOKS):
            if not is_stopping():
                await asyncio.sleep(LOOK_SECONDS / _LOOKS)


def _id(ref: str) -> UUID | None:
    try:
        return UUID(ref.strip())
    except ValueError:
        return None
