import asyncio
import base64
import json
import time
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Annotated, Any

import httpx
import pytest
import uvicorn
from fastapi import Depends, FastAPI
from joserfc import jwt
from joserfc.jwk import ECKey, Key, OctKey, RSAKey
from truth_contracts.refusals import Refusal
from truth_kit import problems
from truth_kit.auth import Actor, CurrentActor, CurrentPerson, Verifier, require, require_person


@dataclass
class Issuer:
    """A real issuer on loopback: discovery and keys, nothing else."""

    url: str = ""
    keys: list[Key] = field(default_factory=list[Key])
    fetched: int = 0
    speaks_for: str | None = None  # another issuer

    def app(self) -> FastAPI:
        """Its two addresses."""
        app = FastAPI()

        @app.get("/.well-known/openid-configuration")
        async def discovery() -> dict[str, str]:
            return {"issuer": self.speaks_for or self.url, "jwks_uri": f"{self.url}/jwks"}

        @app.get("/jwks")
        async def keys() -> dict[str, Any]:
            self.fetched += 1
            return {"keys": [key.as_dict(private=False) for key in self.keys]}

        return app


def new_key(key_id: str) -> ECKey:
    return ECKey.generate_key("P-256", {"kid": key_id, "use": "sig"})


def token(issuer: Issuer, *, alg: str = "ES256", key: Key | None = None, **claims: Any) -> str:
    key = key or issuer.keys[0]
    body: dict[str, Any] = {
        "iss": issuer.url,
        "aud": "truth",
        "sub": "ada-1",
        "name": "Ada",
        "kind": "person",
        "roles": ["admin"],
        "exp": int(time.time()) + 300,
    }
    body |= claims
    stated = {name: value for name, value in body.items() if value is not None}
    return jwt.encode({"alg": alg, "kid": key.kid}, stated, key, algorithms=[alg])


@asynccontextmanager
async def listening(app: FastAPI, port: int = 0) -> AsyncGenerator[str]:
    config = uvicorn.Config(app, port=port, lifespan="off", ws="none", log_config=None, access_log=False)
    server, socket = uvicorn.Server(config), config.bind_socket()
    serving = asyncio.create_task(server.serve(sockets=[socket]))
    try:
        yield f"http://127.0.0.1:{socket.getsockname()[1]}"
    finally:
        server.should_exit = True
        await serving


@pytest.fixture
async def issuer() -> AsyncIterator[Issuer]:
    issuer = Issuer(keys=[new_key("first")])
    async with listening(issuer.app()) as url:
        issuer.url = url
        yield issuer


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(trust_env=False, timeout=5) as client:
        yield client


@pytest.fixture
def verifier(issuer: Issuer, http: httpx.AsyncClient) -> Verifier:
    return Verifier(issuer.url, http)


def refused(verdict: Actor | Refusal) -> str:
    assert isinstance(verdict, Refusal)
    return verdict.code


async def test_a_person_is_who_the_token_says(issuer: Issuer, verifier: Verifier) -> None:
    ada = await verifier.verify(token(issuer))
    assert ada == Actor("ada-1", "Ada", frozenset({"admin"}), "person")
    assert isinstance(ada, Actor)
    assert ada.reference == "person:ada-1"


async def test_when_somebody_signed_in_is_told_by_auth_time_alone(issuer: Issuer, verifier: Verifier) -> None:
    renewed = await verifier.verify(token(issuer, iat=int(time.time())))
    assert isinstance(renewed, Actor)
    assert renewed.signed_in_at is None
    signed_in = await verifier.verify(token(issuer, auth_time=1_795_780_800))
    assert isinstance(signed_in, Actor)
    assert signed_in.signed_in_at == datetime(2026, 11, 27, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize("kind", [None, "machine", "Person", "robot"])
async def test_whoever_is_not_called_a_person_is_a_machine(
    issuer: Issuer, verifier: Verifier, kind: str | None
) -> None:
    acme = await verifier.verify(token(issuer, sub="acme", kind=kind, roles=None, name=None))
    assert isinstance(acme, Actor)
    assert acme == Actor("acme", "acme", frozenset(), "machine")
    assert acme.reference == "client:acme"


async def test_rs256_is_taken_too(issuer: Issuer, verifier: Verifier) -> None:
    key = RSAKey.generate_key(2048, {"kid": "rsa"})
    issuer.keys.append(key)
    assert isinstance(await verifier.verify(token(issuer, alg="RS256", key=key)), Actor)


@pytest.mark.parametrize(
    "claims",
    [
        pytest.param({"iss": "http://elsewhere"}, id="another issuer"),
        pytest.param({"iss": None}, id="no issuer"),
        pytest.param({"aud": "console"}, id="another audience"),
        pytest.param({"aud": None}, id="no audience"),
        pytest.param({"exp": 1}, id="expired"),
        pytest.param({"exp": int(time.time()) - 11}, id="expired beyond the leeway"),
        pytest.param({"exp": None}, id="without end"),
        pytest.param({"exp": "soon"}, id="end is no number"),
        pytest.param({"nbf": int(time.time()) + 600}, id="not yet"),
        pytest.param({"sub": None}, id="nobody"),
        pytest.param({"sub": "two words"}, id="subject with a space"),
        pytest.param({"sub": "s" * 129}, id="subject too long"),
        pytest.param({"roles": "admin"}, id="roles are no list"),
        pytest.param({"auth_time": -1}, id="signed in before 1970"),
        pytest.param({"auth_time": 10**12}, id="signed in after the year 9999"),
        pytest.param({"auth_time": "lately"}, id="signed in at no time"),
        pytest.param({"name": {"first": "Ada"}}, id="name is no text"),
        pytest.param({"name": "n" * 9000}, id="too long"),
    ],
)
async def test_a_token_with_wrong_claims_is_refused(
    issuer: Issuer, verifier: Verifier, claims: dict[str, Any]
) -> None:
    assert refused(await verifier.verify(token(issuer, **claims))) == "token_invalid"


async def test_a_token_just_expired_is_within_the_leeway(issuer: Issuer, verifier: Verifier) -> None:
    assert isinstance(await verifier.verify(token(issuer, exp=int(time.time()) - 3)), Actor)


async def test_audience_may_be_a_list(issuer: Issuer, verifier: Verifier) -> None:
    assert isinstance(await verifier.verify(token(issuer, aud=["account", "truth"])), Actor)


def encoded(part: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()


async def test_forgeries_are_refused(issuer: Issuer, verifier: Verifier) -> None:
    good = token(issuer)
    head, body, signature = good.split(".")
    other = new_key("first")  # the right name, the wrong key
    secret = OctKey.import_key(str(issuer.keys[0].as_dict(private=False)["x"]), {"kid": "first"})
    forgeries = {
        "another key": token(issuer, key=other),
        "shared secret": token(issuer, alg="HS256", key=secret),
        "no algorithm": f"{encoded({'alg': 'none', 'kid': 'first'})}.{body}.",
        "other claims": f"{head}.{encoded({'sub': 'eve'})}.{signature}",
        "no signature": f"{head}.{body}.",
        "two parts": f"{head}.{body}",
        "no key named": f"{encoded({'alg': 'ES256'})}.{body}.{signature}",
        "not a token": "hello",
        "header is a list": f"{base64.urlsafe_b64encode(b'[]').decode()}.{body}.{signature}",
        "own key in the header": f"{encoded({'alg': 'ES256', 'kid': 'x', 'jwk': other.as_dict()})}.{body}.{signature}",
        "nothing": "",
        "not ASCII": "é.é.é",
    }
    for name, forged in forgeries.items():
        assert refused(await verifier.verify(forged)) == "token_invalid", name
    assert isinstance(await verifier.verify(good), Actor)


async def test_keys_are_fetched_once_for_many_tokens(issuer: Issuer, verifier: Verifier) -> None:
    await asyncio.gather(*(verifier.verify(token(issuer)) for _ in range(20)))
    assert issuer.fetched == 1


async def test_a_new_key_is_found_but_unknown_ones_cannot_hammer_the_issuer(
    issuer: Issuer, http: httpx.AsyncClient
) -> None:
    verifier = Verifier(issuer.url, http, fetch_seconds=0)
    assert isinstance(await verifier.verify(token(issuer)), Actor)
    issuer.keys.insert(0, new_key("second"))
    assert isinstance(await verifier.verify(token(issuer)), Actor)
    patient = Verifier(issuer.url, http)
    fetched = issuer.fetched
    for number in range(20):
        assert (
            refused(await patient.verify(token(issuer, key=new_key(f"unknown-{number}")))) == "token_invalid"
        )
    assert issuer.fetched == fetched + 1


async def test_an_issuer_that_is_away_lets_nobody_in(http: httpx.AsyncClient) -> None:
    issuer = Issuer(keys=[new_key("first")])
    async with listening(issuer.app()) as url:
        issuer.url = url
    verifier = Verifier(url, http, fetch_seconds=0)
    assert refused(await verifier.verify(token(issuer))) == "identity_unavailable"
    async with listening(issuer.app(), int(url.rsplit(":", 1)[1])):
        assert isinstance(await verifier.verify(token(issuer)), Actor)
    assert isinstance(await verifier.verify(token(issuer)), Actor)  # known keys serve on
    assert refused(await verifier.verify(token(issuer, key=new_key("second")))) == "identity_unavailable"


async def test_an_issuer_that_speaks_for_another_is_not_believed(issuer: Issuer, verifier: Verifier) -> None:
    issuer.speaks_for = "http://elsewhere"
    assert refused(await verifier.verify(token(issuer))) == "identity_unavailable"


@pytest.fixture
async def door(verifier: Verifier) -> AsyncIterator[httpx.AsyncClient]:
    app = FastAPI()
    problems.install(app)
    app.state.verifier = verifier

    @app.get("/anyone")
    async def anyone(actor: CurrentActor) -> str:
        return actor.reference

    @app.get("/person")
    async def person(actor: CurrentPerson) -> str:
        return actor.reference

    @app.get("/role")
    async def role(actor: Annotated[Actor, Depends(require("ops", "auditor"))]) -> str:
        return actor.reference

    @app.get("/person-with-role")
    async def person_with_role(actor: Annotated[Actor, Depends(require_person("admin"))]) -> str:
        return actor.reference

    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://truth") as client:
        yield client


@pytest.mark.parametrize(
    ("path", "claims", "answer"),
    [
        ("/anyone", {}, "person:ada-1"),
        ("/anyone", {"kind": "machine"}, "client:ada-1"),
        ("/person", {"roles": []}, "person:ada-1"),
        ("/person", {"kind": "machine"}, "people_only"),
        ("/role", {"roles": ["auditor", "admin"]}, "person:ada-1"),
        ("/role", {"kind": "machine", "roles": ["ops"]}, "client:ada-1"),
        ("/role", {}, "role_missing"),
        ("/person-with-role", {}, "person:ada-1"),
        ("/person-with-role", {"roles": ["ops"]}, "role_missing"),
        ("/person-with-role", {"kind": "machine"}, "people_only"),
    ],
)
async def test_who_may(
    issuer: Issuer, door: httpx.AsyncClient, path: str, claims: dict[str, Any], answer: str
) -> None:
    got = await door.get(path, headers={"authorization": f"Bearer {token(issuer, **claims)}"})
    assert got.status_code == (200 if ":" in answer else 403)
    assert (got.json() if got.is_success else got.json()["code"]) == answer


async def test_a_missing_role_is_named(issuer: Issuer, door: httpx.AsyncClient) -> None:
    got = await door.get("/role", headers={"authorization": f"Bearer {token(issuer)}"})
    assert "ops or auditor" in got.json()["detail"]


@pytest.mark.parametrize("header", [None, "", "Basic YWRhOmFkYQ==", "Bearer"])
async def test_without_a_token_nobody_enters(door: httpx.AsyncClient, header: str | None) -> None:
    got = await door.get("/anyone", headers={} if header is None else {"authorization": header})
    assert got.status_code == 401
    assert got.json()["code"] == "token_missing"
    assert got.headers["www-authenticate"] == "Bearer"


async def test_a_bad_token_is_told_so(issuer: Issuer, door: httpx.AsyncClient) -> None:
    got = await door.get("/anyone", headers={"authorization": f"Bearer {token(issuer, exp=1)}"})
    assert got.status_code == 401
    assert got.headers["www-authenticate"] == 'Bearer error="invalid_token"'
    assert "expired" in got.json()["detail"]
