"""Signing in with an issuer: the way there and back, and every answer of it that must not be believed."""

import base64
import hmac
import json
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import ECKey
from truth_issuer.people import ACCOUNTS
from truth_issuer.tokens import access_token, id_token
from truth_kit.pages.sign_in import own_path

from libs.kit.tests.pages_site import ISSUER, URL, Browser, Tokens, grant, new_key, site

ADA = ACCOUNTS["ada"]


@pytest.fixture
async def browser(tmp_path: Path) -> AsyncIterator[Browser]:
    async with site(tmp_path) as browser:
        yield browser


def is_signed_in(browser: Browser) -> bool:
    return "__Host-truth_desk" in browser.client.cookies


async def test_a_visit_leads_to_the_issuer_and_back_to_where_it_was_going(browser: Browser) -> None:
    sent = await browser.get("/mine?page=2")
    assert (sent.status_code, sent.headers["location"]) == (303, "/sign-in?to=%2Fmine%3Fpage%3D2")
    came = await browser.sign_in("ada", sent.headers["location"])
    assert (came.status_code, came.headers["location"]) == (303, "/mine?page=2")
    shown = await browser.get("/mine")
    assert (shown.status_code, shown.headers["x-person"]) == (200, "person:ada")
    assert "Ada Abel" in shown.text


async def test_the_question_is_a_code_flow_with_pkce_and_comes_back_here(browser: Browser) -> None:
    asked = await browser.begin()
    assert (asked["response_type"], asked["client_id"]) == ("code", "desk")
    assert asked["redirect_uri"] == f"{URL}/auth/callback"
    assert (asked["code_challenge_method"], len(asked["code_challenge"])) == ("S256", 43)
    assert asked["scope"] == "openid"


async def test_the_cookie_is_bound_to_this_host_and_holds_no_token(browser: Browser) -> None:
    cookie = (await browser.sign_in()).headers.get_list("set-cookie")[1]
    assert cookie.startswith("__Host-truth_desk=")
    parts = {part.strip().lower() for part in cookie.split(";")[1:]}
    assert parts == {"httponly", "max-age=28800", "path=/", "samesite=lax", "secure"}
    held = cookie.partition("=")[2].partition(".")[0]
    session = json.loads(base64.urlsafe_b64decode(held + "=" * (-len(held) % 4)))
    assert set(session) == {"subject", "name", "roles", "signed_in_at"}
    assert len(cookie) < 400


async def test_a_changed_cookie_is_nobodys(browser: Browser) -> None:
    await browser.sign_in()
    value = browser.client.cookies["__Host-truth_desk"]
    head, _, rest = value.partition(".")
    forged = base64.urlsafe_b64encode(
        base64.urlsafe_b64decode(head + "=" * (-len(head) % 4)).replace(b'"ada"', b'"eva"')
    ).decode()
    browser.client.cookies.clear()
    browser.client.cookies.set("__Host-truth_desk", f"{forged.rstrip('=')}.{rest}")
    assert (await browser.get("/mine")).status_code == 303


async def test_the_cookie_of_a_sign_in_that_has_begun_is_no_session(browser: Browser) -> None:
    await browser.begin()
    begun = browser.client.cookies["__Host-truth_desk_sign_in"]
    browser.client.cookies.set("__Host-truth_desk", begun)
    assert (await browser.get("/mine")).status_code == 303


async def test_another_role_is_told_which_it_takes(browser: Browser) -> None:
    await browser.sign_in("olga")
    refused = await browser.get("/mine")
    assert refused.status_code == 403
    assert "This takes the role admin." in refused.text
    assert refused.headers["x-request-id"] in refused.text


@pytest.mark.parametrize(("asked", "dropped"), [("", '"storage"'), ("?keep=true", None)])
async def test_who_signs_out_is_out(browser: Browser, asked: str, dropped: str | None) -> None:
    await browser.sign_in()
    out = await browser.post(f"/sign-out{asked}")
    assert (out.status_code, out.headers.get("clear-site-data")) == (303, dropped)
    assert not is_signed_in(browser)


async def test_a_sign_in_that_must_be_fresh_is_asked_for_anew(browser: Browser) -> None:
    await browser.sign_in()
    sent = await browser.get("/fresh")
    assert sent.headers["location"] == "/sign-in?to=%2Ffresh&fresh=1"
    asked = await browser.begin(sent.headers["location"])
    assert (asked["prompt"], asked["max_age"]) == ("login", "0")


async def test_a_fresh_sign_in_needs_the_issuers_word_for_it(browser: Browser) -> None:
    key = browser.issuer.key
    for seconds_ago, status in ((None, 400), (3600, 400), (5, 303)):
        told = {} if seconds_ago is None else {"auth_time": int(time.time()) - seconds_ago}
        browser.issuer.tokens = lambda nonce, told=told: {
            "access_token": access_token(key, ISSUER, ADA),
            "id_token": signed(key, for_us(nonce) | told),
        }
        assert (await browser.sign_in("ada", "/sign-in?to=/mine&fresh=1")).status_code == status


@pytest.mark.parametrize(
    "query",
    [
        pytest.param({"state": "another"}, id="another state"),
        pytest.param({}, id="no state"),
        pytest.param({"iss": "https://elsewhere.example"}, id="another issuer"),
        pytest.param({"error": "access_denied"}, id="refused there"),
    ],
)
async def test_an_answer_that_does_not_fit_the_question_signs_nobody_in(
    browser: Browser, query: dict[str, str]
) -> None:
    asked = await browser.begin()
    known = {} if query == {} else {"state": asked["state"], "code": "c"}
    refused = await browser.come_back(**(known | query))
    assert refused.status_code == 400
    assert "sign_in_failed" in refused.text
    assert not is_signed_in(browser)


async def test_an_answer_in_another_browser_signs_nobody_in(browser: Browser) -> None:
    asked = await browser.begin()
    browser.client.cookies.clear()
    assert (await browser.come_back(state=asked["state"], code="c")).status_code == 400


async def test_an_issuer_that_is_away_is_said_to_be(browser: Browser) -> None:
    def away(_: str) -> dict[str, str]:
        raise httpx.ConnectError("away")

    asked = await browser.begin()
    browser.issuer.tokens = away
    refused = await browser.come_back(state=asked["state"], code="c")
    assert refused.status_code == 503
    assert refused.headers["retry-after"]


def signed(key: ECKey, claims: dict[str, Any], **header: str) -> str:
    now = int(time.time())
    claims = {"iat": now, "nbf": now, "exp": now + 600, **ADA.claims, **claims}
    return jwt.encode({"alg": "ES256", "kid": key.kid, **header}, claims, key, algorithms=["ES256"])


def encoded(octets: bytes) -> str:
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()


def unsigned(claims: dict[str, Any], algorithm: str, kid: str | None) -> str:
    times = {"iat": int(time.time()), "exp": int(time.time()) + 600}
    parts = ({"alg": algorithm, "kid": kid}, {**times, **ADA.claims, **claims})
    return ".".join(encoded(json.dumps(part).encode()) for part in parts)


def confused(claims: dict[str, Any], key: ECKey) -> str:
    """Signed with the issuer's public key, taken for a shared secret."""
    text = unsigned(claims, "HS256", key.kid)
    return f"{text}.{encoded(hmac.digest(key.as_pem(private=False), text.encode(), 'sha256'))}"


FOREIGN = new_key()


def for_us(nonce: str) -> dict[str, Any]:
    return {"iss": ISSUER, "aud": "desk", "nonce": nonce}


def forgeries(key: ECKey) -> dict[str, Tokens]:
    """Answers of a token endpoint, each wrong in one way."""
    past = int(time.time()) - 3600

    def changed(access: dict[str, Any] | None = None, identity: dict[str, Any] | None = None) -> Tokens:
        return lambda nonce: {
            "access_token": signed(key, {"iss": ISSUER, "aud": "truth", **(access or {})}),
            "id_token": signed(key, {"iss": ISSUER, "aud": "desk", "nonce": nonce, **(identity or {})}),
        }

    def with_id_token(make: Tokens) -> Tokens:
        return lambda nonce: {"access_token": access_token(key, ISSUER, ADA), **make(nonce)}

    return {
        "access expired": changed({"exp": past}),
        "access of another issuer": changed({"iss": "https://elsewhere.example"}),
        "access for another audience": changed({"aud": "desk"}),
        "access of a machine": changed({"kind": "machine"}),
        "id expired": changed(identity={"exp": past}),
        "id of another issuer": changed(identity={"iss": "https://elsewhere.example"}),
        "id for another client": changed(identity={"aud": "governance"}),
        "id for two, given to another": changed(identity={"aud": ["desk", "x"], "azp": "x"}),
        "id to another question": changed(identity={"nonce": "another"}),
        "id of somebody else": changed(identity={"sub": "olga"}),
        "id without a signature": with_id_token(
            lambda nonce: {"id_token": unsigned(for_us(nonce), "none", key.kid) + "."}
        ),
        "id signed with the public key as a secret": with_id_token(
            lambda nonce: {"id_token": confused(for_us(nonce), key)}
        ),
        "id under a foreign key": with_id_token(
            lambda nonce: {"id_token": id_token(FOREIGN, ISSUER, ADA, grant(nonce))}
        ),
        "id under a foreign key with our key's id": with_id_token(
            lambda nonce: {"id_token": signed(FOREIGN, for_us(nonce), kid=str(key.kid))}
        ),
        "no id token": lambda _: {"access_token": access_token(key, ISSUER, ADA)},
        "an error": lambda _: {"error": "invalid_grant"},
    }


@pytest.mark.parametrize("name", sorted(forgeries(FOREIGN)))
@pytest.mark.filterwarnings(
    "ignore::joserfc.errors.SecurityWarning"
)  # the forger's, who takes a key for a secret
async def test_forged_tokens_sign_nobody_in(browser: Browser, name: str) -> None:
    browser.issuer.tokens = forgeries(browser.issuer.key)[name]
    refused = await browser.sign_in()
    assert refused.status_code in (400, 403), refused.text
    assert not is_signed_in(browser)


@pytest.mark.parametrize("to", ["/", "/tasks", "/tasks?state=open&x=%2F", "/a//b", "/track/x#part"])
def test_own_paths_are_gone_back_to(to: str) -> None:
    assert own_path(to) == to


@pytest.mark.parametrize(
    "to",
    [
        "https://evil.example/",
        "//evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "/\t/evil.example",
        "/ /evil.example",
        "javascript:alert(1)",
        "evil.example",
        "",
        "/x\r\nSet-Cookie: a=b",
        "/" + "x" * 3000,
    ],
)
async def test_a_sign_in_never_leads_elsewhere(browser: Browser, to: str) -> None:
    assert own_path(to) == "/"
    came = await browser.sign_in("ada", f"/sign-in?{urlencode({'to': to})}")
    assert came.headers["location"] == "/"
    again = await browser.client.get("/sign-in", params={"to": to})
    assert again.headers["location"] == "/"
