"""The five services in one process, each over an empty database behind a Wire: no Kafka, no clock that matters."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
from sqlalchemy import event, text
from truth_contracts.envelope import Message
from truth_contracts.topics import SERVICES
from truth_kit import migrations
from truth_kit.auth import Verifier
from truth_kit.connections import DatabaseConnection
from truth_kit.database import (
    Database,
    _ping_if_idle,  # pyright: ignore[reportPrivateUsage] there is no other way to go without it
)
from truth_kit.fresh import utc_now
from truth_kit.lifecycle import Service, application
from truth_kit.subscribe import decide
from truth_kit.testing import FreshDatabase, arrival, published
from truth_local.system import System

from tests.budget.wire import Wire, wire_to
from tests.security.http_rights import put_together

Answer = dict[str, Any]


@dataclass(slots=True)
class Node:
    """One service."""

    service: Service
    database: Database
    wire: Wire
    http: httpx.AsyncClient
    system: System
    offset: int = 0

    async def ask(self, who: str, method: str, path: str, body: object = None) -> Answer:
        """The answer to somebody's command, which must be a success; bytes are sent as they are."""
        headers = {"authorization": f"Bearer {self.system.token(who)}"}
        sent = {"content": body} if isinstance(body, bytes) else {"json": body}
        answer = await self.http.request(method, path, headers=headers, **sent)  # pyright: ignore[reportArgumentType] one of two
        assert answer.is_success, answer.text
        return answer.json() if answer.content else {}

    async def consume(self, messages: Sequence[Message]) -> None:
        """All of them in one batch, as the consumer does; none may be refused."""
        arrivals = [arrival(message, offset=self.offset + n) for n, message in enumerate(messages)]
        self.offset += len(messages)
        decided = await decide(self.database, self.service.name, self.service.routes, arrivals, utc_now())
        assert (decided.acted_on, decided.refused) == (len(messages), 0)

    async def take(self) -> list[Message]:
        """What the relay would publish now; it is gone afterwards."""
        messages = await published(self.database)
        async with self.database.begin() as tx:
            await tx.execute(text("DELETE FROM truth.outbox"))
        return messages


@asynccontextmanager
async def nodes(system: System, fresh_database: FreshDatabase) -> AsyncGenerator[dict[str, Node]]:
    """All five, by name, until the block ends."""
    async with AsyncExitStack() as stack:
        issuer = await stack.enter_async_context(httpx.AsyncClient(trust_env=False))
        made: dict[str, Node] = {}
        for name in SERVICES:
            empty = await fresh_database(name, migrations.folder(f"truth_{name}"))
            wire = await stack.enter_async_context(wire_to(empty.connection.dsn))
            database = Database(DatabaseConnection(dsn=wire.dsn), name)
            event.remove(database.engine.sync_engine, "checkout", _ping_if_idle)  # it goes by the clock
            stack.push_async_callback(database.close)
            service = put_together(system, name)
            app = application(service, database, Verifier(service.issuer, issuer))
            transport = httpx.ASGITransport(app)
            http = await stack.enter_async_context(
                httpx.AsyncClient(transport=transport, base_url="http://truth")
            )
            made[name] = Node(service, database, wire, http, system)
        yield made
