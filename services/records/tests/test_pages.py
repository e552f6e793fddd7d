"""Records' pages over HTTP: who reads a Record, the seal's parts, and the verification that anyone may use."""

import base64
import re
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import httpx
import pytest
from truth_kit.auth import Verifier
from truth_kit.blobs import Folder
from truth_kit.connections import HttpServer, KafkaConnection, SignIn
from truth_kit.database import Database
from truth_kit.lifecycle import Service, application
from truth_kit.testing import cookie
from truth_local.system import System
from truth_records.api import log, ops, records
from truth_records.api.log import Published
from truth_records.pages import pages
from truth_sealing import samples
from truth_sealing.canonical import sha256_hex
from truth_sealing.page import single_file

from services.records.tests.builders import LOG_KEY, drafts, uuid_of
from services.records.tests.logs import Grown
from services.records.tests.running import Running, count, fetch, insert, until

HTML = {"Accept": "text/html"}
POLICY, KEYS = samples.Keys().policy(), samples.Keys().keyring()
Visitor = Callable[..., httpx.AsyncClient]


@pytest.fixture
async def visitor(
    database: Database, kafka: KafkaConnection, infrastructure: System, tmp_path: Path
) -> AsyncIterator[Visitor]:
    """Browsers, by who is signed in with which role."""
    (tmp_path / "secret").write_text("a secret of this test")
    sign_in = SignIn(client_id="records", client_secret_file=tmp_path / "secret")
    service = Service(
        name="records", version="1.0.0", http=HttpServer(port=1, public_url="http://localhost:1"),
        database=database.connection, kafka=kafka, issuer=infrastructure.issuer,
        routers=(records.router, log.router, ops.router),
        state={"published": Published(POLICY, KEYS), "evidence": Folder(tmp_path / "evidence")},
        pages=pages(sign_in, {"signals": "http://localhost:2"}),
    )  # fmt: skip
    made: list[httpx.AsyncClient] = []
    async with httpx.AsyncClient(trust_env=False) as fetching:
        app = application(service, database, Verifier(service.issuer, fetching))

        def signed_in(name: str | None = None, *roles: str) -> httpx.AsyncClient:
            cookies = cookie(app, name, *roles) if name else None
            transport = httpx.ASGITransport(app)
            client = httpx.AsyncClient(
                transport=transport, base_url="http://x", headers=HTML, cookies=cookies
            )
            made.append(client)
            return client

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


RECORD = uuid_of(1, "record")


@pytest.mark.usefixtures("sealed")
async def test_a_record_opens_for_admins_auditors_and_its_operator(visitor: Visitor) -> None:
    for name, role in (("ada", "admin"), ("vera", "auditor"), ("olga", "operator")):
        page = await visitor(name, role).get(f"/records/{RECORD}")
        assert page.status_code == 200, page.text
        for told in ("not fulfilled", "Create Job", "Download the bundle", f"/records/{RECORD}/bundle"):
            assert told in page.text
        assert f"http://localhost:2/signals?record={RECORD}" in page.text
    other = await visitor("otto", "operator").get(f"/records/{RECORD}")
    assert (other.status_code, "record_unknown" in other.text) == (404, True)
    assert (await visitor("rita", "requester").get(f"/records/{RECORD}")).status_code == 403
    unknown = await visitor().get(f"/records/{RECORD}")
    assert (unknown.status_code, unknown.headers["location"].startswith("/sign-in?to=")) == (303, True)


@pytest.mark.usefixtures("sealed")
async def test_an_operator_lists_their_own_and_an_auditor_all(visitor: Visitor) -> None:
    everything = (await visitor("vera", "auditor").get("/records")).text
    assert everything.count(" data-row>") == 3
    assert everything.index(str(uuid_of(2, "record"))) < everything.index(str(uuid_of(0, "record")))
    assert (await visitor("olga", "operator").get("/records")).text.count(" data-row>") == 3
    assert "No Records to read" in (await visitor("otto", "operator").get("/records")).text
    before = (await visitor("vera", "auditor").get("/records", params={"before": 1})).text
    assert before.count(" data-row>") == 1


@pytest.mark.parametrize("before", [-1, 2**63, "x"])
async def test_a_page_that_cannot_be_is_refused(visitor: Visitor, before: object) -> None:
    answer = await visitor("vera", "auditor").get("/records", params={"before": str(before)})
    assert answer.status_code == 422


@pytest.mark.usefixtures("sealed")
@pytest.mark.parametrize(("number", "status"), [("%00", 422), ("1", 422), ("9999", 404)])
async def test_a_photo_that_cannot_be_is_refused(visitor: Visitor, number: str, status: int) -> None:
    answer = await visitor("ada", "admin").get(f"/records/{RECORD}/evidence/{number}")
    assert answer.status_code == status


@pytest.mark.usefixtures("sealed")
async def test_the_bundle_comes_by_session_as_it_does_by_token(
    visitor: Visitor, infrastructure: System
) -> None:
    path = f"/records/{RECORD}/bundle"
    by_session = await visitor("ada", "admin").get(path)
    bearer = {"Authorization": f"Bearer {infrastructure.token('ada')}"}
    by_token = await visitor().get(path, headers=bearer)
    assert by_session.status_code == 200
    assert by_session.content == by_token.content
    assert (await visitor("rita", "requester").get(path)).status_code == 403
    assert (await visitor("otto", "operator").get(path)).status_code == 404


@pytest.mark.usefixtures("sealed")
async def test_a_reference_tells_the_digest_and_the_place_and_nothing_of_the_content(
    visitor: Visitor, database: Database
) -> None:
    page = await visitor().get(f"/verify/{RECORD}")
    assert page.status_code == 200
    assert "sealed in the log at position 1" in page.text
    assert "Content withheld" in page.text
    assert "not_fulfilled" not in page.text
    rows = await fetch(database, "SELECT body FROM truth.record WHERE record_id = $1", RECORD)
    assert sha256_hex(rows[0]["body"]) in page.text
    assert "c2sp.org/tlog-proof@v1" in page.text
    assert (await visitor().get(f"/verify/{uuid_of(9, 'record')}")).status_code == 404


async def test_anyone_gets_the_verifier_with_what_it_checks_against(visitor: Visitor) -> None:
    page = await visitor().get("/verify")
    assert page.status_code == 200
    assert f'data-policy="{base64.b64encode(POLICY).decode()}"' in page.text
    assert re.findall(r"<script(?![^>]* src=)|<style| style=| on[a-z]+=", page.text) == []
    modules = re.findall(r'src="(/verifier/[^"]+/page\.js)"', page.text)
    assert len(modules) == 1
    folder = modules[0].rpartition("/")[0]
    left, seen = ["page.js"], set[str]()
    while left:
        name = left.pop()
        seen.add(name)
        found = await visitor().get(f"{folder}/{name}")
        assert (found.status_code, found.headers["content-type"].split(";")[0]) == (200, "text/javascript")
        left += (
            set(re.findall(r"^import .* from \"\./([a-z]+\.js)\"", found.text, re.MULTILINE))
            - seen
            - set(left)
        )
    assert "verify.js" in seen


async def test_anyone_takes_the_verifier_home_as_one_file(visitor: Visitor) -> None:
    page = await visitor().get("/verify.html")
    assert page.content == single_file(POLICY, KEYS)
    assert page.headers["content-disposition"] == "attachment; filename=verify.html"


@pytest.mark.usefixtures("sealed")
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
async def test_d3_no_method_changes_a_record(visitor: Visitor, method: str) -> None:
    for path in ("/records", f"/records/{RECORD}", f"/records/{RECORD}/evidence/0001", f"/verify/{RECORD}"):
        answer = await visitor("ada", "admin").request(
            method, path, headers={"Sec-Fetch-Site": "same-origin"}
        )
        assert answer.status_code == 405, path
