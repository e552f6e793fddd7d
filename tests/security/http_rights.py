"""Who gets past the door of which route: every role, on every route of the five services, by real requests.

Nobody does anything by it: ids are unknown ones (but for one Intake, so that "not yours" can be told from
"not there") and bodies are empty, which no command takes.
"""

import importlib
import os
import time
import uuid
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from types import ModuleType

import httpx
from fastapi.routing import iter_route_contexts
from joserfc.jwk import ECKey
from starlette.routing import BaseRoute, Mount
from truth_contracts.topics import SERVICES
from truth_issuer.people import Account
from truth_issuer.tokens import access_token, read_key
from truth_kit.auth import Verifier
from truth_kit.database import Database
from truth_kit.dead_letters import pages as dead_letters
from truth_kit.lifecycle import Service, application
from truth_kit.pages.session import Session
from truth_local.demo import acting, doors, walk
from truth_local.passwords import issuer_key
from truth_local.system import System

from tests.security.sessions import cookie_of
from tests.security.table import table

ROLES = ("requester", "operator", "admin", "ops", "auditor")
_SECONDS = 60
_UNKNOWN = str(uuid.UUID(int=0))
_IDS = {"level": "0", "path": "000", "name": "no-such-surface", "sha256": "0" * 64}
"""What stands for a path parameter; an unknown id for all others."""

_BODIES: Mapping[str, object] = {
    "POST /api/intakes/{request_id}/answer": {"answer": "Nobody asked."},
    "POST /api/track/{token}/answer": {"answer": "Nobody asked."},
}
"""Where an empty body would be refused before the question whose request it is; nothing was asked."""

_WORDS = {
    "token_missing": "who?",
    "token_invalid": "who?",
    "role_missing": "role",
    "people_only": "people",
    "request_unknown": "hidden",
    "sign_in_needed": "sign-in",
    "cross_origin": "pages",
}
_LEGEND = """\
# who?    refused: no token, or not a good one            role    refused: no role that may
# people  refused: machines never do this                 hidden  not theirs to see, or the link is wrong
# sign-in sent to sign in first: pages take no token      yes     past the door; the rules inside come next
# pages   refused: not sent by a page of its own
"""


def http_rights(system: System) -> str:
    """Routes by who calls, as text. Raises httpx.HTTPError when a service is away."""
    tokens = caller_tokens(system)
    intake = doors.over_http(
        "", doors.request("kitchen-repairs", "Tap", "Drips."), walk.people(system), walk.unseen
    )
    ids = _IDS | {"request_id": str(intake["request_id"])}
    texts = [_LEGEND]
    http = acting.lasting_client()
    for service in SERVICES:
        routes = list_routes(system, service)
        cells: dict[tuple[str, str], Sequence[str]] = {}
        for route in routes:
            ask = partial(_ask, http, system.urls[service], route, ids)
            cells |= {(route, who): [ask(token)] for who, token in tokens.items()}
        texts.append(table(service, routes, tuple(tokens), cells))
        if pages := list_page_routes(system, service):
            sessions = _sessions(system, service)
            look = partial(_look, http, system.urls[service], ids=ids)
            seen = {
                (route, who): [look(route, cookie)] for route in pages for who, cookie in sessions.items()
            }
            texts.append(table(f"{service}, in a browser", pages, tuple(sessions), seen))
    return "\n".join(texts)


def list_routes(system: System, service: str) -> list[str]:
    """`METHOD /path` of everything that the service's application answers to, in no document or in one."""
    built = put_together(system, service)
    verifier = Verifier(built.issuer, httpx.AsyncClient())
    return sorted(set(_walk(application(built, Database(built.database, service), verifier).routes)))


def list_page_routes(system: System, service: str) -> list[str]:
    """`METHOD /path` of a service's pages that look at who is signed in: its own, and those of dead letters."""
    built = put_together(system, service)
    if built.pages is None:
        return []
    routers = (*built.pages.routers, dead_letters.router(built.routes))
    return sorted({route for router in routers for route in _walk(router.routes)})


def put_together(system: System, service: str) -> Service:
    """A service as its first replica puts it together; nothing runs."""
    app: ModuleType = importlib.import_module(f"truth_{service}.app")
    with _environment(system.parts[f"{service}-1"].environment):
        return app.service()


def caller_tokens(system: System) -> dict[str, str | None]:
    """Column by column: nobody, a forger, somebody without a role, each role, an upstream, a machine with all."""
    accounts = {
        "no role": Account("probe", "Probe", (), "person"),
        **{role: Account(f"probe-{role}", "Probe", (role,), "person") for role in ROLES},
        "upstream": Account("acme", "Acme", ("requester",), "machine"),
        "machine": Account("probe-machine", "Probe", ROLES, "machine"),
    }
    good, foreign = read_key(issuer_key(system.layout)), ECKey.generate_key("P-256")
    foreign.ensure_kid()
    forged = access_token(foreign, system.issuer, Account("ada", "Ada", ROLES, "person"))
    signed = {who: access_token(good, system.issuer, account) for who, account in accounts.items()}
    return {"nobody": None, "forger": forged, **signed}


def _walk(routes: Sequence[BaseRoute]) -> Iterator[str]:
    for found in iter_route_contexts(routes):
        if found.path is None:
            raise TypeError(f"a route of a kind that is not known here: {found.route!r}")
        if isinstance(found.original_route, Mount):
            yield f"GET {found.path}/{{path:path}}"
        else:
            yield from (f"{method} {found.path}" for method in (found.methods or {"GET"}) - {"HEAD"})


@contextmanager
def _environment(settings: Mapping[str, str]) -> Generator[None]:
    before = dict(os.environ)
    os.environ.update(settings)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def _sessions(system: System, service: str) -> dict[str, str | None]:
    """Cookies, column by column: a stranger, somebody without a role, each role."""
    now = int(time.time())
    sessions = {"no role": Session("probe", "Probe", (), now)}
    sessions |= {role: Session("probe", "Probe", (role,), now) for role in ROLES}
    signed = {who: cookie_of(system, service, session) for who, session in sessions.items()}
    return {"nobody": None, **signed}


def _look(http: httpx.Client, url: str, route: str, cookie: str | None, *, ids: Mapping[str, str]) -> str:
    method, path = concrete(route, ids)
    headers = {"sec-fetch-site": "same-origin"} | ({} if cookie is None else {"cookie": cookie})
    with http.stream(method, url + path, headers=headers, timeout=_SECONDS) as answer:
        return _word(answer)


def concrete(route: str, ids: Mapping[str, str]) -> tuple[str, str]:
    method, path = route.split(" ", 1)
    for name in _parameters(path):
        path = path.replace(f"{{{name}}}", ids.get(name.partition(":")[0], _UNKNOWN))
    return method, path


def _ask(http: httpx.Client, url: str, route: str, ids: Mapping[str, str], token: str | None) -> str:
    method, path = concrete(route, ids)
    headers = {} if token is None else {"authorization": f"Bearer {token}"}
    body = None if method == "GET" else _BODIES.get(route, {})
    with http.stream(method, url + path, json=body, headers=headers, timeout=_SECONDS) as answer:
        return _word(answer)


def _parameters(path: str) -> list[str]:
    return [part.split("}")[0] for part in path.split("{")[1:]]


def _word(answer: httpx.Response) -> str:
    if answer.is_redirect:
        return "sign-in"
    if answer.is_server_error and answer.request.url.path != "/health/ready":
        raise httpx.HTTPStatusError(
            f"{answer.request.url}: {answer.status_code}", request=answer.request, response=answer
        )
    if "problem+json" not in answer.headers.get("content-type", ""):
        return "yes"  # and an answer without an end, as of a stream, is not waited for
    code = str(httpx.Response(answer.status_code, content=answer.read()).json().get("code"))
    return _WORDS.get(code, "yes")
