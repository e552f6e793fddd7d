"""What no door of any service takes: forged tokens, forms of other pages, places elsewhere, words in headers."""

import base64
import hmac
import json
import time
from collections.abc import Callable, Mapping

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import ECKey
from truth_contracts.topics import SERVICES
from truth_issuer.people import Account
from truth_issuer.tokens import read_key
from truth_kit.pages.session import Session
from truth_local.demo.acting import lasting_client
from truth_local.passwords import issuer_key
from truth_local.system import System

from tests.security.http_rights import ROLES, concrete, list_page_routes
from tests.security.sessions import cookie_of

EVERYBODY = Account("probe-all", "Probe", ROLES, "person")
FOREIGN = ECKey.generate_key("P-256")
Claims = Mapping[str, object]
Forge = Callable[[ECKey, Claims], str]


def signed(key: ECKey, claims: Claims, **header: object) -> str:
    return jwt.encode({"alg": "ES256", "kid": key.kid, **header}, dict(claims), key, algorithms=["ES256"])


def encoded(octets: bytes) -> str:
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()


def unsigned(claims: Claims, **header: object) -> str:
    return ".".join(encoded(json.dumps(part).encode()) for part in (header, dict(claims)))


def confused(key: ECKey, claims: Claims) -> str:
    """Signed with the issuer's public key, taken for a shared secret."""
    text = unsigned(claims, alg="HS256", kid=key.kid)
    return f"{text}.{encoded(hmac.digest(key.as_pem(private=False), text.encode(), 'sha256'))}"


FORGERIES: Mapping[str, Forge] = {
    "expired": lambda key, claims: signed(key, {**claims, "exp": int(time.time()) - 60}),
    "of another issuer": lambda key, claims: signed(key, {**claims, "iss": "https://elsewhere.example"}),
    "for another audience": lambda key, claims: signed(key, {**claims, "aud": "elsewhere"}),
    "not signed": lambda key, claims: unsigned(claims, alg="none", kid=key.kid) + ".",
    "the public key for a secret": confused,
    "a foreign key": lambda key, claims: signed(FOREIGN, claims, kid=key.kid),
    "a foreign key of its own": lambda key, claims: signed(
        FOREIGN, claims, kid=key.kid, jwk=FOREIGN.as_dict(private=False)
    ),
}


def claims_of(system: System) -> Claims:
    now = int(time.time())
    return {"iss": system.issuer, "aud": "truth", "iat": now, "exp": now + 600, **EVERYBODY.claims}


def asked(system: System, service: str, token: str) -> httpx.Response:
    headers = {"authorization": f"Bearer {token}"}
    return lasting_client().get(f"{system.urls[service]}/api/ops/flow", headers=headers)


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize("name", FORGERIES)
def test_a_forged_token_opens_no_door(system: System, service: str, name: str) -> None:
    key, claims = read_key(issuer_key(system.layout)), claims_of(system)
    assert asked(system, service, signed(key, claims)).status_code == 200
    refused = asked(system, service, FORGERIES[name](key, claims))
    assert (refused.status_code, refused.json()["code"]) == (401, "token_invalid")
    assert refused.headers["www-authenticate"].startswith("Bearer")


def signed_in(system: System, service: str) -> dict[str, str]:
    now = int(time.time())
    return {"cookie": cookie_of(system, service, Session("probe-all", "Probe", ROLES, now))}


@pytest.mark.parametrize("service", SERVICES)
def test_no_form_of_another_port_of_this_host_is_taken(system: System, service: str) -> None:
    """Same site, so that the cookie comes along; as new browsers tell it, and as old ones do."""
    url, cookie = system.urls[service], signed_in(system, service)
    routes = [*list_page_routes(system, service), "POST /sign-out"]
    sent = [concrete(route, {}) for route in routes if not route.startswith("GET ")]
    assert sent
    for elsewhere in ({"sec-fetch-site": "same-site"}, {"origin": system.issuer}):
        for method, path in sent:
            answer = lasting_client().request(method, url + path, headers=cookie | elsewhere)
            assert (answer.status_code, answer.json()["code"]) == (403, "cross_origin"), path


ELSEWHERE = (
    "https://evil.example/",
    "//evil.example",
    "/\\evil.example",
    "/%09/evil.example",
    "/\t/evil.example",
    "javascript:alert(1)",
    "/x\r\nSet-Cookie: a=b",
)


@pytest.mark.parametrize("service", SERVICES)
def test_no_sign_in_leads_elsewhere(system: System, service: str) -> None:
    cookie, url = signed_in(system, service), f"{system.urls[service]}/sign-in"
    own = lasting_client().get(url, params={"to": "/about"}, headers=cookie)
    assert (own.status_code, own.headers["location"]) == (303, "/about")
    for to in ELSEWHERE:
        answer = lasting_client().get(url, params={"to": to}, headers=cookie)
        assert answer.status_code == 303
        assert answer.next_request is not None
        assert str(answer.next_request.url).startswith(f"{system.urls[service]}/"), to
        assert "a" not in answer.cookies


SCRIPT = "\"'><script>alert(1)</script>"
HEADERS = (
    "accept-language",
    "cookie",
    "forwarded",
    "origin",
    "referer",
    "traceparent",
    "user-agent",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-request-id",
)


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize("accept", ["text/html", "application/json"])
def test_no_answer_says_a_header_again(system: System, service: str, accept: str) -> None:
    for path in ("/no-such-page", "/sign-in", "/signed-out", "/about"):
        headers = dict.fromkeys(HEADERS, SCRIPT) | {"accept": accept}
        answer = lasting_client().get(system.urls[service] + path, headers=headers)
        assert answer.status_code < 500
        assert "alert(1)" not in answer.text
        assert "alert(1)" not in str(answer.headers)
