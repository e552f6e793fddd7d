"""The Signal's page: issued or withheld with reasons, for anyone with an id, and asking nobody else."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from truth_kit.auth import Verifier
from truth_kit.connections import HttpServer, KafkaConnection, SignIn
from truth_kit.database import Database
from truth_kit.lifecycle import Service, application
from truth_kit.subscribe import decide
from truth_kit.testing import arrival
from truth_signals.api import router
from truth_signals.consumer import routes
from truth_signals.pages import pages

from services.signals.tests.builders import NOW, POLICY, means, partial_surface, record_sealed, uuid_of


@pytest.fixture
async def stranger(database: Database, tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    """A browser of nobody in particular. Records is at an address where nothing listens."""
    (tmp_path / "secret").write_text("a secret of this test")
    sign_in = SignIn(client_id="signals", client_secret_file=tmp_path / "secret")
    service = Service(
        name="signals",
        version="1.0.0",
        http=HttpServer(port=1, public_url="http://localhost:1"),
        database=database.connection,
        kafka=KafkaConnection(bootstrap="nowhere:1", username="signals", password_file=tmp_path / "none"),
        issuer="http://127.0.0.1:1",
        routers=(router,),
        state={"policy": POLICY},
        pages=pages(sign_in, {"records": "http://localhost:1"}),
    )
    async with httpx.AsyncClient() as unused:
        app = application(service, database, Verifier(service.issuer, unused))
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(
        transport=transport, base_url="http://truth", headers={"Accept": "text/html"}
    ) as client:
        yield client


@pytest.fixture
async def decided(database: Database) -> None:
    """A Signal over Record 1, a withheld one over Record 2."""
    events = (record_sealed(1), record_sealed(2, steps=partial_surface()))
    told = [arrival(event, offset=number) for number, event in enumerate(events)]
    await decide(database, "signals", routes(means()), told, NOW)


@pytest.mark.usefixtures("decided")
async def test_an_issued_signal_tells_its_policy_and_its_record(stranger: httpx.AsyncClient) -> None:
    record = uuid_of("record 1")
    page = (await stranger.get("/signals", params={"record": str(record)})).text
    for told in ("A Signal was issued", "by the system", "default, version 1.0"):
        assert told in page
    assert f'href="http://localhost:1/verify/{record}"' in page
    ((signal,),) = [
        [
            one["signal_id"]
            for one in (await stranger.get(f"/api/signals?record={record}")).json()["decisions"]
        ]
    ]
    assert "A Signal was issued" in (await stranger.get(f"/signals/{signal}")).text


@pytest.mark.usefixtures("decided")
async def test_a_withheld_signal_says_why(stranger: httpx.AsyncClient) -> None:
    page = (await stranger.get("/signals", params={"record": str(uuid_of("record 2"))})).text
    assert "The Signal was withheld" in page
    assert "maturity: the surface&#39;s maturity is partial" in page
    assert "The signed statement" not in page


async def test_where_nothing_is_decided_nothing_is_promised(stranger: httpx.AsyncClient) -> None:
    page = await stranger.get("/signals", params={"record": str(uuid_of("x"))})
    assert (page.status_code, "No Signal is promised" in page.text) == (200, True)
    unknown = await stranger.get(f"/signals/{uuid_of('x')}")
    assert (unknown.status_code, "signal_unknown" in unknown.text) == (404, True)


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
async def test_d3_no_method_makes_or_changes_a_signal(stranger: httpx.AsyncClient, method: str) -> None:
    for path in ("/signals", f"/signals/{uuid_of('x')}"):
        answer = await stranger.request(method, path, headers={"Sec-Fetch-Site": "same-origin"})
        assert answer.status_code == 405
