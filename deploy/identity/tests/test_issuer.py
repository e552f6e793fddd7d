"""The development issuer: discovery, code flow with PKCE, client credentials, loopback only."""

import base64
import hashlib
import time
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import KeySet
from truth_issuer.__main__ import TooOpenError, require_closed
from truth_issuer.app import build
from truth_issuer.people import ACCOUNTS, MACHINES, PEOPLE
from truth_issuer.settings import Client, IssuerSettings
from truth_local.layout import Layout
from truth_local.passwords import issuer_key

URL = "http://localhost:9000"
CALLBACK = "http://localhost:9001/auth/callback"
VERIFIER = "v" * 43
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
ASKED = {
    "response_type": "code",
    "client_id": "governance",
    "redirect_uri": CALLBACK,
    "scope": "openid",
    "state": "s-1",
    "nonce": "n-1",
    "code_challenge": CHALLENGE,
    "code_challenge_method": "S256",
}


@pytest.fixture
def issuer(tmp_path: Path) -> httpx.AsyncClient:
    layout = Layout(tmp_path)
    layout.prepare()
    clients = {
        "governance": Client(secret="secret", redirect_uris=(CALLBACK,)),
        "intake": Client(secret="another", redirect_uris=(CALLBACK,)),
        "acme": Client(secret="machine", machine="acme"),
    }
    settings = IssuerSettings(url=URL, port=9000, key_file=issuer_key(layout), clients=clients)
    return httpx.AsyncClient(transport=httpx.ASGITransport(build(settings)), base_url=URL)


async def claims(issuer: httpx.AsyncClient, token: str, audience: str) -> dict[str, object]:
    keys = KeySet.import_key_set((await issuer.get("/jwks")).json())
    decoded = jwt.decode(token, keys, algorithms=["ES256"])
    jwt.JWTClaimsRegistry(
        iss={"essential": True, "value": URL},
        aud={"essential": True, "value": audience},
        exp={"essential": True},
    ).validate(decoded.claims)
    return decoded.claims


async def code(issuer: httpx.AsyncClient, subject: str = "ada", **changes: str) -> str:
    answer = await issuer.post("/authorize", data={**ASKED, **changes, "subject": subject})
    assert answer.status_code == 303
    return parse_qs(urlsplit(answer.headers["location"]).query)["code"][0]


async def redeem(issuer: httpx.AsyncClient, code: str, **changes: str) -> httpx.Response:
    asked = {
        "grant_type": "authorization_code",
        "client_id": "governance",
        "client_secret": "secret",
        "code": code,
        "redirect_uri": CALLBACK,
        "code_verifier": VERIFIER,
    }
    return await issuer.post("/token", data={**asked, **changes})


async def test_discovery_names_endpoints_of_this_issuer(issuer: httpx.AsyncClient) -> None:
    document = (await issuer.get("/.well-known/openid-configuration")).json()
    assert document["issuer"] == URL
    assert all(
        value.startswith(URL) for name, value in document.items() if name.endswith(("_endpoint", "_uri"))
    )


async def test_only_public_halves_of_keys_are_told(issuer: httpx.AsyncClient) -> None:
    (key,) = (await issuer.get("/jwks")).json()["keys"]
    assert key["kty"] == "EC"
    assert key["kid"]
    assert "d" not in key


async def test_a_person_signs_in_by_code_and_pkce(issuer: httpx.AsyncClient) -> None:
    page = await issuer.get("/authorize", params=ASKED)
    assert all(person.name in page.text for person in PEOPLE.values())
    answer = (await redeem(issuer, await code(issuer, "olga"))).json()
    access = await claims(issuer, answer["access_token"], "truth")
    assert (access["sub"], access["roles"], access["kind"]) == ("olga", ["operator"], "person")
    identity = await claims(issuer, answer["id_token"], "governance")
    assert (identity["sub"], identity["nonce"], identity["name"]) == ("olga", "n-1", "Olga Orlova")
    bearer = {"Authorization": f"Bearer {answer['access_token']}"}
    assert (await issuer.get("/userinfo", headers=bearer)).json()["sub"] == "olga"


async def test_tokens_tell_when_a_person_was_picked_and_not_when_they_were_issued(
    issuer: httpx.AsyncClient,
) -> None:
    before = int(time.time())
    picked = await code(issuer)
    after = int(time.time())
    answer = (await redeem(issuer, picked)).json()
    access = await claims(issuer, answer["access_token"], "truth")
    identity = await claims(issuer, answer["id_token"], "governance")
    assert before <= int(str(access["auth_time"])) <= after
    assert identity["auth_time"] == access["auth_time"]


async def test_state_and_issuer_come_back(issuer: httpx.AsyncClient) -> None:
    answer = await issuer.post("/authorize", data={**ASKED, "subject": "ada"})
    query = parse_qs(urlsplit(answer.headers["location"]).query)
    assert (query["state"], query["iss"]) == (["s-1"], [URL])


async def test_a_code_works_once(issuer: httpx.AsyncClient) -> None:
    once = await code(issuer)
    assert (await redeem(issuer, once)).is_success
    assert (await redeem(issuer, once)).json() == {"error": "invalid_grant"}


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        pytest.param({"code_verifier": "w" * 43}, "invalid_grant", id="another verifier"),
        pytest.param({"code_verifier": ""}, "invalid_grant", id="no verifier"),
        pytest.param({"redirect_uri": "http://localhost:9001/other"}, "invalid_grant", id="another address"),
        pytest.param(
            {"client_id": "intake", "client_secret": "another"}, "invalid_grant", id="another client"
        ),
        pytest.param({"client_secret": "wrong"}, "invalid_client", id="wrong secret"),
        pytest.param({"client_id": "nobody"}, "invalid_client", id="unknown client"),
        pytest.param({"grant_type": "password"}, "unsupported_grant_type", id="another grant"),
    ],
)
async def test_a_code_is_bound(issuer: httpx.AsyncClient, changes: dict[str, str], error: str) -> None:
    assert (await redeem(issuer, await code(issuer), **changes)).json() == {"error": error}


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"redirect_uri": "http://localhost:9001/auth/callback/x"}, id="unregistered address"),
        pytest.param({"client_id": "acme"}, id="machine client"),
        pytest.param({"client_id": "nobody"}, id="unknown client"),
        pytest.param({"response_type": "token"}, id="implicit flow"),
        pytest.param({"code_challenge_method": "plain"}, id="plain challenge"),
        pytest.param({"code_challenge": ""}, id="no challenge"),
        pytest.param({"scope": "email"}, id="not OpenID"),
    ],
)
async def test_an_unsafe_authorization_is_refused(issuer: httpx.AsyncClient, changes: dict[str, str]) -> None:
    assert (await issuer.get("/authorize", params=ASKED | changes)).is_client_error
    assert (await issuer.post("/authorize", data={**ASKED, **changes, "subject": "ada"})).is_client_error


@pytest.mark.parametrize("subject", ["mallory", "acme"])
async def test_only_people_can_be_picked(issuer: httpx.AsyncClient, subject: str) -> None:
    assert (await issuer.post("/authorize", data={**ASKED, "subject": subject})).status_code == 400


async def test_what_was_asked_is_shown_escaped(issuer: httpx.AsyncClient) -> None:
    page = await issuer.get("/authorize", params=ASKED | {"state": '"><script>'})
    assert "<script>" not in page.text


async def test_a_machine_gets_a_token_that_says_so(issuer: httpx.AsyncClient) -> None:
    answer = await issuer.post("/token", data={"grant_type": "client_credentials"}, auth=("acme", "machine"))
    access = await claims(issuer, answer.json()["access_token"], "truth")
    assert (access["sub"], access["kind"]) == ("acme", "machine")
    assert "auth_time" not in access  # nobody signed in
    assert answer.headers["cache-control"] == "no-store"


async def test_a_service_is_no_machine_client(issuer: httpx.AsyncClient) -> None:
    answer = await issuer.post(
        "/token", data={"grant_type": "client_credentials"}, auth=("governance", "secret")
    )
    assert answer.json() == {"error": "unauthorized_client"}


@pytest.mark.parametrize("header", ["", "Bearer x", "Bearer ", "Basic YTpi"])
async def test_userinfo_needs_a_token_of_ours(issuer: httpx.AsyncClient, header: str) -> None:
    assert (await issuer.get("/userinfo", headers={"Authorization": header})).status_code == 401


def settings(**changes: object) -> IssuerSettings:
    return IssuerSettings.model_validate(
        {"url": URL, "port": 9000, "key_file": "key", "clients": {}, **changes}
    )


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.2", "localhost", "example.org", ""])  # noqa: S104 refused
def test_nothing_but_loopback_is_bound(host: str) -> None:
    with pytest.raises(TooOpenError):
        require_closed(settings(host=host))


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "::1"])
def test_loopback_is_bound(host: str) -> None:
    require_closed(settings(host=host))


def test_a_container_has_a_loopback_of_its_own() -> None:
    require_closed(settings(host="0.0.0.0", in_container=True))  # noqa: S104 the published port is on loopback


@pytest.mark.parametrize("changes", [{}, {"host": "0.0.0.0", "in_container": True}])  # noqa: S104 refused
def test_production_has_another_issuer(changes: dict[str, object]) -> None:
    with pytest.raises(TooOpenError):
        require_closed(settings(environment="production", **changes))


def test_there_is_somebody_in_every_role() -> None:
    roles = {role for person in PEOPLE.values() for role in person.roles}
    assert roles == {"requester", "admin", "operator", "ops", "auditor"}
    assert {account.kind for account in MACHINES.values()} == {"machine"}
    assert len(ACCOUNTS) == len(PEOPLE) + len(MACHINES)
