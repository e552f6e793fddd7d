"""Refusals and failures as HTTP answers (RFC 9457), and the outermost layer of the HTTP door."""

import errno
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Any
from uuid import uuid4

import structlog
from asyncpg.exceptions import InterfaceError as DriverError
from asyncpg.exceptions import InternalClientError, PostgresError
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from pydantic_core import to_jsonable_python
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from truth_contracts.refusals import CODES, Refusal

from truth_kit.blobs import StoreError
from truth_kit.telemetry import described

log = structlog.get_logger()

BODY_BYTES_MAX = 1 << 20
"""Longest body of a request, unless its route reads it through `uploaded`."""

RETRY_SECONDS = 2

_OF_DATA = b"default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

ALWAYS: Mapping[bytes, bytes] = {
    b"cache-control": b"no-store",
    b"content-security-policy": _OF_DATA,
    b"cross-origin-opener-policy": b"same-origin",
    b"cross-origin-resource-policy": b"same-origin",
    b"referrer-policy": b"same-origin",  # not no-referrer: forms would then be posted with the origin null
    b"x-content-type-options": b"nosniff",
}
"""Headers of every answer that does not say otherwise itself: a page comes with a policy of its own."""

STATUSES: Mapping[str, int] = {
    code: status
    for status, codes in {
        400: "sign_in_failed",
        401: "token_missing token_invalid sign_in_needed",
        403: "source_invalid surface_planned role_missing people_only own_request not_assigned cross_origin"
        " sign_in_stale passkey_revoked proof_missing proof_invalid",
        404: "surface_unknown request_unknown task_unknown job_unknown evidence_unknown record_unknown"
        " signal_unknown passkey_unknown dead_letter_unknown not_found",
        405: "method_not_allowed",
        409: "request_key_reused nothing_asked task_exists version_stale move_forbidden job_exists"
        " digest_unknown preparation_expired service_event_exists stage_completed evidence_missing"
        " service_event_full command_reused record_exists signal_exists dead_letter_closed"
        " challenge_unknown passkey_exists passkeys_full",
        413: "body_too_large",
        415: "not_a_photo",
        422: "envelope_invalid body_invalid type_unknown version_unknown key_mismatch chain_broken"
        " record_unverified operator_unknown stage_unknown digest_mismatch digest_invalid body_malformed"
        " passkey_invalid",
        429: "too_many_requests",
        500: "internal_error",
        503: "identity_unavailable database_unavailable store_unavailable",
    }.items()
    for code in codes.split()
}
"""HTTP status of every refusal code."""

_TEXT = {"type": "string"}
RESPONSES: dict[int | str, dict[str, Any]] = {
    "default": {
        "description": "No, or not now: why (RFC 9457). The code is for programs, the detail for people.",
        "content": {
            "application/problem+json": {
                "schema": {
                    "type": "object",
                    "properties": {
                        **dict.fromkeys(("type", "title", "detail", "code", "request_id"), _TEXT),
                        "status": {"type": "integer"},
                        "current": {"type": "object"},
                        "fields": {"type": "array", "items": {"type": "object", "required": ["field"]}},
                    },
                    "required": ["type", "title", "status", "detail", "code", "request_id"],
                }
            }
        },
    }
}
"""How every route's document tells of `Problem`, in place of FastAPI's own form of 422."""

_CODE_OF_STATUS = {401: "token_missing", 404: "not_found", 405: "method_not_allowed", 413: "body_too_large"}
_DISK = {errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS}
# Connection lost, resources short, shut down or cancelled, locks: what PostgreSQL may answer otherwise later.
_PASSING_SQLSTATES = ("08", "40", "53", "55P03", "57")


class Refused(Exception):  # noqa: N818 it carries a rule's no, which is not an error
    """A refusal on its way out of `api.py`: rolls the transaction back and becomes problem+json.

    `current` is the present state, for who comes too late (409); `retry_seconds` for who is too often.
    """

    def __init__(
        self,
        refusal: Refusal,
        current: Mapping[str, object] | None = None,
        *,
        retry_seconds: int = RETRY_SECONDS,
    ) -> None:
        super().__init__(refusal.code)
        self.refusal = refusal
        self.current = current
        self.retry_seconds = retry_seconds


class Problem(JSONResponse):
    """An RFC 9457 answer. `request_id` is this HTTP exchange's, also in the log; not that of a Request."""

    media_type = "application/problem+json"

    def __init__(
        self,
        scope: Scope,
        refusal: Refusal,
        *,
        status: int | None = None,
        more: Mapping[str, object] | None = None,
        retry_seconds: int = RETRY_SECONDS,
    ) -> None:
        status = status or STATUSES[refusal.code]
        self.refusal = refusal
        body = {
            "type": f"urn:runtime-truth:problem:{refusal.code}",
            "title": CODES[refusal.code],
            "status": status,
            "detail": refusal.detail,
            "code": refusal.code,
            "request_id": scope["state"]["http_request_id"],
            **(more or {}),
        }
        super().__init__(to_jsonable_python(body), status, _headers(status, refusal.code, retry_seconds))


def shown(scope: Scope, problem: Problem) -> Response:
    """The problem as the caller reads it: a page in a browser if the service has pages, else problem+json."""
    show: Callable[[Scope, Problem], Response] | None = getattr(scope["app"].state, "show_problem", None)
    accepted = next((value for name, value in scope["headers"] if name == b"accept"), b"")
    return problem if show is None or b"text/html" not in accepted else show(scope, problem)


def install(app: FastAPI) -> None:
    """Make every answer of `app` that is not a success a problem, and put the outermost layer around it."""

    async def refused(request: Request, error: Exception) -> Response:
        return shown(request.scope, _refused(request, error))

    app.add_middleware(Edge)
    for kind in (Refused, RequestValidationError, HTTPException):
        app.add_exception_handler(kind, refused)


def uploaded(request: Request, bytes_max: int) -> AsyncIterator[bytes]:
    """The body of `request` as it comes in, at most `bytes_max` bytes (413 beyond).

    May be more than BODY_BYTES_MAX. For routes that declare no body of their own.
    """
    request.scope["state"]["body_bytes_max"] = bytes_max
    return request.stream()


class Edge:
    """The outermost layer: names each exchange, limits its body, logs it once, answers for a failure.

    A database that is away is 503 `database_unavailable`, a bucket that is `store_unavailable`,
    anything unforeseen is 500 `internal_error` with
    the `request_id` under which the log tells more. Paths are logged as routes, since they can hold secrets.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one exchange (ASGI)."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        state = scope.setdefault("state", {})
        state |= {"http_request_id": uuid4().hex, "body_bytes_max": BODY_BYTES_MAX}
        exchange = _Exchange(scope, receive, send)
        with structlog.contextvars.bound_contextvars(http_request_id=state["http_request_id"]):
            began = time.monotonic()
            try:
                await self._app(scope, exchange.receive, exchange.send)
            except ClientDisconnect:
                log.info("http.abandoned", route=_route(scope))
            except Exception as error:  # the HTTP edge: whatever failed, the client gets an answer
                if exchange.status is not None:
                    raise  # half an answer is out: only a broken connection tells the truth now
                await shown(scope, _failed(scope, error))(scope, receive, exchange.send)
            _tell(scope, exchange.status, time.monotonic() - began)


class _Exchange:
    """One request and its answer: counts the bytes that come in and notes the status that goes out."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._scope, self._receive, self._send = scope, receive, send
        lengths = [value for name, value in scope["headers"] if name == b"content-length"]
        self._bytes, self._declared = 0, int(lengths[0]) if lengths and lengths[0].isdigit() else 0
        self.status: int | None = None

    async def receive(self) -> Message:
        message = await self._receive()
        if message["type"] == "http.request":
            self._bytes += len(message.get("body", b""))
            bytes_max: int = self._scope["state"]["body_bytes_max"]
            if max(self._bytes, self._declared) > bytes_max:
                raise HTTPException(413, f"This address takes at most {bytes_max} bytes.")
        return message

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = list(message.get("headers", ()))
            headers.append((b"x-request-id", self._scope["state"]["http_request_id"].encode()))
            told = {name.lower() for name, _ in headers}
            headers += [(name, value) for name, value in ALWAYS.items() if name not in told]
            message = {**message, "headers": headers}
        await self._send(message)


def _refused(request: Request, error: Exception) -> Problem:
    match error:
        case Refused(refusal=refusal, current=current, retry_seconds=retry):
            more: dict[str, object] = {} if current is None else {"current": current}
            if refusal.field is not None:
                more["fields"] = [_field(refusal)]
            return Problem(request.scope, refusal, more=more, retry_seconds=retry)
        case RequestValidationError():
            fields = _fields(error)
            names = ", ".join(field["field"] for field in fields[:5])
            refusal = Refusal("body_malformed", f"Missing or wrong: {names}.")
            return Problem(request.scope, refusal, more={"fields": fields})
        case HTTPException(status_code=status, detail=detail):
            code = _CODE_OF_STATUS.get(status, "internal_error" if status >= 500 else "body_malformed")  # noqa: PLR2004 HTTP
            return Problem(request.scope, Refusal(code, str(detail)), status=status)
        case _:
            raise error


def _field(refusal: Refusal) -> dict[str, str | None]:
    return {
        "field": refusal.field,
        "message": refusal.detail,
        "expected": refusal.expected,
        "received": refusal.received,
    }


def _fields(error: RequestValidationError) -> Sequence[dict[str, str]]:
    # Location and message only: `input` is what somebody sent.
    return [
        {"field": ".".join(str(part) for part in found["loc"]), "message": str(found["msg"])}
        for found in error.errors()
    ]


def _failed(scope: Scope, error: Exception) -> Problem:
    if isinstance(error, StoreError):
        log.warning("http.waiting", route=_route(scope), error=described(error))
        return Problem(scope, Refusal("store_unavailable", "Nothing was kept. Try again in a moment."))
    if database_is_away(error):
        log.warning("http.waiting", route=_route(scope), error=described(error))
        return Problem(scope, Refusal("database_unavailable", "Nothing was changed. Try again in a moment."))
    log.error("http.failed", route=_route(scope), exc_info=error)
    return Problem(
        scope, Refusal("internal_error", "This was not foreseen. Quote the request_id to whoever runs it.")
    )


def database_is_away(error: BaseException) -> bool:
    """Whether `error` says that the database cannot be reached, is going down, or is too busy just now."""
    match error:
        case (
            PoolTimeoutError() | OperationalError() | InterfaceError() | DriverError() | InternalClientError()
        ):
            return True
        case DBAPIError(orig=orig):
            return error.connection_invalidated or _is_passing(orig) or _is_ending(orig)
        case PostgresError():
            return _is_passing(error)
        case StoreError():
            return False
        case OSError(filename=filename, errno=number):
            return filename is None and number not in _DISK
        case _:
            return False


def _is_passing(error: BaseException | None) -> bool:
    sqlstate = getattr(error, "sqlstate", None)
    return isinstance(sqlstate, str) and sqlstate.startswith(_PASSING_SQLSTATES)


def _is_ending(error: BaseException | None) -> bool:
    """Whether the driver was asked between a backend's last word and the end of its connection."""
    return isinstance(error.__cause__ if error else None, InternalClientError)


def _headers(status: int, code: str, retry_seconds: int) -> dict[str, str]:
    match status:
        case 401:
            return {
                "WWW-Authenticate": 'Bearer error="invalid_token"' if code == "token_invalid" else "Bearer"
            }
        case 429 | 503:
            return {"Retry-After": str(retry_seconds)}
        case _:
            return {}


def _tell(scope: Scope, status: int | None, seconds: float) -> None:
    if scope["method"] not in ("GET", "HEAD"):
        milliseconds = round(seconds * 1000)
        log.info("http.answered", method=scope["method"], route=_route(scope), status=status, ms=milliseconds)


def _route(scope: Scope) -> str:
    return getattr(scope.get("route"), "path", "unknown")
