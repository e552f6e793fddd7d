"""Who is signed in: a signed cookie that holds no token, and the dependencies that read it."""

import hashlib
import hmac
import time
from collections.abc import Callable, Coroutine
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

import structlog
from fastapi import Request, Response
from itsdangerous import BadSignature, URLSafeTimedSerializer
from pydantic import TypeAdapter, ValidationError
from truth_contracts.refusals import Refusal

from truth_kit.auth import Actor
from truth_kit.problems import Refused

SESSION_SECONDS = 8 * 3600
ROLES = frozenset({"requester", "admin", "operator", "ops", "auditor"})
"""What a session may hold; an issuer's tokens can carry many more, and a cookie is short."""

_NAME_CHARACTERS_MAX = 200


@dataclass(frozen=True, slots=True)
class Session:
    """A person who signed in here."""

    subject: str
    name: str
    roles: tuple[str, ...]
    signed_in_at: int | None  # seconds since 1970: when the issuer last saw the person, if it says so

    @property
    def actor(self) -> Actor:
        """As commands take it. Only people have sessions."""
        seen_at = None if self.signed_in_at is None else datetime.fromtimestamp(self.signed_in_at, UTC)
        return Actor(self.subject, self.name, frozenset(self.roles), "person", seen_at)


_SESSION = TypeAdapter(Session)


class Cookies:
    """Signed cookies of one service, under a key that follows from its client secret.

    All replicas share that secret, and a new one signs everybody out. `__Host-` keeps other hosts from
    setting them; the service's name is in theirs because ports of one host share cookies.
    """

    def __init__(self, service: str, client_secret: str) -> None:
        self._prefix = f"__Host-truth_{service}"
        self._key = hmac.digest(client_secret.encode(), f"cookies of {service}".encode(), "sha256")

    def set(self, response: Response, kind: str, content: dict[str, Any], seconds: int) -> None:
        """Put a cookie of this kind into an answer."""
        response.set_cookie(
            self.name(kind),
            self.sign(kind, content),
            max_age=seconds,
            path="/",
            secure=True,
            httponly=True,
            samesite="lax",
        )

    def clear(self, response: Response, kind: str) -> None:
        """Have the browser forget it."""
        response.delete_cookie(self.name(kind), path="/", secure=True, httponly=True, samesite="lax")

    def read(self, request: Request, kind: str, seconds: int) -> dict[str, Any] | None:
        """What a cookie of ours says, if it came and is not older than that."""
        value = request.cookies.get(self.name(kind))
        try:
            return None if value is None else self._serializer(kind).loads(value, max_age=seconds)
        except BadSignature:
            return None

    def name(self, kind: str) -> str:
        """As the browser knows it; the session's own has no suffix."""
        return self._prefix if kind == SESSION else f"{self._prefix}_{kind}"

    def sign(self, kind: str, content: dict[str, Any]) -> str:
        """The value of a cookie. One kind is never taken for another."""
        return str(self._serializer(kind).dumps(content))

    def _serializer(self, kind: str) -> URLSafeTimedSerializer:
        signing = {"digest_method": hashlib.sha256, "key_derivation": "hmac"}
        return URLSafeTimedSerializer(self._key, salt=kind, signer_kwargs=signing)


SESSION = "session"


def begin(cookies: Cookies, response: Response, actor: Actor, signed_in_at: int | None) -> None:
    """Sign a person in."""
    roles = tuple(sorted(actor.roles & ROLES))
    session = Session(actor.subject, actor.name[:_NAME_CHARACTERS_MAX], roles, signed_in_at)
    cookies.set(response, SESSION, asdict(session), SESSION_SECONDS)


def session_of(request: Request) -> Session | None:
    """The session that a request comes with."""
    cookies: Cookies | None = getattr(request.app.state, "cookies", None)
    found = cookies.read(request, SESSION, SESSION_SECONDS) if cookies is not None else None
    try:
        return None if found is None else _SESSION.validate_python(found)
    except ValidationError:  # of an older release
        return None


def visitor(request: Request) -> Actor | None:
    """Who looks at a public page, if they are signed in."""
    session = session_of(request)
    return session.actor if session is not None else None


_Dependency = Callable[[Request], Coroutine[None, None, Actor]]


def signed_in(*roles: str) -> _Dependency:
    """A dependency: a signed-in person with one of `roles`; without roles, any.

    A visit by somebody else leads to the sign-in; a person without the role gets 403 `role_missing`.
    """

    async def person(request: Request) -> Actor:
        session = session_of(request)
        if session is None:
            raise Refused(Refusal("sign_in_needed", "Sign in."))
        if roles and session.actor.roles.isdisjoint(roles):
            raise Refused(Refusal("role_missing", f"This takes the role {' or '.join(roles)}."))
        structlog.contextvars.bind_contextvars(actor=session.actor.reference)
        return session.actor

    return person


def signed_in_lately(seconds: int, *roles: str) -> _Dependency:
    """As `signed_in`, for what needs a fresh one: the issuer has seen the person in the last `seconds`."""

    async def person(request: Request) -> Actor:
        actor = await signed_in(*roles)(request)
        session = session_of(request)
        if session is None or time.time() - (session.signed_in_at or 0) > seconds:
            raise Refused(Refusal("sign_in_needed", "Sign in once more: this needs a fresh sign-in."))
        return actor

    return person
