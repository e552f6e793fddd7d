"""A small TCP proxy between a service and its neighbour: slow, cut, silent one way or both, losing an answer."""

import asyncio
import socket
import struct
import threading
from collections.abc import Awaitable, Callable, Coroutine, Generator, Iterable, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, TypeAlias

_CHUNK_BYTES = 65_536
_CALL_SECONDS = 10
_RESET = struct.pack("ii", 1, 0)  # linger on, for no time: closing sends RST

LinkName: TypeAlias = tuple[str, str]
"""Who connects and to whom: ("intake-1", "kafka")."""


def _open() -> asyncio.Event:
    event = asyncio.Event()
    event.set()
    return event


@dataclass(slots=True)
class _Weather:
    """How a link is now. What is held back flows on once the link is whole again, as TCP would resend it."""

    delay_seconds: float = 0.0
    requests: asyncio.Event = field(default_factory=_open)
    answers: asyncio.Event = field(default_factory=_open)


class _Pair:
    """One connection through the proxy: the client's half and the neighbour's half."""

    def __init__(self, client: asyncio.StreamWriter, neighbour: asyncio.StreamWriter) -> None:
        self._halves = (client, neighbour)
        self.loses_answer = False

    def reset(self) -> None:
        """End both halves at once with RST; what was not sent yet is lost."""
        for half in self._halves:
            with suppress(OSError):
                half.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            half.transport.abort()


class Link:
    """One listening port that leads to one neighbour's port. To be used inside its event loop only."""

    def __init__(self, port: int, target: int) -> None:
        self._port, self._target = port, target
        self._weather = _Weather()
        self._pairs: set[_Pair] = set()
        self._server: asyncio.Server | None = None
        self._pumping: set[asyncio.Task[None]] = set()

    async def open(self) -> None:
        """Listen."""
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", self._port)

    async def close(self) -> None:
        """Listen no more, and end what runs."""
        if self._server:
            self._server.close()
        await self.reset()
        for pumping in self._pumping:
            pumping.cancel()
        await asyncio.gather(*self._pumping, return_exceptions=True)

    async def slow(self, seconds: float) -> None:
        """Hold every piece back for so long, both ways."""
        self._weather.delay_seconds = seconds

    async def hold(self, *, requests: bool, answers: bool) -> None:
        """Let nothing through any more in these directions; nobody is told."""
        for held, gate in ((requests, self._weather.requests), (answers, self._weather.answers)):
            if held:
                gate.clear()

    async def lose_answers(self) -> None:
        """On each connection that is open now: pass requests, then lose the next answer and reset."""
        for pair in self._pairs:
            pair.loses_answer = True

    async def reset(self) -> None:
        """Reset every connection that is open now."""
        for pair in tuple(self._pairs):
            pair.reset()

    async def mend(self) -> None:
        """Be an ordinary link again; what was held back flows on."""
        self._weather.delay_seconds = 0.0
        self._weather.requests.set()
        self._weather.answers.set()
        for pair in self._pairs:
            pair.loses_answer = False

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task:
            self._pumping.add(task)
            task.add_done_callback(self._pumping.discard)
        try:
            there = await asyncio.open_connection("127.0.0.1", self._target)
        except OSError:
            writer.transport.abort()
            return
        pair = _Pair(writer, there[1])
        self._pairs.add(pair)
        try:
            async with asyncio.TaskGroup() as both:
                both.create_task(self._pump(reader, there[1], self._weather.requests))
                both.create_task(self._pump(there[0], writer, self._weather.answers, pair))
        except* OSError:
            pass
        finally:
            self._pairs.discard(pair)
            pair.reset()

    async def _pump(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        gate: asyncio.Event,
        answered: _Pair | None = None,
    ) -> None:
        while piece := await reader.read(_CHUNK_BYTES):
            if self._weather.delay_seconds:
                await asyncio.sleep(self._weather.delay_seconds)
            await gate.wait()
            if answered and answered.loses_answer:
                answered.reset()
                return
            writer.write(piece)
            await writer.drain()
        if not writer.is_closing() and writer.can_write_eof():
            writer.write_eof()


class Links:
    """All links of a system, in a thread with an event loop of its own. Methods return when it is done."""

    def __init__(self, loop: asyncio.AbstractEventLoop, links: Mapping[LinkName, Link]) -> None:
        self._loop, self._links = loop, links

    def slow(self, names: Iterable[LinkName], seconds: float) -> None:
        """See Link.slow."""
        self._each(names, lambda link: link.slow(seconds))

    def hold(self, names: Iterable[LinkName], *, requests: bool, answers: bool) -> None:
        """See Link.hold."""
        self._each(names, lambda link: link.hold(requests=requests, answers=answers))

    def lose_answers(self, names: Iterable[LinkName]) -> None:
        """See Link.lose_answers."""
        self._each(names, lambda link: link.lose_answers())

    def reset(self, names: Iterable[LinkName]) -> None:
        """See Link.reset."""
        self._each(names, lambda link: link.reset())

    def mend(self, names: Iterable[LinkName] | None = None) -> None:
        """See Link.mend; all links when none is named."""
        self._each(self._links if names is None else names, lambda link: link.mend())

    def _each(self, names: Iterable[LinkName], do: Callable[[Link], Awaitable[None]]) -> None:
        async def all_of_them() -> None:
            for name in names:
                await do(self._links[name])

        asyncio.run_coroutine_threadsafe(all_of_them(), self._loop).result(_CALL_SECONDS)


@contextmanager
def linked(routes: Mapping[LinkName, tuple[int, int]]) -> Generator[Links]:
    """Links are open while the block runs. `routes`: the port to listen on, and the port that it leads to."""
    loop = asyncio.new_event_loop()
    links = {name: Link(port, target) for name, (port, target) in routes.items()}
    thread = threading.Thread(target=loop.run_forever, name="proxy", daemon=True)
    thread.start()

    def run(work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, loop).result(_CALL_SECONDS)

    try:
        for link in links.values():
            run(link.open())
        yield Links(loop, links)
    finally:
        for link in links.values():
            run(link.close())
        loop.call_soon_threadsafe(loop.stop)
        thread.join(_CALL_SECONDS)
        loop.close()
