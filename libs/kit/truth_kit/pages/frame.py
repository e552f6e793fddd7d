"""The frame: templates drawn with what every page needs, under a policy that keeps foreign code out."""

from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Annotated
from urllib.parse import quote, urlsplit

import jinja2
from fastapi import Depends, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from markupsafe import Markup
from starlette.types import Scope
from truth_contracts.refusals import CODES

from truth_kit.auth import Actor
from truth_kit.fresh import new_id, utc_now
from truth_kit.pages.assets import Assets
from truth_kit.pages.parts import Link, Pages
from truth_kit.pages.session import visitor
from truth_kit.problems import Problem

_HERE = Path(str(files("truth_kit.pages")))
_SOURCES = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self'",
    "connect-src": "'self'",
    "manifest-src": "'self'",
    "worker-src": "'self'",
    "base-uri": "'none'",
    "frame-ancestors": "'none'",
}


class Frame:
    """Draws a service's templates. One for a process."""

    def __init__(self, service: str, pages: Pages, issuer: str, further: Sequence[Link] = ()) -> None:
        self._service, self._pages, self._menu = service, pages, (*pages.menu, *further)
        self.kit = Assets("kit", _HERE / "static")
        self.static = Assets("static", Path(str(files(pages.package))) / "static")
        self._policy = _policy(pages.sources, issuer)
        loaders = [jinja2.PackageLoader(package) for package in (pages.package, "truth_kit.pages")]
        self._templates = jinja2.Environment(
            loader=jinja2.ChoiceLoader(loaders),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        self._templates.globals.update(kit=self.kit.url, static=self.static.url, once=_once)  # pyright: ignore[reportCallIssue, reportArgumentType] typed by its defaults

    def show(
        self,
        request: Request,
        template: str,
        *,
        status: int = 200,
        headers: Mapping[str, str] | None = None,
        **given: object,
    ) -> HTMLResponse:
        """A whole page as an answer."""
        policy = {"Content-Security-Policy": self._policy}
        return HTMLResponse(self.draw(request, template, **given), status, policy | dict(headers or {}))

    def draw(self, request: Request, template: str, **given: object) -> str:
        """A template as text: a page, or a fragment for a live part."""
        person = visitor(request)
        always = {
            "service": self._service,
            "product": self._pages.title,
            "menu": [link for link in self._menu if _is_for(link, person)],
            "links": self._pages.links,
            "person": person,
            "here": request.url.path,
            "now": utc_now(),
        }
        return self._templates.get_template(template).render(always | given)

    def show_problem(self, scope: Scope, problem: Problem) -> Response:
        """A problem in the same words as its JSON; who has to sign in for a page is sent to do so."""
        request = Request(scope)
        person = visitor(request)
        if _is_sent_to_sign_in(request, problem):
            where = request.url.path + (f"?{request.url.query}" if request.url.query else "")
            again = "&fresh=1" if person is not None else ""  # signed in, but too long ago
            return RedirectResponse(f"/sign-in?to={quote(where, safe='')}{again}", 303)
        told = {
            "title": CODES[problem.refusal.code],
            "detail": problem.refusal.detail,
            "code": problem.refusal.code,
            "status": problem.status_code,
            "request_id": scope["state"]["http_request_id"],
        }
        kept = {name: value for name, value in problem.headers.items() if name == "retry-after"}
        return self.show(request, "kit/problem.html", status=problem.status_code, headers=kept, problem=told)


def _is_sent_to_sign_in(request: Request, problem: Problem) -> bool:
    is_visit = request.method == "GET" and "text/event-stream" not in request.headers.get("accept", "")
    return problem.refusal.code == "sign_in_needed" and is_visit


def _is_for(link: Link, person: Actor | None) -> bool:
    return not link.roles or (person is not None and not person.roles.isdisjoint(link.roles))


def _policy(more: Mapping[str, str], issuer: str) -> str:
    """A form may lead to the issuer: who posts after the session's end is sent there."""
    place = urlsplit(issuer)
    sources = _SOURCES | {"form-action": f"'self' {place.scheme}://{place.netloc}", **more}
    return "; ".join(f"{directive} {allowed}" for directive, allowed in sources.items())


def _once(key: str = "") -> Markup:
    """The hidden field that makes a form's repeats one: the same key as before, or a new one."""
    return Markup('<input type="hidden" name="once" value="{}">').format(key or new_id())


async def _frame(request: Request) -> Frame:
    frame: Frame = request.app.state.frame
    return frame


FrameDependency = Annotated[Frame, Depends(_frame)]
"""The frame of this service."""
