"""The dead letters' HTTP door, with tokens of the local issuer."""

from collections.abc import AsyncGenerator
from uuid import uuid4

import httpx
import pytest
from truth_contracts.envelope import Message
from truth_issuer.people import Account
from truth_issuer.tokens import access_token, read_key
from truth_kit.auth import Verifier
from truth_kit.connections import HttpServer, KafkaConnection
from truth_kit.database import Database
from truth_kit.lifecycle import Service, application
from truth_kit.subscribe import decide
from truth_kit.testing import arrival
from truth_local.passwords import issuer_key
from truth_local.system import System

from libs.kit.tests.hop_sample import NOW, ROUTES, forbidden, job_changed, list_seen

DOOR = "/api/ops/dead-letters"


@pytest.fixture
async def door(
    infrastructure: System, database: Database, kafka: KafkaConnection
) -> AsyncGenerator[httpx.AsyncClient]:
    """The sample service's HTTP side, called by paul, who has the role ops."""
    service = Service(
        name="governance",
        version="1.0.0",
        http=HttpServer(port=1, public_url="http://localhost:1"),
        database=database.connection,
        kafka=kafka,
        issuer=infrastructure.issuer,
        routes=ROUTES,
    )
    headers = {"authorization": f"Bearer {infrastructure.token('paul')}"}
    async with httpx.AsyncClient() as issuer:
        app = application(service, database, Verifier(infrastructure.issuer, issuer))
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://truth", headers=headers) as client:
            yield client


async def test_ops_looks_tries_redrives_and_dismisses(door: httpx.AsyncClient, database: Database) -> None:
    async with database.begin() as tx:
        await tx.execute(forbidden.insert().values(state="odd"))
    poison = Message("jobs.changed", b"k", b"Jane Doe", ())
    batch = [arrival(job_changed(state="odd"), offset=1), arrival(poison, offset=2)]
    await decide(database, "governance", ROUTES, batch, NOW)

    listed = (await door.get(DOOR)).json()["dead_letters"]
    assert [
        (row["offset"], row["code"], row["state"]) for row in sorted(listed, key=lambda row: row["offset"])
    ] == [
        (1, "move_forbidden", "open"),
        (2, "envelope_invalid", "open"),
    ]
    assert "Jane" not in str(listed)  # what senders wrote is never shown
    odd, broken = (row["id"] for row in sorted(listed, key=lambda row: row["offset"]))

    dry = await door.post(f"{DOOR}/{odd}/redrive", json={"dry_run": True})
    assert (dry.status_code, dry.json()["outcome"], dry.json()["code"]) == (
        200,
        "would_refuse",
        "move_forbidden",
    )
    async with database.begin() as tx:
        await tx.execute(forbidden.delete())
    redriven = await door.post(f"{DOOR}/{odd}/redrive", json={"reason": "allowed now"})
    assert (redriven.status_code, redriven.json()["outcome"], redriven.json()["by"]) == (
        200,
        "redriven",
        "person:paul",
    )
    again = await door.post(f"{DOOR}/{odd}/redrive", json={})
    assert (again.status_code, again.json()["code"]) == (409, "dead_letter_closed")
    assert len(await list_seen(database)) == 1

    unexplained = await door.post(f"{DOOR}/{broken}/dismiss", json={})
    assert unexplained.status_code == 422
    dismissed = await door.post(f"{DOOR}/{broken}/dismiss", json={"reason": "a test"})
    assert dismissed.json()["outcome"] == "dismissed"
    one = (await door.get(f"{DOOR}/{odd}")).json()
    assert [action["what"] for action in one["actions"]] == ["dry_run", "redrive"]
    assert (await door.get(DOOR)).json() == {"dead_letters": []}
    assert len((await door.get(DOOR, params={"state": "any"})).json()["dead_letters"]) == 2


async def test_an_unknown_one_is_not_found(door: httpx.AsyncClient) -> None:
    answers = [await door.get(f"{DOOR}/{uuid4()}"), await door.post(f"{DOOR}/{uuid4()}/redrive", json={})]
    assert [(a.status_code, a.json()["code"]) for a in answers] == [(404, "dead_letter_unknown")] * 2


async def test_an_auditor_sees_all_and_does_nothing(door: httpx.AsyncClient, infrastructure: System) -> None:
    headers = {"authorization": f"Bearer {infrastructure.token('vera')}"}
    assert (await door.get(DOOR, headers=headers)).is_success
    for what, body in (("redrive", {}), ("redrive", {"dry_run": True}), ("dismiss", {"reason": "r"})):
        refused = await door.post(f"{DOOR}/{uuid4()}/{what}", json=body, headers=headers)
        assert (refused.status_code, refused.json()["code"]) == (403, "role_missing")


async def test_only_ops_may(door: httpx.AsyncClient, infrastructure: System) -> None:
    headers = {"authorization": f"Bearer {infrastructure.token('olga')}"}
    refused = await door.get(DOOR, headers=headers)
    assert (refused.status_code, refused.json()["code"]) == (403, "role_missing")


async def test_a_machine_may_look_and_acts_on_nothing(
    door: httpx.AsyncClient, infrastructure: System
) -> None:
    machine = Account("console", "Console", ("ops",), "machine")
    token = access_token(read_key(issuer_key(infrastructure.layout)), infrastructure.issuer, machine)
    headers = {"authorization": f"Bearer {token}"}
    assert (await door.get(DOOR, headers=headers)).is_success
    for what, body in (("redrive", {"reason": "r"}), ("dismiss", {"reason": "r"})):
        answer = await door.post(f"{DOOR}/{uuid4()}/{what}", json=body, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (403, "people_only")


async def test_what_waits_is_counted_by_contract(door: httpx.AsyncClient, database: Database) -> None:
    odd = (("x-\0", b"\0\xff"), ("ce_type", b"truth.jobs.changed.v9"), ("ce_dataschema", b"urn:9.0"))
    poison = [Message("jobs.changed", b"k", b"Jane Doe", headers) for headers in (odd, odd, ())]
    await decide(
        database, "governance", ROUTES, [arrival(one, offset=n) for n, one in enumerate(poison)], NOW
    )

    told = (await door.get("/api/ops/in-flight")).json()
    rows = [(row["topic"], row["type"], row["dataschema"], row["count"]) for row in told["dead_letters"]]
    assert sorted(rows, key=str) == [
        ("jobs.changed", "truth.jobs.changed.v9", "urn:9.0", 2),
        ("jobs.changed", None, None, 1),
    ]
    outbox = {(row["topic"], row["type"]): row["count"] for row in told["outbox"]}
    assert outbox == {
        ("governance.dead-letters", "truth.jobs.changed.v9"): 2,
        ("governance.dead-letters", None): 1,
    }
    assert "Jane" not in str(told)
