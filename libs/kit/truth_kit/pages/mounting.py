"""Puts a service's pages into its application."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from fastapi import FastAPI
from fastapi.responses import RedirectResponse

from truth_kit.auth import Verifier
from truth_kit.connections import read_secret
from truth_kit.pages import sign_in
from truth_kit.pages.frame import Frame
from truth_kit.pages.live import Streams
from truth_kit.pages.oidc import Relying
from truth_kit.pages.parts import Link, Pages
from truth_kit.pages.session import Cookies


@dataclass(frozen=True, slots=True)
class Site:
    """Whose pages these are, and where people find them."""

    service: str
    public_url: str
    pages: Pages
    further: Sequence[Link] = ()  # entries of the menu after the service's own

    @property
    def callback(self) -> str:
        """Where the issuer sends people back to."""
        return f"{self.public_url.rstrip('/')}/auth/callback"


def mount(app: FastAPI, site: Site, verifier: Verifier, stopping: asyncio.Event) -> None:
    """Sign-in, what is cached for ever, and the service's own routes."""
    pages = site.pages
    client_id, secret = pages.sign_in.client_id, read_secret(pages.sign_in.client_secret_file)
    frame = Frame(site.service, pages, verifier.issuer, site.further)
    app.state.frame, app.state.show_problem = frame, frame.show_problem
    app.state.cookies = Cookies(site.service, secret)
    app.state.relying = Relying(verifier, client_id, secret, site.callback)
    app.state.streams = Streams(stopping)
    for router in (sign_in.router, frame.kit.router(), frame.static.router(), *pages.routers):
        app.include_router(router)
    if pages.menu:

        @app.get("/", include_in_schema=False)
        async def start() -> RedirectResponse:  # pyright: ignore[reportUnusedFunction] the decorator uses it
            return RedirectResponse(pages.menu[0].href, 303)
