"""A small site with pages, an issuer whose tokens a test can choose, and a browser between them: all in memory."""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import parse_qs, urlsplit

import httpx
from fastapi import APIRouter, Depends, FastAPI, Request
from fastapi.responses import PlainTextResponse, Response
from joserfc.jwk import ECKey
from truth_issuer.codes import Grant
from truth_issuer.people import ACCOUNTS
from truth_issuer.tokens import access_token, id_token
from truth_kit import problems
from truth_kit.auth import Actor, Verifier
from truth_kit.connections import SignIn
from truth_kit.pages import (
    FrameDependency,
    Link,
    Pages,
    limited,
    signed_in,
    signed_in_lately,
    stream,
    typed_in,
)
from truth_kit.pages.guard import Guard
from truth_kit.pages.limits import Buckets
from truth_kit.pages.mounting import Site, mount

URL, ISSUER = "https://desk.example", "https://issuer.example"
ADMIN = Annotated[Actor, Depends(signed_in("admin"))]
SAME_ORIGIN = {"Sec-Fetch-Site": "same-origin"}
HTML = {"Accept": "text/html"}


def grant(nonce: str, *, seconds_ago: int = 0) -> Grant:
    """What the issuer knows of a sign-in to this site."""
    return Grant("desk", f"{URL}/auth/callback", "", "ada", nonce, int(time.time()) - seconds_ago)


Tokens = Callable[[str], dict[str, str]]
"""From the nonce that was asked for to the token endpoint's answer."""


def new_key() -> ECKey:
    key = ECKey.generate_key("P-256", {"use": "sig", "alg": "ES256"}, private=True)
    key.ensure_kid()
    return key


@dataclass
class Issuer:
    """Signs anybody in. `tokens`, if given, makes what the token endpoint answers."""

    key: ECKey = field(default_factory=new_key)
    tokens: Tokens | None = None
    subject: str = "ada"
    nonce: str = ""

    def app(self) -> FastAPI:
        """Its HTTP side."""
        app = FastAPI()

        @app.get("/.well-known/openid-configuration")
        def discover() -> dict[str, str]:
            places = {name: f"{ISSUER}/{name}" for name in ("authorization_endpoint", "token_endpoint")}
            return {"issuer": ISSUER, "jwks_uri": f"{ISSUER}/jwks", **places}

        @app.get("/jwks")
        def jwks() -> dict[str, Any]:
            return {"keys": [self.key.as_dict(private=False)]}

        @app.post("/token_endpoint")
        async def token(_: Request) -> dict[str, str]:
            return (self.tokens or self.good)(self.nonce)

        return app

    def good(self, nonce: str) -> dict[str, str]:
        """What an honest issuer answers."""
        account = ACCOUNTS[self.subject]
        return {
            "access_token": access_token(self.key, ISSUER, account),
            "id_token": id_token(self.key, ISSUER, account, grant(nonce)),
        }


@dataclass
class Browser:
    """Keeps cookies and follows nothing by itself."""

    client: httpx.AsyncClient
    issuer: Issuer
    app: FastAPI
    stopping: asyncio.Event

    async def get(self, path: str, **headers: str) -> httpx.Response:
        """A visit."""
        return await self.client.get(path, headers=HTML | headers)

    async def post(self, path: str, headers: dict[str, str] | None = None, **form: str) -> httpx.Response:
        """A form sent from this site's own page, unless `headers` say otherwise."""
        return await self.client.post(
            path, data=form, headers=HTML | (SAME_ORIGIN if headers is None else headers)
        )

    async def begin(self, path: str = "/sign-in") -> dict[str, str]:
        """Go to the sign-in; what the issuer was asked."""
        sent = await self.get(path)
        assert sent.status_code == 303
        asked = {
            name: values[0] for name, values in parse_qs(urlsplit(sent.headers["location"]).query).items()
        }
        self.issuer.nonce = asked["nonce"]
        return asked

    async def come_back(self, **query: str) -> httpx.Response:
        """The issuer's answer, as the browser brings it."""
        return await self.client.get("/auth/callback", params=query, headers=HTML)

    async def sign_in(self, subject: str = "ada", path: str = "/sign-in") -> httpx.Response:
        """The whole way; the answer of the callback."""
        self.issuer.subject = subject
        asked = await self.begin(path)
        return await self.come_back(state=asked["state"], code="c", iss=ISSUER)


@asynccontextmanager
async def site(folder: Path) -> AsyncGenerator[Browser]:
    secret = folder / "secret"
    secret.write_text("a secret of the client")
    issuer, app, stopping = Issuer(), FastAPI(), asyncio.Event()
    pages = Pages(
        package="truth_kit.pages",
        title="Desk",
        routers=(_router(),),
        sign_in=SignIn(client_id="desk", client_secret_file=secret),
        menu=(Link("/mine", "Mine", ("admin",)), Link("/open", "Open")),
    )
    async with httpx.AsyncClient(transport=httpx.ASGITransport(issuer.app()), base_url=ISSUER) as to_issuer:
        verifier = Verifier(ISSUER, to_issuer, fetch_seconds=0)
        app.add_middleware(Guard, public_url=URL)
        problems.install(app)
        app.state.buckets = Buckets()
        mount(app, Site("desk", URL, pages), verifier, stopping)
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=URL) as client:
            yield Browser(client, issuer, app, stopping)


def _router() -> APIRouter:
    router = APIRouter()

    @router.get("/open")
    async def show_open(request: Request, frame: FrameDependency) -> Response:
        return frame.show(request, "kit/signed-out.html")

    @router.get("/mine")
    async def show_mine(request: Request, person: ADMIN, frame: FrameDependency) -> Response:
        return frame.show(request, "kit/signed-out.html", headers={"X-Person": person.reference})

    @router.post("/mine")
    async def change_mine(request: Request, _: ADMIN) -> Response:
        return PlainTextResponse((await typed_in(request, 100))["words"])

    @router.get("/fresh")
    async def show_fresh(_: Annotated[Actor, Depends(signed_in_lately(0))]) -> Response:
        return PlainTextResponse("never this fresh")

    @router.get("/live")
    async def live(request: Request, _: ADMIN) -> Response:
        async def draw() -> str:
            return "<p>one</p>"

        return await stream(request, draw)

    @router.post("/often", dependencies=[Depends(limited("often", per_minute=1, burst=2))])
    async def often() -> Response:
        return PlainTextResponse("ok")

    return router
