"""HTTP/1.1 over one kept connection, with as little work in the client as can be: it shares the machine."""

import asyncio
import json
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

Answer = dict[str, Any]

_AGAIN_SECONDS = 0.3
_AGAIN_MAX = 100


class UnwelcomeError(Exception):
    """A server said something else than yes."""


@dataclass(slots=True)
class Door:
    """One client's connection to one server, opened when first needed. `token` goes along if there is one.

    A server that says 503, in a moment perhaps, is asked again, word for word; `again` counts that.
    """

    url: str
    token: str = field(default="", repr=False)
    again: int = 0
    _ends: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def post(self, path: str, body: object) -> Answer:
        """The answer to a command, read whole; {} if it has no body."""
        return await self._ask("POST", path, json.dumps(body).encode())

    async def put(self, path: str, body: object) -> Answer:
        """The answer to a command that says how something shall be."""
        return await self._ask("PUT", path, json.dumps(body).encode())

    async def get(self, path: str) -> Answer:
        """The answer to a question."""
        return await self._ask("GET", path, b"")

    def close(self) -> None:
        """Close the connection."""
        if self._ends is not None:
            self._ends[1].close()
        self._ends = None

    async def _ask(self, method: str, path: str, octets: bytes) -> Answer:
        authorization = f"authorization: Bearer {self.token}\r\n" if self.token else ""
        asked = (
            f"{method} {path} HTTP/1.1\r\nhost: bench\r\ncontent-type: application/json\r\n"
            f"{authorization}content-length: {len(octets)}\r\n\r\n".encode()
            + octets
        )
        head, told = await self._exchange_somehow(asked)
        while head.startswith("http/1.1 503") and self.again < _AGAIN_MAX:
            self.again += 1
            await asyncio.sleep(_AGAIN_SECONDS)
            head, told = await self._exchange_somehow(asked)
        if not head.startswith("http/1.1 2"):
            raise UnwelcomeError(f"{method} {path}: {head.splitlines()[0]} {told.decode()}")
        return json.loads(told) if told else {}

    async def _exchange_somehow(self, asked: bytes) -> tuple[str, bytes]:
        try:
            return await self._exchange(asked)
        except (asyncio.IncompleteReadError, ConnectionError):
            self.close()  # a server closes what has rested for five seconds, just then perhaps
            return await self._exchange(asked)

    async def _exchange(self, asked: bytes) -> tuple[str, bytes]:
        if self._ends is None:
            address = urlsplit(self.url)
            self._ends = await asyncio.open_connection(address.hostname, address.port)
        reader, writer = self._ends
        writer.write(asked)
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
        return head, await reader.readexactly(_length(head))


def _length(head: str) -> int:
    """Every server here tells the length of what it answers."""
    _, named, rest = head.partition("\r\ncontent-length:")
    return int(rest.partition("\r\n")[0]) if named else 0
