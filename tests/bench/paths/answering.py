"""The web server of the peers: the same as ours, uvicorn as it comes."""

import sys
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import TypeAlias

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

Endpoint: TypeAlias = Callable[[Request], Awaitable[Response]]
Lifespan: TypeAlias = Callable[[Starlette], AbstractAsyncContextManager[None]]


def answer(submit: Endpoint, command: Endpoint, end: Endpoint, lifespan: Lifespan) -> None:
    """Answer on 127.0.0.1, at the port of the first argument, until SIGTERM."""
    routes = [
        Route("/ready", _ready),
        Route("/work/{id}", submit, methods=["POST"]),
        Route("/work/{id}/end", end, methods=["GET"]),
        Route("/work/{id}/{kind}", command, methods=["POST"]),
    ]
    app = Starlette(routes=routes, lifespan=lifespan)
    uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), log_level="warning", access_log=False)


async def _ready(_: Request) -> Response:
    return Response(status_code=200)
