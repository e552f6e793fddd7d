"""What a service tells ops through its HTTP door: flow, one request's steps, promises kept or broken, metrics."""

from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack
from dataclasses import replace
from uuid import uuid4

import httpx
import pytest
from sqlalchemy import text
from truth_contracts.refusals import Refusal
from truth_kit.auth import Verifier
from truth_kit.connections import DatabaseConnection, HttpServer, KafkaConnection
from truth_kit.database import Database
from truth_kit.dead_letters import DeadLetter, record
from truth_kit.fresh import utc_now
from truth_kit.lifecycle import Service, application
from truth_kit.ops import Invariant, Ops
from truth_kit.subscribe import decide
from truth_kit.testing import arrival
from truth_local.system import System

from libs.kit.tests.hop_sample import NOW, ROUTES, job_changed

OPS = Ops(
    find="SELECT request_id FROM truth.seen WHERE request_id = :ref OR event_id = :ref",
    steps="""SELECT 'job' AS step, event_id AS id, 'seen' AS state, now() AS at, 'service:x' AS actor,
                    'a person: a look' AS waits_for
               FROM truth.seen WHERE request_id = :request_id""",
    waiting="""SELECT 'job' AS step, 'seen' AS state, count(*) AS count, now() - interval '9 s' AS oldest_at
                 FROM truth.seen HAVING count(*) > 0""",
    invariants=(
        Invariant(
            "seen_once",
            "Nothing is seen twice.",
            "SELECT count(*) - count(DISTINCT event_id) FROM truth.seen",
        ),
    ),
)


def service(database: DatabaseConnection, kafka: KafkaConnection, issuer: str) -> Service:
    return Service(
        name="governance",
        version="1.0.0",
        http=HttpServer(port=1, public_url="http://localhost:1"),
        database=database,
        kafka=kafka,
        issuer=issuer,
        routes=ROUTES,
        ops=OPS,
    )


@pytest.fixture
async def door(
    infrastructure: System, database: Database, kafka: KafkaConnection
) -> AsyncGenerator[httpx.AsyncClient]:
    """The sample service's HTTP side, called by vera, who is an auditor."""
    built = service(database.connection, kafka, infrastructure.issuer)
    headers = {"authorization": f"Bearer {infrastructure.token('vera')}"}
    async with httpx.AsyncClient() as issuer:
        app = application(built, database, Verifier(infrastructure.issuer, issuer))
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://truth", headers=headers) as client:
            yield client


async def test_a_request_is_traced_by_any_id_that_the_service_knows(
    door: httpx.AsyncClient, database: Database
) -> None:
    event = job_changed()
    await decide(database, "governance", ROUTES, [arrival(event)], NOW)
    by_request = (await door.get(f"/api/ops/trace/{event.request_id}")).json()
    assert [(step["step"], step["id"], step["waits_for"]) for step in by_request["steps"]] == [
        ("job", str(event.event_id), "a person: a look")
    ]
    assert [unsent["topic"] for unsent in by_request["unsent"]] == ["tasks.changed"]
    by_event = (await door.get(f"/api/ops/trace/{event.event_id}")).json()
    assert (by_event["request_id"], len(by_event["steps"])) == (by_request["request_id"], 1)
    unknown = await door.get(f"/api/ops/trace/{uuid4()}")
    assert (unknown.status_code, unknown.json()["code"]) == (404, "request_unknown")


async def test_a_refused_message_is_part_of_its_requests_trace(
    door: httpx.AsyncClient, database: Database
) -> None:
    sent, request_id = arrival(job_changed()), uuid4()
    letter = DeadLetter(
        sent.message,
        sent.coordinates,
        sent.appended_at,
        Refusal("move_forbidden", "No."),
        request_id=request_id,
    )
    async with database.begin() as tx:
        await record(
            tx, [letter, replace(letter, coordinates=replace(sent.coordinates, offset=9))], utc_now()
        )
    told = (await door.get(f"/api/ops/trace/{request_id}")).json()
    assert [(one["offset"], one["code"]) for one in told["dead_letters"]] == [
        (0, "move_forbidden"),
        (9, "move_forbidden"),
    ]
    assert (await door.get("/api/ops/flow")).json()["dead_letters"] == {"jobs.changed": 2}


async def test_a_broken_promise_is_counted_and_shown(door: httpx.AsyncClient, database: Database) -> None:
    event = job_changed()
    await decide(database, "governance", ROUTES, [arrival(event)], NOW)
    assert (await door.get("/api/ops/invariants")).json()["invariants"][0]["violations"] == 0
    async with database.begin() as tx:
        again = "INSERT INTO truth.seen (request_id, version, event_id) SELECT request_id, version, event_id FROM truth.seen"
        await tx.execute(text(again))
    (judged,) = (await door.get("/api/ops/invariants")).json()["invariants"]
    assert (judged["rule"], judged["violations"]) == ("seen_once", 1)
    assert 'truth_invariant_violations{rule="seen_once"} 1.0' in (await door.get("/metrics")).text


async def test_counting_takes_no_connection_from_those_that_work(
    door: httpx.AsyncClient, database: Database
) -> None:
    async with AsyncExitStack() as held:
        for _ in range(5):
            await held.enter_async_context(database.connect())
        (judged,) = (await door.get("/api/ops/invariants")).json()["invariants"]
    assert judged["violations"] == 0


async def test_the_flow_tells_what_stands_and_for_how_long(
    door: httpx.AsyncClient, database: Database
) -> None:
    await decide(database, "governance", ROUTES, [arrival(job_changed())], NOW)
    flow = (await door.get("/api/ops/flow")).json()
    assert [(one["step"], one["state"], one["count"]) for one in flow["waiting"]] == [("job", "seen", 1)]
    assert flow["dead_letters"] == {}
    assert flow["reads"] == {"truth.jobs.changed.v1": "1.0"}
    assert "truth_step_age_seconds" in (await door.get("/metrics")).text


async def test_what_a_database_that_is_away_would_tell_is_not_known(
    infrastructure: System, kafka: KafkaConnection
) -> None:
    away = DatabaseConnection(dsn="postgresql://nobody@127.0.0.1:9/nothing")
    database = Database(away, "governance")
    headers = {"authorization": f"Bearer {infrastructure.token('paul')}"}
    async with httpx.AsyncClient() as issuer:
        app = application(
            service(away, kafka, infrastructure.issuer), database, Verifier(infrastructure.issuer, issuer)
        )
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://truth", headers=headers) as client:
            flow = (await client.get("/api/ops/flow")).json()
            assert (flow["waiting"], flow["dead_letters"], flow["lags"]) == (None, None, None)
            assert "database" in flow["failing"]
            metrics = (await client.get("/metrics")).text
            assert "truth_ready 0.0" in metrics
            assert "truth_dead_letters_open{" not in metrics
            assert (await client.get("/api/ops/invariants")).json()["code"] == "database_unavailable"


@pytest.mark.parametrize("path", ["flow", f"trace/{uuid4()}", "invariants"])
async def test_only_ops_and_auditors_look(door: httpx.AsyncClient, infrastructure: System, path: str) -> None:
    for who, code in (("paul", None), ("vera", None), ("olga", "role_missing"), ("ada", "role_missing")):
        headers = {"authorization": f"Bearer {infrastructure.token(who)}"}
        answer = (await door.get(f"/api/ops/{path}", headers=headers)).json()
        assert answer.get("code") in ({code} if code else {None, "request_unknown"})
