"""Live parts of a page: Server-Sent Events, each stream beginning with the whole current fragment."""

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Generator

from fastapi import Request, Response
from fastapi.sse import format_sse_event
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send
from truth_contracts.refusals import Refusal

from truth_kit.problems import Refused, database_is_away

STREAMS_MAX = 200
"""Open at once in a process; further ones are told to come back, and their pages stand still meanwhile."""

STREAMS_OF_ADDRESS_MAX = 50
"""Of them from one address, so that one visitor does not take them all."""

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
        self.open: Counter[str] = Counter()
        """How many, by address."""

    @contextlib.contextmanager
    def place(self, address: str) -> Generator[None]:
        """Count one in for as long as this lasts. Refused: `too_many_requests`."""
        if self.open.total() >= STREAMS_MAX or self.open[address] >= STREAMS_OF_ADDRESS_MAX:
            detail = "Too many pages are live here just now. This one stands still; reload it to see more."
            raise Refused(Refusal("too_many_requests", detail), retry_seconds=_FULL_RETRY_SECONDS)
        self.open[address] += 1
        try:
            yield
        finally:
            self.open -= Counter([address])  # drops an address without streams

    async def follow(self, first: str, draw: Draw) -> AsyncIterator[bytes]:
        """Events: the fragment, then again whenever it has changed; `away` while the database is."""
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

    async def _goes_on(self, until: float) -> bool:
        """Wait until it is time to look again; false when the stream is to end."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self.stopping.wait(), _LOOK_SECONDS)
        return not self.stopping.is_set() and time.monotonic() < until


class _Placed(StreamingResponse):
    """Gives its place back when it has ended, also when nobody read of it."""

    def __init__(self, events: AsyncIterator[bytes], place: contextlib.ExitStack) -> None:
        super().__init__(events, media_type="text/event-stream", headers={"X-Accel-Buffering": "no"})
        self._place = place

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with self._place:
            await super().__call__(scope, receive, send)


async def stream(request: Request, draw: Draw) -> Response:
    """Answer with a stream of what `draw` draws, looked at every second. Its first refusal is ours."""
    streams: Streams = request.app.state.streams
    with contextlib.ExitStack() as place:
        # Taken before the first wait, or a burst would pass together.
        place.enter_context(streams.place(request.client.host if request.client else ""))
        events = streams.follow(await draw(), draw)
        return _Placed(events, place.pop_all())


async def _drawn(draw: Draw) -> str | None:
    """None while the database is away."""
    try:
        return await draw()
    except Exception as error:
        if not database_is_away(error):
            raise
        return None
