"""The issuer's HTTP side: discovery, keys, code flow with PKCE, client credentials, userinfo."""

import base64
import binascii
import secrets
import time
from typing import Annotated
from urllib.parse import unquote, urlencode

from fastapi import FastAPI, Form, Header, Query
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from joserfc.errors import JoseError
from joserfc.jwk import ECKey
from pydantic import BaseModel, ConfigDict

from truth_issuer.codes import Codes, Grant
from truth_issuer.page import pick_a_person
from truth_issuer.people import ACCOUNTS, PEOPLE
from truth_issuer.settings import IssuerSettings
from truth_issuer.tokens import (
    ALGORITHM,
    TOKEN_SECONDS,
    access_token,
    id_token,
    read_key,
    verified_subject,
)

_NO_STORE = {"Cache-Control": "no-store"}
_BEARER = "bearer "


class Asked(BaseModel):
    """An authorization request (OpenID Connect Core, section 3.1.2.1). PKCE is not optional here."""

    model_config = ConfigDict(extra="ignore")

    response_type: str
    client_id: str
    redirect_uri: str
    code_challenge: str
    code_challenge_method: str
    scope: str = "openid"
    state: str = ""
    nonce: str = ""


class Picked(Asked):
    """The same request, handed back with the person who was picked."""

    subject: str


class TokenRequest(BaseModel):
    """A token request of either grant type (RFC 6749, sections 4.1.3 and 4.4.2)."""

    model_config = ConfigDict(extra="ignore")

    grant_type: str
    client_id: str = ""
    client_secret: str = ""
    code: str = ""
    redirect_uri: str = ""
    code_verifier: str = ""


def build(settings: IssuerSettings) -> FastAPI:
    """The application. Codes live in its memory; everything else is in the settings."""
    app = FastAPI(title="Runtime Truth development issuer", docs_url=None, redoc_url=None, openapi_url=None)
    key, codes = read_key(settings.key_file), Codes()
    _add_documents(app, settings, key)
    _add_sign_in(app, settings, codes)
    _add_tokens(app, settings, key, codes)
    return app


def _add_documents(app: FastAPI, settings: IssuerSettings, key: ECKey) -> None:
    @app.get("/.well-known/openid-configuration")
    def discovery() -> dict[str, object]:
        return _discovery(settings.url)

    @app.get("/jwks")
    def jwks() -> dict[str, object]:
        return {"keys": [key.as_dict(private=False)]}

    @app.get("/userinfo")
    def userinfo(authorization: Annotated[str, Header()] = "") -> Response:
        token = authorization[len(_BEARER) :] if authorization.lower().startswith(_BEARER) else ""
        try:
            subject = verified_subject(key, settings.url, token)
        except (JoseError, ValueError):
            return Response(status_code=401, headers={"WWW-Authenticate": 'Bearer error="invalid_token"'})
        return JSONResponse(ACCOUNTS[subject].claims, headers=_NO_STORE)


def _add_sign_in(app: FastAPI, settings: IssuerSettings, codes: Codes) -> None:
    @app.get("/authorize")
    def ask(asked: Annotated[Asked, Query()]) -> Response:
        if problem := _problem(settings, asked):
            return Response(problem, status_code=400, media_type="text/plain")
        return HTMLResponse(pick_a_person(asked.client_id, asked.model_dump()), headers=_NO_STORE)

    @app.post("/authorize")
    def pick(picked: Annotated[Picked, Form()]) -> Response:
        if problem := _problem(settings, picked):
            return Response(problem, status_code=400, media_type="text/plain")
        if picked.subject not in PEOPLE:
            return Response("Nobody of that name.", status_code=400, media_type="text/plain")
        grant = Grant(
            picked.client_id,
            picked.redirect_uri,
            picked.code_challenge,
            picked.subject,
            picked.nonce or None,
            int(time.time()),
        )
        answer = {"code": codes.issue(grant), "iss": settings.url}
        if picked.state:
            answer["state"] = picked.state
        return RedirectResponse(
            f"{picked.redirect_uri}?{urlencode(answer)}", status_code=303, headers=_NO_STORE
        )


def _add_tokens(app: FastAPI, settings: IssuerSettings, key: ECKey, codes: Codes) -> None:
    @app.post("/token")
    def token(
        asked: Annotated[TokenRequest, Form()], authorization: Annotated[str, Header()] = ""
    ) -> Response:
        client_id, secret = _credentials(asked, authorization)
        client = settings.clients.get(client_id)
        if client is None or not secrets.compare_digest(client.secret.encode(), secret.encode()):
            return _refused(401, "invalid_client")
        match asked.grant_type:
            case "client_credentials" if client.machine is not None:
                account = ACCOUNTS[client.machine]
                return _granted(access_token(key, settings.url, account))
            case "client_credentials":
                return _refused(400, "unauthorized_client")
            case "authorization_code":
                grant = codes.redeem(asked.code, client_id, asked.redirect_uri, asked.code_verifier)
                if grant is None:
                    return _refused(400, "invalid_grant")
                account = PEOPLE[grant.subject]
                return _granted(
                    access_token(key, settings.url, account, auth_time=grant.auth_time),
                    id_token=id_token(key, settings.url, account, grant),
                )
            case _:
                return _refused(400, "unsupported_grant_type")


def _problem(settings: IssuerSettings, asked: Asked) -> str | None:
    client = settings.clients.get(asked.client_id)
    if client is None or asked.redirect_uri not in client.redirect_uris:
        return "Unknown client, or an address that is not registered for it."
    if asked.response_type != "code" or "openid" not in asked.scope.split():
        return "Only response_type=code with the scope openid."
    if asked.code_challenge_method != "S256" or not asked.code_challenge:
        return "Only with a PKCE challenge of method S256."
    return None


def _credentials(asked: TokenRequest, authorization: str) -> tuple[str, str]:
    """Client id and secret, from the Authorization header (RFC 6749, section 2.3.1) or from the form."""
    scheme, _, encoded = authorization.partition(" ")
    if scheme.lower() != "basic":
        return asked.client_id, asked.client_secret
    try:
        client_id, _, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return unquote(client_id), unquote(secret)


def _granted(access: str, **more: str) -> JSONResponse:
    content = {"access_token": access, "token_type": "Bearer", "expires_in": TOKEN_SECONDS, **more}
    return JSONResponse(content, headers=_NO_STORE)


def _refused(status: int, error: str) -> JSONResponse:
    return JSONResponse({"error": error}, status_code=status, headers=_NO_STORE)


def _discovery(url: str) -> dict[str, object]:
    return {
        "issuer": url,
        "authorization_endpoint": f"{url}/authorize",
        "token_endpoint": f"{url}/token",
        "userinfo_endpoint": f"{url}/userinfo",
        "jwks_uri": f"{url}/jwks",
        "response_types_supported": ["code"],
        "grant_types_supported": ["authorization_code", "client_credentials"],
        "subject_types_supported": ["public"],
        "scopes_supported": ["openid"],
        "claims_supported": ["sub", "name", "roles", "kind", "auth_time"],
        "id_token_signing_alg_values_supported": [ALGORITHM],
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": True,
    }
