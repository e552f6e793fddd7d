"""What a service is made of, and how its parts are kept running."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

import structlog
from fastapi import APIRouter

from truth_kit.connections import DatabaseConnection, HttpServer, KafkaConnection
from truth_kit.database import Database
from truth_kit.subscribe import AnyRoute
from truth_kit.telemetry import described

if TYPE_CHECKING:
    from truth_kit.pages import Pages

log = structlog.get_logger()

STEADY_SECONDS = 10.0
"""How long a part must run after a crash to count as well again."""

_BACK_OFF_SECONDS_MAX = 30.0


@dataclass(frozen=True, slots=True)
class Runtime:
    """What a service's own tasks are given. `notes` are shown in readiness and never make it fail."""

    database: Database
    stopping: asyncio.Event
    notes: dict[str, str] = field(default_factory=dict[str, str])

    async def pause(self, seconds: float) -> None:
        """Wait so long, or until the process is told to stop."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self.stopping.wait(), seconds)


Task: TypeAlias = Callable[[Runtime], Awaitable[None]]
"""Runs until `runtime.stopping` is set. An exception out of it is a bug: logged, then it is called anew."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """A service as its app.py puts it together."""

    name: str
    version: str
    http: HttpServer
    database: DatabaseConnection
    kafka: KafkaConnection
    issuer: str
    replica: str | None = None
    routes: Sequence[AnyRoute] = ()
    routers: Sequence[APIRouter] = ()
    tasks: Mapping[str, Task] = field(default_factory=dict[str, Task])
    state: Mapping[str, object] = field(default_factory=dict[str, object])  # put on app.state for api.py
    pages: "Pages | None" = None


class Part:
    """Something that runs as long as the process does, and is started again if it ends before."""

    def __init__(self, name: str, run: Callable[[], Awaitable[None]], stopping: asyncio.Event) -> None:
        self.name = name
        self.crashed: str | None = None  # why it ended last, until it has run steadily again
        self._run, self._stopping = run, stopping

    async def keep_running(self) -> None:
        """Run until `stopping` is set and the part has come to its own end."""
        failures = 0
        while not self._stopping.is_set():
            running = asyncio.ensure_future(self._run())
            try:
                if not (await asyncio.wait({running}, timeout=STEADY_SECONDS))[0]:
                    failures, self.crashed = 0, None
                    await asyncio.wait({running})
            finally:
                running.cancel()
            self._note_end(running)
            failures += 1
            with contextlib.suppress(TimeoutError):
                seconds = min(0.2 * 2 ** min(failures, 10), _BACK_OFF_SECONDS_MAX)
                await asyncio.wait_for(self._stopping.wait(), seconds)

    def _note_end(self, ended: "asyncio.Future[None]") -> None:
        error = None if ended.cancelled() else ended.exception()
        if error is not None:
            self.crashed = described(error)
            log.error("part.crashed", part=self.name, exc_info=error)
        elif not self._stopping.is_set():
            self.crashed = "ended by itself"
            log.error("part.ended", part=self.name)
