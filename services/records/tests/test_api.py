"""HTTP: who reads a Record, the bundle, the public log and its caching; nothing changes one."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import httpx
import pytest
from truth_kit.auth import Verifier
from truth_kit.blobs import Folder
from truth_kit.connections import HttpServer, KafkaConnection
from truth_kit.database import Database
from truth_kit.lifecycle import Service, application
from truth_local.system import System
from truth_records.api import log, ops, records
from truth_records.api.log import Published
from truth_records.bell import Bell
from truth_records.evidence import Copier
from truth_sealing.checkpoint import open_checkpoint
from truth_sealing.edge import Edge
from truth_sealing.tree import leaf_hash
from truth_sealing.verify import verify

from services.records.tests.builders import LOG_KEY, TRUST, drafts, uuid_of
from services.records.tests.logs import Grown
from services.records.tests.running import Running, count, insert, until

Client = Callable[[str | None], httpx.AsyncClient]


@pytest.fixture
async def client(
    database: Database, kafka: KafkaConnection, infrastructure: System, tmp_path: Path
) -> AsyncIterator[Client]:
    """Clients of the HTTP side, by who is signed in."""
    grown = Grown(database, key=LOG_KEY)
    own = Folder(tmp_path)
    service = Service(
        name="records", version="1.0.0", http=HttpServer(port=1, public_url="http://localhost:1"),
        database=database.connection, kafka=kafka, issuer=infrastructure.issuer,
        routers=(records.router, log.router, ops.router),
        state={
            "published": Published(b"the policy", b'{"keys":[]}'), "sealer": grown.sealer(kafka),
            "copier": Copier(own, own, drafted=Bell(), copied=Bell()),
        },
    )  # fmt: skip
    made: list[httpx.AsyncClient] = []
    async with httpx.AsyncClient(trust_env=False) as fetching:
        app = application(service, database, Verifier(service.issuer, fetching))

        def signed_in(name: str | None) -> httpx.AsyncClient:
            headers = {"Authorization": f"Bearer {infrastructure.token(name)}"} if name else {}
            made.append(
                httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://x", headers=headers)
            )
            return made[-1]

        yield signed_in
        for one in made:
            await one.aclose()


@pytest.fixture
async def sealed(database: Database, kafka: KafkaConnection, running: Running) -> None:
    """Three Records, by the real sealer."""
    await insert(database, drafts(range(3)))
    running.start(Grown(database, key=LOG_KEY).sealer(kafka).run)

    async def are_there() -> bool:
        return await count(database, "record") == 3

    await until(are_there, "Record")


@pytest.mark.usefixtures("sealed")
async def test_admins_auditors_and_the_operator_read_a_record_and_nobody_else(client: Client) -> None:
    record_id, request_id = uuid_of(1, "record"), uuid_of(1, "request_id")
    for name in ("ada", "vera", "olga", "console"):
        answer = await client(name).get(f"/api/records/{record_id}")
        assert answer.status_code == 200, answer.text
        assert (answer.json()["index"], answer.json()["members"]["outcome"]) == (1, "not_fulfilled")
        (found,) = (await client(name).get("/api/records", params={"request_id": str(request_id)})).json()[
            "records"
        ]
        assert found == answer.json()
    other = await client("otto").get(f"/api/records/{record_id}")
    assert (other.status_code, other.json()["code"]) == (404, "record_unknown")
    assert (await client("otto").get("/api/records", params={"request_id": str(request_id)})).json() == {
        "records": []
    }
    for name, status in (("rita", 403), ("acme", 403), (None, 401)):
        assert (await client(name).get(f"/api/records/{record_id}")).status_code == status
        assert (await client(name).get(f"/records/{record_id}/bundle")).status_code == status


@pytest.mark.usefixtures("sealed")
async def test_a_bundle_verifies_under_the_newest_checkpoint(client: Client) -> None:
    answer = await client("vera").get(f"/records/{uuid_of(0, 'record')}/bundle")
    report = verify(answer.content, TRUST)
    assert report.failures(("integrity", "logged", "path_complete", "path_signed", "duties_separated")) == ()
    assert (report.subject["index"], report.subject["size"]) == (0, 3)
    assert answer.headers["cache-control"] == "private, no-store"


async def test_what_does_not_exist_is_not_found(client: Client) -> None:
    anyone = client(None)
    for path in ("/log/checkpoint", "/log/tile/0/000", "/log/tile/entries/000", "/log/tile/0/000.p/1"):
        assert (await anyone.get(path)).status_code == 404, path
    unknown = await client("ada").get(f"/api/records/{uuid_of(9, 'x')}")
    assert unknown.json()["code"] == "record_unknown"


@pytest.mark.usefixtures("sealed")
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
async def test_no_method_changes_a_record(client: Client, method: str) -> None:
    for path in (
        "/api/records",
        f"/api/records/{uuid_of(1, 'record')}",
        f"/records/{uuid_of(1, 'record')}/bundle",
    ):
        assert (await client("ada").request(method, path)).status_code == 405


async def test_the_public_log_gives_the_signed_tree_again(client: Client, database: Database) -> None:
    grown, anyone = Grown(database, key=LOG_KEY), client(None)
    await grown.grow(300, 7)
    head = await anyone.get("/log/checkpoint")
    checkpoint, _ = open_checkpoint(head.text, LOG_KEY.pinned)
    entries: list[bytes] = []
    leaves: list[bytes] = []
    for path in ("000", "001.p/51"):
        octets = (await anyone.get(f"/log/tile/entries/{path}")).content
        while octets:
            length = int.from_bytes(octets[:2], "big")
            entries.append(octets[2 : 2 + length])
            octets = octets[2 + length :]
        hashes = (await anyone.get(f"/log/tile/0/{path}")).content
        leaves += [hashes[start : start + 32] for start in range(0, len(hashes), 32)]
    assert [leaf_hash(entry) for entry in entries] == leaves
    assert Edge().append(leaves).edge.root == checkpoint.root
    assert (await anyone.get("/log/tile/1/000.p/1")).content == grown.edge.open_tiles[1][0]


async def test_full_tiles_are_kept_for_ever_and_partial_ones_only_exist_for_signed_sizes(
    client: Client, database: Database
) -> None:
    anyone = client(None)
    await Grown(database, key=LOG_KEY).grow(300, 7)
    for path, lifetime in (
        ("checkpoint", "public, max-age=1"),
        ("tile/0/000", "public, max-age=31536000, immutable"),
        ("tile/entries/000", "public, max-age=31536000, immutable"),
        ("tile/0/001.p/44", "public, max-age=60"),
        ("tile/0/001.p/51", "public, max-age=60"),
    ):
        assert (await anyone.get(f"/log/{path}")).headers["cache-control"] == lifetime
    for path in (
        "tile/0/001", "tile/0/001.p/45", "tile/0/000.p/44", "tile/0/001.p/256", "tile/0/001.p/0", "tile/0/1", "tile/9/000",
        "tile/0/-01", "tile/00/000", "tile/2/000", "tile/1/000", "tile/entries/001", "tile/entries/001.p/50", "tile/entries/x",
    ):  # fmt: skip
        assert (await anyone.get(f"/log/{path}")).status_code == 404, path


async def test_what_verifiers_pin_is_published_byte_for_byte(client: Client) -> None:
    policy = await client(None).get("/.well-known/runtime-truth/policy")
    assert (policy.content, policy.headers["content-type"]) == (b"the policy", "text/plain; charset=utf-8")
    assert (await client(None).get("/.well-known/runtime-truth/keys.json")).json() == {"keys": []}


async def test_the_flow_tells_what_waits(client: Client, database: Database) -> None:
    await insert(database, drafts(range(2)))
    flow = (await client("paul").get("/api/ops/log")).json()
    assert (flow["drafts"]["ready"], flow["log"], flow["audit"]) == (
        2,
        {"origin": LOG_KEY.origin, "size": 0, "signed_at": None, "sealer": "starts"},
        None,
    )
    assert (await client("olga").get("/api/ops/log")).status_code == 403
