"""Forms from elsewhere are refused. Ports of one host are the same site: SameSite alone protects nothing."""

from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send
from truth_contracts.refusals import Refusal

from truth_kit.problems import Problem, shown

_SAFE = ("GET", "HEAD", "OPTIONS")


class Guard:
    """Lets an unsafe method in only from this origin's own pages (Fetch Metadata, else the Origin header).

    `/api/` is left out: it takes bearer tokens, which no browser adds by itself, and never the cookie.
    """

    def __init__(self, app: ASGIApp, public_url: str) -> None:
        place = urlsplit(public_url)
        self._app, self._origin = app, f"{place.scheme}://{place.netloc}"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass one exchange on, or answer 403 `cross_origin` (ASGI)."""
        if scope["type"] != "http" or self._is_ours(scope):
            await self._app(scope, receive, send)
            return
        detail = "Only this service's own pages can send this. Open the page here and try again."
        await shown(scope, Problem(scope, Refusal("cross_origin", detail)))(scope, receive, send)

    def _is_ours(self, scope: Scope) -> bool:
        if scope["method"] in _SAFE or scope["path"].startswith("/api/"):
            return True
        headers = Headers(scope=scope)
        site = headers.get("sec-fetch-site")
        return site == "same-origin" if site is not None else headers.get("origin") == self._origin
