"""Requests walked along the whole path by hand, hop by hop, so that each hop's cost can be told from the next."""

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from uuid import uuid4

from truth_contracts.envelope import Message
from truth_contracts.topics import SERVICES, TOPICS
from truth_kit.connections import dial
from truth_kit.fresh import utc_now
from truth_kit.outbox import message_bytes
from truth_local.demo import doors
from truth_records.domain.log import restore, seal
from truth_records.domain.telling import messages
from truth_records.sealer import Sealer
from truth_records.store import drafts
from truth_records.store import log as store

from tests.budget.nodes import Answer, Node
from tests.budget.wire import Cost

SURFACE = "budgets"
READERS: Mapping[str, Sequence[str]] = {
    topic.name: [reader for reader in topic.readers if reader in SERVICES]
    for topic in TOPICS
    if topic.cleanup == "delete"
}
_SEALER_SETTINGS = {"search_path": "truth"}


@dataclass(slots=True)
class Walk:
    """So many requests together. What is measured is told to `cost` and `bytes_of`, last one wins."""

    nodes: Mapping[str, Node]
    count: int
    cost: dict[str, Cost] = field(default_factory=dict[str, Cost])
    bytes_of: dict[str, int] = field(default_factory=dict[str, int])

    async def whole(self) -> None:
        """From the request to its Signal."""
        tasks = await self._submit()
        jobs = await self._govern(tasks)
        await self._execute(jobs)
        await self._hand_on("execution")
        await self._seal()
        await self._hand_on("records")
        await self._hand_on("signals")

    async def knock(self) -> None:
        """Requests from an upstream over Kafka, as far as their Intakes."""
        asked = [_submitted() for _ in range(self.count)]
        await self._hop("requests.submitted", "intake", asked)
        await self.nodes["intake"].take()

    async def measured(self, name: str, node: str, doing: Callable[[], Awaitable[Answer]]) -> Answer:
        """Do it, and keep what it cost."""
        self.nodes[node].wire.take()
        answer = await doing()
        self.cost[name] = self.nodes[node].wire.take()
        return answer

    async def _hop(self, topic: str, reader: str, batch: Sequence[Message]) -> None:
        node = self.nodes[reader]
        node.wire.take()
        await node.consume(batch)
        self.cost[f"{topic} > {reader}"] = node.wire.take()

    async def _hand_on(self, writer: str) -> None:
        """What waits in a service's outbox, to everybody who reads it, topic by topic."""
        waiting = await self.nodes[writer].take()
        for topic in dict.fromkeys(message.topic for message in waiting):
            batch = [message for message in waiting if message.topic == topic]
            self.bytes_of[topic] = message_bytes(batch[-1])
            for reader in READERS.get(topic, ()):
                await self._hop(topic, reader, batch)

    async def _command(self, name: str, node: str, who: str, path: str, body: Answer) -> Answer:
        return await self.measured(name, node, lambda: self.nodes[node].ask(who, "POST", path, body))

    async def _submit(self) -> list[Answer]:
        intakes = [
            await self._command("submit", "intake", "acme", "/api/requests", _asked())
            for _ in range(self.count)
        ]
        await self._hand_on("intake")
        governance = self.nodes["governance"]
        found = [
            await governance.ask("ada", "GET", f"/api/tasks?request_id={intake['request_id']}")
            for intake in intakes
        ]
        return [tasks["tasks"][0] for tasks in found]

    async def _govern(self, tasks: Sequence[Answer]) -> list[str]:
        for opened in tasks:
            path = f"/api/tasks/{opened['task_id']}"
            task = await self._on_task("approve", path, {"version": opened["version"]})
            task = await self._on_task("assign", path, {"version": task["version"], "operator_id": "olga"})
            prepared = await self._on_task("job/prepare", path, {"version": task["version"]})
            await self._on_task("job", path, {"digest": prepared["digest"]})
        await self._hand_on("governance")
        found = await self.nodes["execution"].ask("olga", "GET", "/api/desk")
        return [str(job["job_id"]) for job in found["assigned"]]

    async def _on_task(self, name: str, path: str, body: Answer) -> Answer:
        return await self._command(name, "governance", "ada", f"{path}/{name}", body)

    async def _execute(self, jobs: Sequence[str]) -> None:
        for job_id in jobs:
            for name, facts in (
                ("claim", {}),
                ("start", {}),
                ("note", {"text": "Looked at it.", "stage": "look"}),
                ("stage", {"name": "look"}),
                ("complete", {"outcome": "fulfilled"}),
            ):
                body: Answer = {"command_id": str(uuid4()), **facts}
                await self._command(name, "execution", "olga", f"/api/jobs/{job_id}/{name}", body)

    async def _seal(self) -> None:
        """One batch, as the sealer does; it has the log to itself here."""
        node = self.nodes["records"]
        sealer = node.service.state["sealer"]
        assert isinstance(sealer, Sealer)
        connection = await dial(node.database.connection, "budget", _SEALER_SETTINGS, command_timeout=30)
        try:
            edge = restore(await store.read_edge(connection), sealer.key)
            await drafts.list_ready(connection, 500)  # both statements are prepared by now
            node.wire.take()
            ready = await drafts.list_ready(connection, 500)
            now = utc_now()
            batch = seal(edge, ready, sealer.key)
            await store.seal(connection, batch, messages(batch, now), now)
            self.cost["seal"] = node.wire.take()
        finally:
            await connection.close()
        assert len(ready) == self.count


async def prepare(made: Mapping[str, Node]) -> None:
    """A surface without evidence, and an operator."""
    surface: Answer = {
        "title": "Budgets",
        "maturity": "live",
        "stages": [{"name": "look", "evidence_required": False}],
    }
    await made["intake"].ask("ada", "PUT", f"/api/surfaces/{SURFACE}", surface)
    operator: Answer = {"name": "Olga Orlova", "active": True}
    await made["governance"].ask("ada", "PUT", "/api/operators/olga", operator)


def _asked() -> Answer:
    return doors.request(SURFACE, "The tap drips", "It drips all night long.")


def _submitted() -> Message:
    headers = {
        "ce_specversion": "1.0",
        "ce_id": str(uuid4()),
        "ce_source": doors.SOURCE,
        "ce_type": "truth.requests.submitted.v1",
        "content-type": "application/json",
    }
    encoded = tuple((name, value.encode()) for name, value in headers.items())
    return Message("requests.submitted", None, json.dumps(_asked()).encode(), encoded)
