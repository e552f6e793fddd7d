"""One reader of the topics that tell when an automatic step is done, in place of clients that ask and ask again."""

import asyncio
import json
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, cast

from aiokafka import AIOKafkaConsumer
from truth_local.system import System

from tests.bench.paths.door import Answer

_PATIENCE_SECONDS = 60
_AWAITED: Mapping[str, str | None] = {
    "tasks.changed": "pending_review",
    "jobs.changed": "queued",
    "signals.emitted": None,
}
"""Topics, and the state in which the step is done; None: any message tells."""


@dataclass(slots=True)
class Watch:
    """What was told so far and nobody has asked for, and what is waited for."""

    _told: dict[tuple[str, str], "asyncio.Future[Answer]"] = field(
        default_factory=dict[tuple[str, str], "asyncio.Future[Answer]"]
    )

    async def told(self, topic: str, request_id: str) -> Answer:
        """The awaited message about a request, as soon as it is there; TimeoutError after a minute."""
        try:
            return await asyncio.wait_for(self._future(topic, request_id), _PATIENCE_SECONDS)
        finally:
            self._told.pop((topic, request_id), None)

    async def read(self, consumer: AIOKafkaConsumer) -> None:
        """Note what is told, until cancelled."""
        while True:
            polled = cast(dict[Any, list[Any]], await cast(Any, consumer).getmany(timeout_ms=1000))
            for records in polled.values():
                for record in records:
                    self._note(record.topic, record.value)

    def _note(self, topic: str, value: bytes) -> None:
        event = json.loads(value)
        if _AWAITED[topic] in (None, event.get("state")):
            future = self._future(topic, event["request_id"])
            if not future.done():  # a relay may repeat a message
                future.set_result(event)

    def _future(self, topic: str, request_id: str) -> "asyncio.Future[Answer]":
        key = (topic, request_id)
        if key not in self._told:
            self._told[key] = asyncio.get_running_loop().create_future()
        return self._told[key]


@asynccontextmanager
async def watching(system: System) -> AsyncGenerator[Watch]:
    """Watch from now on, until the block ends."""
    consumer = AIOKafkaConsumer(
        *_AWAITED,
        bootstrap_servers=system.bootstrap,
        group_id=None,
        auto_offset_reset="latest",
        security_protocol="SASL_PLAINTEXT",
        sasl_mechanism="SCRAM-SHA-512",
        sasl_plain_username="admin",
        sasl_plain_password=system.principals["admin"].password,
    )
    await consumer.start()
    watch = Watch()
    try:
        await cast(Any, consumer).seek_to_end()
        reading = asyncio.create_task(watch.read(consumer))
        try:
            yield watch
        finally:
            reading.cancel()
    finally:
        await consumer.stop()
