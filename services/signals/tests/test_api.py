"""HTTP: anyone with an id reads a decision; nobody makes or changes one."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from truth_kit.auth import Verifier
from truth_kit.connections import HttpServer, KafkaConnection
from truth_kit.database import Database
from truth_kit.lifecycle import Service, application
from truth_kit.subscribe import decide
from truth_kit.testing import arrival
from truth_signals.api import router
from truth_signals.consumer import routes

from services.signals.tests.builders import NOW, POLICY, means, partial_surface, record_sealed, uuid_of


@pytest.fixture
async def client(database: Database, tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    service = Service(
        name="signals",
        version="1.0.0",
        http=HttpServer(port=1, public_url="http://localhost:1"),
        database=database.connection,
        kafka=KafkaConnection(bootstrap="nowhere:1", username="signals", password_file=tmp_path / "none"),
        issuer="http://127.0.0.1:1",
        routers=(router,),
        state={"policy": POLICY},
    )
    async with httpx.AsyncClient() as unused:
        app = application(service, database, Verifier(service.issuer, unused))
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://truth") as client:
        yield client


@pytest.fixture
async def decided(database: Database) -> None:
    """A Signal over Record 1, a withheld one over Record 2."""
    events = (record_sealed(1), record_sealed(2, steps=partial_surface()))
    told = [arrival(event, offset=number) for number, event in enumerate(events)]
    await decide(database, "signals", routes(means()), told, NOW)


@pytest.mark.usefixtures("decided")
async def test_a_signal_is_found_by_record_request_and_id(client: httpx.AsyncClient) -> None:
    by_record = (await client.get("/api/signals", params={"record": str(uuid_of("record 1"))})).json()
    by_request = (await client.get("/api/signals", params={"request_id": str(uuid_of("request 1"))})).json()
    (decision,) = by_record["decisions"]
    assert by_request == by_record
    assert (await client.get(f"/api/signals/{decision['signal_id']}")).json() == decision
    assert (decision["reasons"], decision["policy"]["version"]) == ([], "1.0")
    assert '"payloadType":"application/vnd.in-toto+json"' in decision["envelope"]


@pytest.mark.usefixtures("decided")
async def test_a_withheld_signal_tells_its_reasons(client: httpx.AsyncClient) -> None:
    answer = await client.get("/api/signals", params={"record": str(uuid_of("record 2"))})
    (decision,) = answer.json()["decisions"]
    assert (decision["signal_id"], decision["envelope"]) == (None, None)
    assert decision["reasons"] == ["maturity: the surface's maturity is partial"]


async def test_what_does_not_exist_or_is_not_asked_for_is_told(client: httpx.AsyncClient) -> None:
    assert (await client.get("/api/signals", params={"record": str(uuid_of("x"))})).json() == {
        "decisions": []
    }
    assert (await client.get(f"/api/signals/{uuid_of('x')}")).json()["code"] == "signal_unknown"
    assert (await client.get("/api/signals")).status_code == 422


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
async def test_no_method_makes_or_changes_a_signal(client: httpx.AsyncClient, method: str) -> None:
    for path in ("/api/signals", f"/api/signals/{uuid_of('x')}"):
        assert (await client.request(method, path)).status_code == 405


async def test_the_policy_is_published_byte_for_byte(client: httpx.AsyncClient) -> None:
    answer = await client.get("/.well-known/runtime-truth/signal-policy.json")
    assert answer.content == POLICY.octets
