"""Somebody with a browser without scripts, who types script into every text field of every form."""

import re
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from secrets import token_hex
from typing import Any
from urllib.parse import urlencode, urlsplit

import httpx
from starlette.routing import compile_path
from truth_kit.pages.session import Session
from truth_local.demo.acting import lasting_client

from tests.security.script.parsing import Page, first_event, weaknesses

Place = tuple[str, str, str]
"""Service, route and name of a field."""


@dataclass(slots=True)
class Ledger:
    """What was typed where, where it was seen again, and what is wrong."""

    typed: list[Place] = field(default_factory=list[Place])
    offered: set[Place] = field(default_factory=set[Place])
    """Text fields of all forms that were seen."""
    shown: defaultdict[Place, set[str]] = field(default_factory=lambda: defaultdict[Place, set[str]](set))
    """Pages that show what was typed in a field, as text."""
    looked_at: set[str] = field(default_factory=set[str])
    """Routes of pages, fragments and files, with their service."""
    wrong: list[str] = field(default_factory=list[str])
    _own: str = field(default_factory=lambda: token_hex(2))  # another run's words are nobody's here

    def script(self, *place: str) -> str:
        """Words for a field that end whatever they stand in and begin a script, with a number of their own."""
        service, route, name = place
        self.typed.append((service, route, name))
        return f"\"'></textarea></title><script>{self._own}{len(self.typed) - 1}</script><evil onclick=x>"

    def read(self, where: str, answer: httpx.Response, source: str) -> Page:
        """A page or fragment as it came, looked through."""
        page = Page(source)
        self.looked_at.add(where)
        told = [*page.dangers, *weaknesses(answer.headers)]
        self.wrong.extend(f"{where} ({answer.status_code}): {what}" for what in told)
        typed = re.compile(rf"<script>{self._own}(\d+)</script><evil onclick=x>")
        for number in typed.findall("\n".join(page.said)):
            self.shown[self.typed[int(number)]].add(where)
        return page


@dataclass(frozen=True, slots=True)
class Visitor:
    """A person, or a stranger, at the pages of one service."""

    url: str
    service: str
    routes: Sequence[str]
    """What the ledger tells pages by; a plain one before one with an id that it might be."""
    ledger: Ledger
    cookie: str = ""

    def look(self, path: str) -> Page:
        """A page, and the beginning of each of its live parts."""
        return self._take(self.ask("GET", path))

    def give(self, page: Page, action: str, **chosen: str) -> Page:
        """Send a form of the page, script in every text field not `chosen`; the page that it leads to."""
        form = page.form(action)
        route = self._route(form.method, action)
        texts = [name for name in form.texts if name not in chosen]
        values = (
            form.values | {name: self.ledger.script(self.service, route, name) for name in texts} | chosen
        )
        if form.method == "get":
            return self.look(f"{action}?{urlencode(values)}")
        return self._take(self.ask("POST", action, data=values))

    def ask(self, method: str, path: str, accept: str = "text/html", **content: Any) -> httpx.Response:
        """One answer, or that of the page it leads to; for what is sent by no form."""
        answer = lasting_client().request(method, self.url + path, headers=self._headers(accept), **content)
        # Not by the client itself: it leaves the cookie behind.
        return self.ask("GET", answer.headers["location"], accept) if answer.is_redirect else answer

    def _take(self, answer: httpx.Response) -> Page:
        request = answer.request
        where = f"{self.service}, {self._route(request.method, request.url.path)}"
        kind = answer.headers.get("content-type", "")
        page = self.ledger.read(where, answer, answer.text if kind.startswith("text/html") else "")
        for form in page.forms:
            route = self._route(form.method, form.action)
            self.ledger.offered.update((self.service, route, name) for name in form.texts)
        for address in page.live:
            headers = self._headers("text/event-stream")
            with lasting_client().stream("GET", self.url + address, headers=headers) as live:
                drawn = f"{self.service}, {self._route('GET', urlsplit(address).path)}"
                self.ledger.read(drawn, live, first_event(live.iter_lines()))
        return page

    def _headers(self, accept: str) -> dict[str, str]:
        return {"accept": accept, "sec-fetch-site": "same-origin", "cookie": self.cookie}

    def _route(self, method: str, path: str) -> str:
        for route in self.routes:
            of, _, template = route.partition(" ")
            if of == method.upper() and compile_path(template)[0].fullmatch(path):
                return route
        return f"{method.upper()} {path}"


def session(subject: str, name: str, *roles: str) -> Session:
    """As a person has it who has just signed in."""
    return Session(subject, name, roles, int(time.time()))
