"""How a test gets at people: each with a browser of their own, or at the API."""

from collections.abc import Callable
from typing import Literal, Protocol

from playwright.sync_api import Page
from truth_local.demo.acting import Person

Api = Callable[[str], Person]
"""Somebody at the API, by name: for what the page under test does not do."""


class People(Protocol):
    """Opens a page for a person, or for a stranger; each call is another browser."""

    def __call__(  # noqa: D102 the class says it
        self,
        name: str | None,
        service: str,
        path: str,
        *,
        viewport: tuple[int, int] = (1280, 900),
        scheme: Literal["light", "dark"] = "light",
        scripts: bool = True,
    ) -> Page: ...
