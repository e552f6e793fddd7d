import asyncio
from pathlib import Path

import httpx
from truth_kit.auth import Verifier
from truth_kit.connections import DatabaseConnection, HttpServer, KafkaConnection
from truth_kit.database import Database
from truth_kit.lifecycle import Service, application, serving
from truth_kit.lifecycle.parts import Part


async def test_a_part_that_ends_is_started_again() -> None:
    stopping, third_run, runs = asyncio.Event(), asyncio.Event(), 0

    async def run() -> None:
        nonlocal runs
        runs += 1
        if runs == 2:
            raise ValueError("second time")
        if runs == 3:
            third_run.set()
            await stopping.wait()

    part = Part("part", run, stopping)
    keeping = asyncio.create_task(part.keep_running())

    await asyncio.wait_for(third_run.wait(), 30)
    assert part.crashed == "ValueError: second time"
    stopping.set()
    await asyncio.wait_for(keeping, 5)
    assert runs == 3


def test_whatever_hangs_the_relay_has_its_time_before_the_deadline() -> None:
    ends = (serving.WORK_SECONDS_MAX, serving.HTTP_SECONDS_MAX, serving.RELAY_SECONDS_MAX)
    assert sum(ends) + len(ends) * serving.CANCELLED_SECONDS_MAX < serving.DEADLINE_SECONDS


async def test_the_http_side_stands_alone(tmp_path: Path) -> None:
    bare = Service(
        name="signals",
        version="1.2.3",
        http=HttpServer(port=1, public_url="http://localhost:1"),
        database=DatabaseConnection(dsn="postgresql://nobody@127.0.0.1:9/nothing"),
        kafka=KafkaConnection(bootstrap="nowhere:1", username="signals", password_file=tmp_path / "none"),
        issuer="http://127.0.0.1:1",
        state={"signer": "a signer"},
    )
    async with httpx.AsyncClient() as unused:
        app = application(bare, Database(bare.database, "signals"), Verifier(bare.issuer, unused))
    assert app.state.signer == "a signer"
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://truth") as client:
        about = (await client.get("/about")).json()
        assert about["reads"] == {}
        assert about["writes"] == {"truth.signals.emitted.v1": "1.0"}
        assert (await client.get("/health/live")).status_code == 200
        assert (await client.get("/health/ready")).status_code == 503
        paths = (await client.get("/openapi.json")).json()["paths"]
        assert {"/about", "/health/ready", "/api/ops/dead-letters"} <= paths.keys()
        assert (await client.get("/docs")).json()["code"] == "not_found"
        assert (await client.get("/api/ops/dead-letters")).json()["code"] == "token_missing"
