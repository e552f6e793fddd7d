"""A connection to PostgreSQL, listened to: statements, round trips and rows, counted as they pass.

Counting on the wire counts what every library does, whatever it calls it (PostgreSQL 18, chapter 55).
"""

import asyncio
import contextlib
import struct
from collections import Counter
from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from sqlalchemy import make_url

_READY = b"Z"  # ReadyForQuery: the server has answered all that it was sent, and waits
_DONE = b"C"  # CommandComplete: a statement has ended; its tag tells the verb and the rows
_HEADER = struct.Struct("!cI")
_CHUNK = 65_536
_WRITES = ("INSERT", "UPDATE", "DELETE")


@dataclass(frozen=True, slots=True)
class Cost:
    """What something cost."""

    statements: int  # those that begin and end transactions included
    round_trips: int
    inserted: int
    updated: int
    deleted: int

    @property
    def words(self) -> dict[str, list[str]]:
        """By column."""
        return {
            "statements": [str(self.statements)],
            "round trips": [str(self.round_trips)],
            "inserted": [str(self.inserted)],
            "updated": [str(self.updated)],
            "deleted": [str(self.deleted)],
        }


COLUMNS = ("statements", "round trips", "inserted", "updated", "deleted")


@dataclass(slots=True)
class Wire:
    """What passed so far."""

    dsn: str
    """Where to connect to be heard."""
    counted: Counter[str] = field(default_factory=Counter[str])

    def take(self) -> Cost:
        """What passed since the last time."""
        seen, self.counted = self.counted, Counter()
        return Cost(seen["statements"], seen["ready"], *(seen[verb] for verb in _WRITES))


@asynccontextmanager
async def wire_to(dsn: str) -> AsyncGenerator[Wire]:
    """A Wire to the server of `dsn`, until the block ends."""
    url = make_url(dsn)
    ends: set[asyncio.StreamWriter] = set()

    async def join(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        upstream, downstream = await asyncio.open_connection(url.host, url.port)
        ends.update((writer, downstream))
        await asyncio.gather(_pass(reader, downstream), _listen(upstream, writer, wire))

    server = await asyncio.start_server(join, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    own = url.set(host="127.0.0.1", port=port).update_query_dict({"sslmode": "disable"})
    wire = Wire(own.render_as_string(hide_password=False))
    try:
        yield wire
    finally:
        for end in ends:
            end.close()
        server.close()
        await server.wait_closed()


async def _pass(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError):
        while octets := await reader.read(_CHUNK):
            writer.write(octets)
            await writer.drain()
    writer.close()


async def _listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, wire: Wire) -> None:
    waiting = bytearray()
    with contextlib.suppress(ConnectionError):
        while octets := await reader.read(_CHUNK):
            waiting += octets
            for kind, told in _messages(waiting):  # counted before it is passed on: nobody can be ahead of it
                _count(kind, told, wire.counted)
            writer.write(octets)
            await writer.drain()
    writer.close()


def _messages(waiting: bytearray) -> Iterator[tuple[bytes, bytes]]:
    """Whole messages at the beginning of `waiting`, which are taken off it."""
    while len(waiting) >= _HEADER.size:
        kind, length = _HEADER.unpack_from(waiting)
        if len(waiting) < 1 + length:
            return
        yield kind, bytes(waiting[_HEADER.size : 1 + length])
        del waiting[: 1 + length]


def _count(kind: bytes, told: bytes, counted: Counter[str]) -> None:
    if kind == _READY:
        counted["ready"] += 1
    elif kind == _DONE:
        counted["statements"] += 1
        verb, *rest = told.rstrip(b"\0").decode().split()
        if verb in _WRITES:
            counted[verb] += int(rest[-1])
