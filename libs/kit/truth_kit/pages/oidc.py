"""OpenID Connect with whatever issuer the settings name: code flow with PKCE (RFC 7636), tokens checked."""

import time
from dataclasses import dataclass
from typing import Any, cast

import httpx
from authlib.common.security import generate_token
from authlib.oauth2.client import OAuth2Client
from authlib.oidc.core import CodeIDToken
from joserfc.errors import JoseError
from pydantic import BaseModel, ValidationError
from truth_contracts.refusals import Refusal

from truth_kit.auth import LEEWAY_SECONDS, Actor, Verifier

_AWAY = Refusal("identity_unavailable", "The sign-in does not answer now. Try again in a moment.")
_VERIFIER_CHARACTERS = 48
_FRESH_SECONDS_MAX = 600  # as long as a sign-in may take


class _Endpoints(BaseModel):
    issuer: str
    authorization_endpoint: str
    token_endpoint: str


class _Tokens(BaseModel):
    id_token: str
    access_token: str


@dataclass(frozen=True, slots=True)
class Attempt:
    """A sign-in that has begun: what its answer must fit. Kept in a cookie of the same browser."""

    state: str
    nonce: str
    verifier: str
    to: str
    is_fresh: bool


@dataclass(frozen=True, slots=True)
class Arrived:
    """A person whom the issuer vouches for."""

    actor: Actor
    signed_in_at: int | None  # `auth_time`: a token made anew says nothing of when the person was seen


class Relying:
    """This service as a client of the issuer (OpenID Connect Core, section 3.1)."""

    def __init__(self, verifier: Verifier, client_id: str, secret: str, callback: str) -> None:
        self._verifier, self._client_id, self._secret, self._callback = verifier, client_id, secret, callback

    @property
    def issuer(self) -> str:
        """As its tokens name it."""
        return self._verifier.issuer

    async def begin(self, to: str, *, is_fresh: bool) -> tuple[str, Attempt] | Refusal:
        """Where to send the browser, and what to remember. `is_fresh` has the issuer ask anew who it is."""
        endpoints = await self._endpoints()
        if isinstance(endpoints, Refusal):
            return endpoints
        attempt = Attempt(
            generate_token(), generate_token(), generate_token(_VERIFIER_CHARACTERS), to, is_fresh
        )
        client = OAuth2Client(
            None,
            self._client_id,
            scope="openid",  # our realm knows no other, and Keycloak refuses what it does not know
            redirect_uri=self._callback,
            code_challenge_method="S256",
        )
        more = {"prompt": "login", "max_age": 0} if is_fresh else {}
        url, _ = cast(
            tuple[str, str],
            client.create_authorization_url(  # pyright: ignore[reportUnknownMemberType] untyped library
                endpoints.authorization_endpoint,
                state=attempt.state,
                code_verifier=attempt.verifier,
                nonce=attempt.nonce,
                **more,
            ),
        )
        return url, attempt

    async def finish(self, code: str, attempt: Attempt) -> Arrived | Refusal:
        """Redeem the code and check both tokens: that the first was meant for us, and who the second is."""
        tokens = await self._redeem(code, attempt)
        if isinstance(tokens, Refusal):
            return tokens
        actor = await self._verifier.verify(tokens.access_token)
        claims = await self._verifier.signed(tokens.id_token)
        if isinstance(claims, Refusal):
            return _passed_on(claims)
        if isinstance(actor, Refusal):
            return _passed_on(actor)
        return self._arrived(claims, attempt, actor)

    def _arrived(self, claims: dict[str, Any], attempt: Attempt, actor: Actor) -> Arrived | Refusal:
        options = {
            "iss": {"essential": True, "value": self.issuer},
            "aud": {"essential": True, "value": self._client_id},
            "nonce": {"essential": True, "value": attempt.nonce},
        }
        params = {"nonce": attempt.nonce, "client_id": self._client_id}
        try:
            id_token = CodeIDToken(claims, {}, options, params)
            id_token.validate(now=int(time.time()), leeway=LEEWAY_SECONDS)  # pyright: ignore[reportUnknownMemberType] untyped library
        except JoseError as error:
            return _failed(f"the id token was not accepted: {error.error.replace('_', ' ')}")
        if claims["sub"] != actor.subject:
            return _failed("the two tokens speak of different people")
        if actor.kind != "person":
            return Refusal("people_only", "Pages are for people; a machine client uses the API.")
        signed_in_at: int | None = claims.get("auth_time")
        if attempt.is_fresh and (signed_in_at is None or signed_in_at < time.time() - _FRESH_SECONDS_MAX):
            return _failed("the issuer did not ask anew who you are")
        return Arrived(actor, signed_in_at)

    async def _endpoints(self) -> _Endpoints | Refusal:
        url = f"{self.issuer.rstrip('/')}/.well-known/openid-configuration"
        try:
            answer = await self._verifier.client.get(url)
            found = _Endpoints.model_validate_json(answer.raise_for_status().content)
        except (httpx.HTTPError, httpx.InvalidURL, ValidationError):
            return _AWAY
        return found if found.issuer == self.issuer else _AWAY

    async def _redeem(self, code: str, attempt: Attempt) -> _Tokens | Refusal:
        endpoints = await self._endpoints()
        if isinstance(endpoints, Refusal):
            return endpoints
        given = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self._callback,
            "code_verifier": attempt.verifier,
        }
        try:
            answer = await self._verifier.client.post(
                endpoints.token_endpoint, data=given, auth=(self._client_id, self._secret)
            )
        except (httpx.HTTPError, httpx.InvalidURL):
            return _AWAY
        if answer.is_server_error:
            return _AWAY
        try:
            return _Tokens.model_validate_json(answer.raise_for_status().content)
        except (httpx.HTTPStatusError, ValidationError):
            return _failed("the issuer did not take the code; it works once, for a minute")


def _failed(why: str) -> Refusal:
    return Refusal("sign_in_failed", f"Nobody was signed in: {why}. Start again.")


def _passed_on(refusal: Refusal) -> Refusal:
    return refusal if refusal.code == "identity_unavailable" else _failed("a token was not accepted")
