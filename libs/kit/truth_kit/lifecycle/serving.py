"""Start and stop of a process, in order.

Stopping: not ready at once; the consumer and the tasks end, while HTTP still answers; then HTTP ends its
running answers; then the relay publishes what is left, the last commands' events among it. A kill in between
is safe (inbox, outbox); it only makes others wait or repeat.
"""

import asyncio
import gc
import os
import signal
import threading
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from functools import partial

import httpx
import structlog
import uvicorn
from fastapi import FastAPI

from truth_kit.auth import Verifier
from truth_kit.database import Database
from truth_kit.lifecycle.answering import Running, application
from truth_kit.lifecycle.parts import Part, Runtime, Service
from truth_kit.lifecycle.readiness import Readiness
from truth_kit.relay import Relay
from truth_kit.subscribe import Subscription

log = structlog.get_logger()

DEADLINE_SECONDS = 25.0
"""From the signal to the end of the process, whatever hangs."""

# Each plus the second in which what was cancelled ends: 24 s, so that the relay has its own whole.
WORK_SECONDS_MAX = 9.0
_ANSWERS_SECONDS_MAX = 4
HTTP_SECONDS_MAX = _ANSWERS_SECONDS_MAX + 2
RELAY_SECONDS_MAX = 6.0
CANCELLED_SECONDS_MAX = 1.0
_ISSUER_SECONDS_MAX = 5.0

KEEP_ALIVE_SECONDS = 75
"""A connection may rest longer than at any client or proxy (httpx 5 s, nginx 60 s), which then closes it.

A server that closes first meets a request that is already on its way: a lost answer, behind a proxy a 502.
"""


def calm_collector() -> None:
    """Look for cycles less often: a batch makes many short-lived objects, and what was imported stays.

    Measured on a hop of batches of 100: a tenth of the CPU a message.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


async def serve(service: Service) -> None:
    """Run `service` until SIGTERM or SIGINT, then drain. Its neighbours may be away all along."""
    calm_collector()
    database = Database(service.database, service.name)
    running, closing = Running.of(service, database), asyncio.Event()
    readiness, stopping = running.readiness, running.stopping
    _on_signals(stopping, readiness)
    work = _work(service, Runtime(database, stopping), running)
    relay = readiness.relay = Relay(service.name, service.kafka, database, running.metrics)
    relaying = Part("relay", relay.run, closing)
    readiness.parts = (*work, relaying)
    async with httpx.AsyncClient(timeout=_ISSUER_SECONDS_MAX, trust_env=False) as client:
        server = _server(service, application(service, database, Verifier(service.issuer, client), running))
        socket = server.config.bind_socket()
        host, port, *_ = socket.getsockname()
        answering = asyncio.create_task(server.serve(sockets=[socket]), name="http")
        working = [asyncio.create_task(part.keep_running(), name=part.name) for part in work]
        publishing = asyncio.create_task(relaying.keep_running(), name="relay")
        log.info("service.started", host=host, port=port)
        await _first_of(stopping, answering)
        stopping.set()
        if readiness.subscription is not None:
            readiness.subscription.stop()
        work_seconds = await _end(working, WORK_SECONDS_MAX)
        server.should_exit = True
        http_seconds = await _end([answering], HTTP_SECONDS_MAX)
        closing.set()
        relay.stop()
        relay_seconds = await _end([publishing], RELAY_SECONDS_MAX)
    await database.close()
    log.info(
        "service.stopped",
        work_seconds=work_seconds,
        http_seconds=http_seconds,
        relay_seconds=relay_seconds,
    )
    if answering.done() and not answering.cancelled():
        answering.result()


def _work(service: Service, runtime: Runtime, running: Running) -> list[Part]:
    readiness = running.readiness
    readiness.notes = runtime.notes
    tasks = {**service.tasks, "invariants": running.lookout.run}
    work = [Part(name, partial(task, runtime), runtime.stopping) for name, task in tasks.items()]
    if service.routes:
        readiness.subscription = Subscription(
            service.name,
            service.routes,
            service.kafka,
            runtime.database,
            replica=service.replica,
            metrics=running.metrics,
        )
        work.append(Part("consumer", readiness.subscription.run, runtime.stopping))
    return work


class _Server(uvicorn.Server):
    """Leaves signals to `serve`: uvicorn itself would close HTTP first and end with the signal's status."""

    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield


def _server(service: Service, app: FastAPI) -> _Server:
    return _Server(
        uvicorn.Config(
            app,
            host=service.http.host,
            port=service.http.port,
            lifespan="off",
            ws="none",
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=_ANSWERS_SECONDS_MAX,
        )
    )


def _on_signals(stopping: asyncio.Event, readiness: Readiness) -> None:
    def stop() -> None:
        if not stopping.is_set():
            log.info("service.stopping")
            readiness.is_stopping = True
            stopping.set()
            # A thread, so that it ends a process whose event loop hangs, too.
            deadline = threading.Timer(DEADLINE_SECONDS, _give_up)
            deadline.daemon = True
            deadline.start()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)


def _give_up() -> None:
    log.error("service.killed", seconds=DEADLINE_SECONDS)
    os._exit(1)


async def _first_of(stopping: asyncio.Event, answering: "asyncio.Task[None]") -> None:
    told = asyncio.ensure_future(stopping.wait())
    await asyncio.wait({told, answering}, return_when=asyncio.FIRST_COMPLETED)
    told.cancel()


async def _end(tasks: Sequence["asyncio.Task[None]"], seconds: float) -> float:
    """Wait until `tasks` have ended; cancel and log those that take longer. Returns how long it took."""
    if not tasks:
        return 0.0
    began = time.monotonic()
    _, late = await asyncio.wait(tasks, timeout=seconds)
    for task in late:
        log.warning("part.given_up", part=task.get_name(), seconds=seconds)
        task.cancel()
    if late:
        await asyncio.wait(late, timeout=CANCELLED_SECONDS_MAX)
    return round(time.monotonic() - began, 3)
