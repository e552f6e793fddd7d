"""Live parts of a page: Server-Sent Events, each stream beginning with the whole current fragment."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable

from fastapi import Request, Response
from fastapi.sse import format_sse_event
from starlette.responses import StreamingResponse
from truth_contracts.refusals import Refusal

from truth_kit.problems import Refused, database_is_away

STREAMS_MAX = 200
"""Open at once in a process; further ones are told to come back, and their pages stand still meanwhile."""

STREAM_SECONDS_MAX = 600.0
"""Then the browser comes back, and who it is gets looked at again."""

_LOOK_SECONDS = 1.0
_QUIET_SECONDS_MAX = 15.0
_FULL_RETRY_SECONDS = 30
_AWAY = format_sse_event(event="away", data_str="")

Draw = Callable[[], Awaitable[str]]


class Streams:
    """The open streams of a process. They end when it is told to stop."""

    def __init__(self, stopping: asyncio.Event) -> None:
        self.stopping = stopping
        self.open = 0

    async def follow(self, first: str, draw: Draw) -> AsyncIterator[bytes]:
        """Events: the fragment, then again whenever it has changed; `away` while the database is."""
        self.open += 1
        try:
            until, told_at = time.monotonic() + STREAM_SECONDS_MAX, time.monotonic()
            drawn: str | None = first
            yield format_sse_event(data_str=first)
            while await self._goes_on(until):
                shown, drawn = drawn, await _drawn(draw)
                if drawn != shown:
                    yield _AWAY if drawn is None else format_sse_event(data_str=drawn)
                    told_at = time.monotonic()
                elif time.monotonic() - told_at > _QUIET_SECONDS_MAX:
                    yield b":\n\n"  # so that proxies keep it open, and a browser that is gone is noticed
                    told_at = time.monotonic()
        finally:
            self.open -= 1

    async def _goes_on(self, until: float) -> bool:
        """Wait until it is time to look again; false when the stream is to end."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self.stopping.wait(), _LOOK_SECONDS)
        return not self.stopping.is_set() and time.monotonic() < until


async def stream(request: Request, draw: Draw) -> Response:
    """Answer with a stream of what `draw` draws, looked at every second. Its first refusal is ours."""
    streams: Streams = request.app.state.streams
    if streams.open >= STREAMS_MAX:
        detail = "Too many pages are live here just now. This one stands still; reload it to see more."
        raise Refused(Refusal("too_many_requests", detail), retry_seconds=_FULL_RETRY_SECONDS)
    events = streams.follow(await draw(), draw)
    return StreamingResponse(events, media_type="text/event-stream", headers={"X-Accel-Buffering": "no"})


async def _drawn(draw: Draw) -> str | None:
    """None while the database is away."""
    try:
        return await draw()
    except Exception as error:
        if not database_is_away(error):
            raise
        return None
