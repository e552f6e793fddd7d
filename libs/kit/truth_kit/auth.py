"""Who is calling: bearer tokens checked against the issuer's keys, and what their roles allow."""

import asyncio
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

import httpx
import structlog
from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from joserfc import jwk, jws, jwt
from joserfc.errors import JoseError
from pydantic import BaseModel, Field, TypeAdapter, ValidationError
from truth_contracts.base import Subject
from truth_contracts.refusals import Refusal

from truth_kit.problems import Refused
from truth_kit.telemetry import described

log = structlog.get_logger()

AUDIENCE = "truth"
ALGORITHMS = ("ES256", "RS256")
LEEWAY_SECONDS = 10
TOKEN_CHARACTERS_MAX = 8192
_SECONDS_MAX = 253402300799  # the end of the year 9999

KEYS_FRESH_SECONDS = 300.0
KEYS_USABLE_SECONDS = 3600.0
"""How long keys serve while the issuer is away. A key that it withdraws is trusted no longer than this."""


@dataclass(frozen=True, slots=True)
class Actor:
    """Who is calling, from the token and from nothing else."""

    subject: str
    name: str
    roles: frozenset[str]
    kind: Literal["person", "machine"]
    signed_in_at: datetime | None = None
    """When the person last showed who they are (`auth_time`), if the issuer tells.

    Never read from `iat`: a token that was renewed by itself has a new one, and nobody was asked.
    """

    @property
    def reference(self) -> str:
        """The actor as events name it: `person:<sub>` or `client:<id>`."""
        return f"{'person' if self.kind == 'person' else 'client'}:{self.subject}"


class IssuerAwayError(Exception):
    """The issuer does not answer, or answers with something else than keys."""


class _Discovery(BaseModel):
    issuer: str
    jwks_uri: str


class _Claims(BaseModel):
    sub: Subject
    name: str | None = None
    roles: list[str] = []
    kind: str = "machine"
    auth_time: Annotated[int, Field(ge=0, le=_SECONDS_MAX)] | None = None


class Verifier:
    """Turns a token into an Actor by the keys of one issuer (OpenID Connect Discovery 1.0, RFC 7519).

    Keys are fetched when first needed, again when they are older than KEYS_FRESH_SECONDS or a token names an
    unknown one, never more often than every `fetch_seconds`. No keys means nobody is let in.
    """

    def __init__(self, issuer: str, client: httpx.AsyncClient, *, fetch_seconds: float = 10) -> None:
        self.issuer, self.client, self._fetch_seconds = issuer, client, fetch_seconds
        self._fetching = asyncio.Lock()
        self._keys: dict[str, jwk.Key] = {}
        self._fetched_at = self._tried_at = float("-inf")
        self._claims = jwt.JWTClaimsRegistry(
            leeway=LEEWAY_SECONDS,
            iss={"essential": True, "value": issuer},
            aud={"essential": True, "value": AUDIENCE},
            exp={"essential": True},
            sub={"essential": True},
        )

    async def verify(self, token: str) -> Actor | Refusal:
        """The caller, or `token_invalid` with the failed check, or `identity_unavailable`."""
        claims = await self.signed(token)
        if isinstance(claims, Refusal):
            return claims
        try:
            self._claims.validate(claims)
            return _actor(claims)
        except JoseError as error:
            return _invalid(error.error.replace("_", " "))
        except (ValidationError, ValueError):
            return _invalid("it cannot be read")

    async def signed(self, token: str) -> dict[str, Any] | Refusal:
        """What a token says that the issuer signed, whatever it is: the caller has still to check it."""
        if len(token) > TOKEN_CHARACTERS_MAX:
            return _invalid("it is too long")
        try:
            key_id = jws.extract_compact(token.encode()).headers().get("kid")
            if not isinstance(key_id, str):
                return _invalid("it names no key")
            key = await self._key(key_id)
            if key is None:
                return _invalid("its key is not one of the issuer's")
            return jwt.decode(token, key, algorithms=ALGORITHMS).claims
        except IssuerAwayError:
            return Refusal(
                "identity_unavailable", "Who is calling cannot be checked now. Try again in a moment."
            )
        except JoseError as error:
            return _invalid(error.error.replace("_", " "))
        except ValueError:
            return _invalid("it cannot be read")

    async def _key(self, key_id: str) -> jwk.Key | None:
        is_stale = (
            self._age > KEYS_FRESH_SECONDS and not self._fetching.locked()
        )  # one asks, the others go on
        if key_id not in self._keys or is_stale:
            async with self._fetching:
                if key_id not in self._keys or self._age > KEYS_FRESH_SECONDS:
                    await self._fetch()
        if self._age > KEYS_USABLE_SECONDS or (
            key_id not in self._keys and self._tried_at > self._fetched_at
        ):
            raise IssuerAwayError  # the last try failed: the key may well be a good one
        return self._keys.get(key_id)

    @property
    def _age(self) -> float:
        return time.monotonic() - self._fetched_at

    async def _fetch(self) -> None:
        if time.monotonic() - self._tried_at < self._fetch_seconds:
            return
        self._tried_at = time.monotonic()
        try:
            self._keys = await self._ask()
            self._fetched_at = self._tried_at
        except (httpx.HTTPError, httpx.InvalidURL, JoseError, ValueError, KeyError, TypeError) as error:
            log.warning("issuer.waiting", error=described(error))

    async def _ask(self) -> dict[str, jwk.Key]:
        url = f"{self.issuer.rstrip('/')}/.well-known/openid-configuration"
        discovery = _Discovery.model_validate_json(await self._get(url))
        if discovery.issuer != self.issuer:
            raise ValueError(f"{url} speaks for another issuer")
        found = TypeAdapter(dict[Literal["keys"], list[dict[str, Any]]]).validate_json(
            await self._get(discovery.jwks_uri)
        )
        keys = jwk.KeySet.import_key_set(
            {"keys": [key for key in found["keys"] if key.get("use", "sig") == "sig"]}
        )
        return {key.kid: key for key in keys.keys if key.kid}

    async def _get(self, url: str) -> bytes:
        answer = await self.client.get(url)
        return answer.raise_for_status().content


def _actor(claims: dict[str, Any]) -> Actor:
    read = _Claims.model_validate(claims)
    kind: Literal["person", "machine"] = "person" if read.kind == "person" else "machine"
    signed_in_at = None if read.auth_time is None else datetime.fromtimestamp(read.auth_time, UTC)
    return Actor(read.sub, read.name or read.sub, frozenset(read.roles), kind, signed_in_at)


def _invalid(why: str) -> Refusal:
    return Refusal("token_invalid", f"The token was not accepted: {why}.")


_bearer = HTTPBearer(auto_error=False, bearerFormat="JWT")


async def current_actor(
    request: Request, credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]
) -> Actor:
    """Whoever is calling: 401 without a good token, 503 while that cannot be checked."""
    if credentials is None:
        raise Refused(Refusal("token_missing", "Send a token in the header: Authorization: Bearer ..."))
    verifier: Verifier = request.app.state.verifier
    match await verifier.verify(credentials.credentials):
        case Actor() as actor:
            structlog.contextvars.bind_contextvars(actor=actor.reference)
            return actor
        case Refusal() as refusal:
            raise Refused(refusal)


CurrentActor = Annotated[Actor, Depends(current_actor)]
"""Anyone with a good token, person or machine."""


async def current_person(actor: CurrentActor) -> Actor:
    """A person, whatever their roles; a machine gets 403 `people_only`."""
    if actor.kind != "person":
        raise Refused(Refusal("people_only", "A machine client may submit requests and read, nothing else."))
    return actor


CurrentPerson = Annotated[Actor, Depends(current_person)]
"""A person with a good token."""

_Dependency = Callable[[Actor], Coroutine[None, None, Actor]]


def require(*roles: str) -> _Dependency:
    """A dependency: a caller, person or machine, with at least one of `roles`, else 403 `role_missing`."""

    async def with_role(actor: CurrentActor) -> Actor:
        return _with_role(actor, roles)

    return with_role


def require_person(*roles: str) -> _Dependency:
    """A dependency: a person with at least one of `roles`. What only people may do takes this one."""

    async def person_with_role(actor: CurrentPerson) -> Actor:
        return _with_role(actor, roles)

    return person_with_role


def _with_role(actor: Actor, roles: tuple[str, ...]) -> Actor:
    if actor.roles.isdisjoint(roles):
        raise Refused(Refusal("role_missing", f"This takes the role {' or '.join(roles)}."))
    return actor
