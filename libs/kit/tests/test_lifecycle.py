import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from aiokafka import AIOKafkaConsumer
from truth_kit import health
from truth_local import ports
from truth_local.starting import start_infrastructure, stop_all
from truth_local.system import System, describe
from truth_local.watch import Watch

PROBE = Path(__file__).with_name("probe.py")

MIGRATION = """
from alembic import op
revision = "0001"
down_revision = None
def upgrade():
    op.execute("CREATE TABLE truth.inbox (source text NOT NULL, event_id text NOT NULL, at timestamptz NOT NULL,"
               " PRIMARY KEY (source, event_id))")
    op.execute("CREATE TABLE truth.outbox (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, topic text NOT NULL,"
               " key bytea, value bytea, headers text NOT NULL, created_at timestamptz NOT NULL DEFAULT now())")
    op.execute("CREATE TABLE truth.trace (key bytea PRIMARY KEY, parent text NOT NULL)")
    op.execute("GRANT SELECT, INSERT ON truth.inbox, truth.trace TO signals_app")
    op.execute("GRANT SELECT, INSERT, DELETE ON truth.outbox TO signals_app")
"""


@dataclass
class Probe:
    """probe.py as a process, with what it logs in a file."""

    folder: Path
    settings: dict[str, str]
    port: int
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.port}"

    def start(self, *arguments: str) -> subprocess.Popen[bytes]:
        """Run the probe's command line; its migrations lie in a package of their own."""
        environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(self.folder / "path"), **self.settings}
        with (self.folder / "log").open("ab") as log:
            command = [sys.executable, str(PROBE), *arguments]
            return subprocess.Popen(command, env=environment, stdout=log, stderr=log)  # noqa: S603 our own

    def run(self, *arguments: str) -> int:
        """Run it to its end."""
        return self.start(*arguments).wait(timeout=60)

    def log(self) -> list[dict[str, Any]]:
        """Every line is JSON, or this fails."""
        return [json.loads(line) for line in (self.folder / "log").read_text().splitlines()]

    def logged(self, event: str) -> list[dict[str, Any]]:
        """Lines about one kind of event."""
        return [line for line in self.log() if line["event"] == event]


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def probe(folder: Path, **settings: str) -> Probe:
    package = folder / "path" / "truth_signals"
    (package / "migrations").mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "migrations" / "0001_first.py").write_text(MIGRATION)
    (folder / "password").write_text("of nobody")
    port, nobody = free_port(), free_port()
    given = {
        "HTTP_PORT": str(port),
        "HTTP_PUBLIC_URL": f"http://localhost:{port}",
        "DATABASE_DSN": f"postgresql://nobody@127.0.0.1:{nobody}/nothing",
        "KAFKA_BOOTSTRAP": f"127.0.0.1:{nobody}",
        "KAFKA_USERNAME": "signals",
        "KAFKA_PASSWORD_FILE": str(folder / "password"),
        "ISSUER": f"http://127.0.0.1:{nobody}",
        **settings,
    }
    return Probe(folder, {f"TRUTH_SIGNALS_{name}": value for name, value in given.items()}, port)


@pytest.fixture
def alone(tmp_path: Path) -> Iterator[Probe]:
    """The probe with neither Kafka nor PostgreSQL nor issuer."""
    lonely = probe(tmp_path, CRASHES="2")
    yield lonely
    end(lonely)


def end(probed: Probe) -> None:
    if probed.process is not None and probed.process.poll() is None:
        probed.process.kill()
        probed.process.wait()


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(trust_env=False, timeout=10) as client:
        yield client


async def within(seconds: float, condition: Callable[[], Awaitable[bool]]) -> None:
    """Wait until `condition` holds; its connection may fail meanwhile."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            if await condition():
                return
        except httpx.HTTPError:
            pass
        assert time.monotonic() < deadline, "not in time"
        await asyncio.sleep(0.1)


async def ready(http: httpx.AsyncClient, probed: Probe) -> dict[str, str] | None:
    """What fails, part to reason; None if it answers that it is ready."""
    answer = await http.get(f"{probed.url}/health/ready")
    body = answer.json()
    assert answer.status_code == (200 if body["ready"] else 503)
    return None if body["ready"] else {failing["part"]: failing["reason"] for failing in body["failing"]}


async def is_alive(http: httpx.AsyncClient, probed: Probe) -> bool:
    return (await http.get(f"{probed.url}/health/live")).json() == {"live": True}


async def is_ready(http: httpx.AsyncClient, probed: Probe) -> bool:
    return await ready(http, probed) is None


def stopped_within(probed: Probe, seconds: float) -> int:
    assert probed.process is not None
    return probed.process.wait(timeout=seconds)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_alone_it_answers_and_says_what_is_away_and_stops_with_0(
    alone: Probe, http: httpx.AsyncClient, number: signal.Signals
) -> None:
    alone.process = alone.start()
    await within(30, lambda: is_alive(http, alone))
    failing = await ready(http, alone)
    assert failing is not None
    assert {"database", "consumer"} <= failing.keys()
    command = await http.post(f"{alone.url}/emit/hello")
    assert (command.status_code, command.json()["code"]) == (503, "database_unavailable")
    token = {"authorization": "Bearer a.b.c"}
    assert (await http.get(f"{alone.url}/api/ops/dead-letters", headers=token)).status_code in (401, 503)
    assert alone.run("health") == 1
    assert "database: " in alone.logged("health.not_ready")[0]["reason"]
    alone.process.send_signal(number)
    assert stopped_within(alone, 25) == 0
    (told,) = alone.logged("service.stopped")
    assert sum(told[f"{part}_seconds"] for part in ("work", "http", "relay")) < 25
    assert not alone.logged("part.given_up")


async def test_a_connection_at_rest_is_closed_by_its_client_and_not_under_it(
    alone: Probe, http: httpx.AsyncClient
) -> None:
    """A client keeps one for five seconds or more; who closes at that moment loses a request."""
    alone.process = alone.start()
    await within(30, lambda: is_alive(http, alone))
    reader, writer = await asyncio.open_connection("127.0.0.1", alone.port)
    for resting in (0, 6):
        await asyncio.sleep(resting)
        writer.write(b"GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert (await reader.readuntil(b'{"live":true}')).startswith(b"HTTP/1.1 200 ")
    writer.close()


async def test_a_task_that_crashes_is_told_and_started_again(alone: Probe, http: httpx.AsyncClient) -> None:
    alone.process = alone.start("serve")
    await within(30, lambda: is_alive(http, alone))

    async def works() -> bool:
        answer = (await http.get(f"{alone.url}/health/ready")).json()
        assert {
            "part": "fragile",
            "reason": "crashed and is started again: ZeroDivisionError: a bug in a task",
        } in answer["failing"]
        return answer["notes"] == {"fragile": "works now"}

    await within(30, works)
    crashes = alone.logged("part.crashed")
    assert [(line["level"], line["part"]) for line in crashes] == [("error", "fragile")] * 2
    assert "a bug in a task" in crashes[0]["exception"]


def test_wrong_settings_are_named_without_their_values(tmp_path: Path) -> None:
    wrong = probe(tmp_path, HTTP_PORT="what-I-typed")
    del wrong.settings["TRUTH_SIGNALS_ISSUER"]
    assert wrong.run() == 2
    (line,) = wrong.logged("settings.refused")
    assert set(line["wrong"]) == {"http.port", "issuer"}
    assert "what-I-typed" not in json.dumps(wrong.log())


def test_health_of_nobody_is_1(alone: Probe) -> None:
    assert alone.run("health") == 1
    assert alone.run("migrate", "--check") == 1


@pytest.fixture(scope="module")
def own() -> Iterator[System]:
    """Kafka and PostgreSQL of this module's own: the probe acts in the name of a service."""
    with tempfile.TemporaryDirectory(prefix="truth-", ignore_cleanup_errors=True) as folder:
        system = describe(Path(folder), ports.free())
        try:
            start_infrastructure(system, Watch())
            yield system
        finally:
            stop_all(system, lambda _part, _what: None)


@pytest.fixture
def placed(own: System, tmp_path: Path) -> Iterator[Probe]:
    """The probe among real neighbours, its database migrated."""
    it = probe(
        tmp_path,
        DATABASE_DSN=own.dsns["signals"].app,
        DATABASE_OWNER_DSN=own.dsns["signals"].owner,
        KAFKA_BOOTSTRAP=own.bootstrap,
        KAFKA_PASSWORD_FILE=str(own.principals["signals"].password_file),
        ISSUER=own.issuer,
    )
    assert it.run("migrate") == 0
    assert it.run("migrate", "--check") == 0
    yield it
    end(it)


async def emitted(own: System, count: int) -> list[bytes | None]:
    """The first values of signals.emitted."""
    partner = own.principals["partner-demo"]
    consumer: Any = AIOKafkaConsumer(  # its annotations are incomplete
        "signals.emitted",
        bootstrap_servers=own.bootstrap,
        security_protocol="SASL_PLAINTEXT",
        sasl_mechanism="SCRAM-SHA-512",
        sasl_plain_username=partner.username,
        sasl_plain_password=partner.password,
        auto_offset_reset="earliest",
    )
    await consumer.start()
    try:
        async with asyncio.timeout(30):
            return [(await consumer.getone()).value for _ in range(count)]
    finally:
        await consumer.stop()


async def test_among_neighbours_it_is_ready_and_a_command_during_the_drain_is_published(
    own: System, placed: Probe, http: httpx.AsyncClient
) -> None:
    placed.process = placed.start()
    await within(30, lambda: is_ready(http, placed))
    assert placed.run("health") == 0
    assert health.ask("0.0.0.0", placed.port) is None  # noqa: S104 whom to ask, not where to listen
    about = (await http.get(f"{placed.url}/about")).json()
    assert len(about.pop("contracts")) == 64
    assert about == {
        "name": "signals",
        "version": "1.0.0",
        "reads": {"truth.records.sealed.v1": "1.0"},
        "writes": {"truth.signals.emitted.v1": "1.0"},
    }
    assert (await http.post(f"{placed.url}/emit/first")).json() == "first"
    last = asyncio.create_task(http.post(f"{placed.url}/emit/last?seconds=1.5"))
    await asyncio.sleep(0.5)  # under way
    placed.process.send_signal(signal.SIGTERM)
    began = time.monotonic()

    async def says_it_stops() -> bool:
        failing = await ready(http, placed)
        return failing is not None and "process" in failing

    await within(1, says_it_stops)
    assert (await last).json() == "last"
    assert stopped_within(placed, 25) == 0
    assert time.monotonic() - began < 10
    assert await emitted(own, 2) == [b"first", b"last"]


async def test_neighbours_that_go_and_come_back_are_told_and_forgiven(
    own: System, placed: Probe, http: httpx.AsyncClient
) -> None:
    placed.process = placed.start()
    await within(30, lambda: is_ready(http, placed))
    own.kill("kafka")

    async def is_away(part: str) -> bool:
        failing = await ready(http, placed)
        return failing is not None and part in failing

    await within(30, lambda: is_away("consumer"))
    assert (await http.post(f"{placed.url}/emit/meanwhile")).json() == "meanwhile"
    own.start("kafka")
    await within(60, lambda: is_ready(http, placed))
    own.kill("postgres")
    await within(30, lambda: is_away("database"))
    assert (await http.post(f"{placed.url}/emit/lost")).json()["code"] == "database_unavailable"
    assert await is_alive(http, placed)
    own.start("postgres")
    await within(60, lambda: is_ready(http, placed))
    placed.process.send_signal(signal.SIGTERM)
    assert stopped_within(placed, 25) == 0
    assert not placed.logged("part.crashed")
    assert b"meanwhile" in await emitted(own, 3)
