"""The doors of the sign-in: to the issuer, back from it, and out."""

import hmac
import re
from dataclasses import asdict
from typing import Annotated

import structlog
from fastapi import APIRouter, Depends, Request
from fastapi.responses import RedirectResponse, Response
from pydantic import TypeAdapter
from truth_contracts.refusals import Refusal

from truth_kit.pages.frame import FrameDependency
from truth_kit.pages.limits import limited
from truth_kit.pages.oidc import Attempt, Relying
from truth_kit.pages.session import SESSION, Cookies, begin, session_of
from truth_kit.problems import Refused

log = structlog.get_logger()

ATTEMPT_SECONDS = 600
_ATTEMPT = "sign_in"
_ATTEMPTS = TypeAdapter(Attempt)
# No second slash, no backslash, no space: a browser could read those as another host's.
_OWN_PATH = re.compile(r"/(?![/\\])[\x21-\x5b\x5d-\x7e]{0,1999}")

router = APIRouter(include_in_schema=False)


async def _relying(request: Request) -> Relying:
    relying: Relying = request.app.state.relying
    return relying


async def _cookies(request: Request) -> Cookies:
    cookies: Cookies = request.app.state.cookies
    return cookies


RelyingDependency = Annotated[Relying, Depends(_relying)]
CookiesDependency = Annotated[Cookies, Depends(_cookies)]


def own_path(to: str) -> str:
    """Where to go after the sign-in: only ever a path of this service."""
    return to if _OWN_PATH.fullmatch(to) else "/"


@router.get("/sign-in", dependencies=[Depends(limited("sign-in", per_minute=120, burst=60))])
async def sign_in(
    request: Request,
    relying: RelyingDependency,
    cookies: CookiesDependency,
    *,
    to: str = "/",
    fresh: bool = False,
) -> Response:
    """Send the browser to the issuer, unless its person is signed in already."""
    if session_of(request) is not None and not fresh:
        return RedirectResponse(own_path(to), 303)
    begun = await relying.begin(own_path(to), is_fresh=fresh)
    if isinstance(begun, Refusal):
        raise Refused(begun)
    url, attempt = begun
    response = RedirectResponse(url, 303)
    cookies.set(response, _ATTEMPT, asdict(attempt), ATTEMPT_SECONDS)
    return response


@router.get("/auth/callback")
async def come_back(  # noqa: PLR0913 one argument a query parameter
    request: Request,
    relying: RelyingDependency,
    cookies: CookiesDependency,
    *,
    state: str = "",
    code: str = "",
    iss: str | None = None,
    error: str | None = None,
) -> Response:
    """Take the issuer's answer, if it is one to this browser's own question (RFC 9700, section 2.1)."""
    kept = cookies.read(request, _ATTEMPT, ATTEMPT_SECONDS)
    attempt = None if kept is None else _ATTEMPTS.validate_python(kept)
    if attempt is None or not hmac.compare_digest(state.encode(), attempt.state.encode()):
        raise Refused(Refusal("sign_in_failed", "This is no answer to a sign-in begun here. Start again."))
    if error is not None or (iss is not None and iss != relying.issuer):
        raise Refused(Refusal("sign_in_failed", "The issuer signed nobody in. Start again."))
    arrived = await relying.finish(code, attempt)
    if isinstance(arrived, Refusal):
        raise Refused(arrived)
    log.info("person.signed_in", actor=arrived.actor.reference)
    response = RedirectResponse(attempt.to, 303)
    cookies.clear(response, _ATTEMPT)
    begin(cookies, response, arrived.actor, arrived.signed_in_at)
    return response


@router.post("/sign-out")
async def sign_out(cookies: CookiesDependency, keep: bool = False) -> Response:
    """Forget the session, and have the browser drop what pages kept on the device.

    Not with `keep`: so says a form of pages that hold unsent work, and whose script asks before it is lost.
    """
    dropped = None if keep else {"Clear-Site-Data": '"storage"'}
    response = RedirectResponse("/signed-out", 303, dropped)
    cookies.clear(response, SESSION)
    return response


@router.get("/signed-out")
async def show_signed_out(request: Request, frame: FrameDependency) -> Response:
    """Say so."""
    return frame.show(request, "kit/signed-out.html")
