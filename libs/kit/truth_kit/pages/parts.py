"""What a service brings for its pages."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from fastapi import APIRouter

from truth_kit.connections import SignIn


@dataclass(frozen=True, slots=True)
class Link:
    """An entry of the menu; with `roles`, only people who have one of them see it."""

    href: str
    words: str
    roles: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Pages:
    """A service's pages as its app.py puts them together."""

    package: str  # whose folders `templates` and, if it is there, `static` are used
    title: str
    routers: Sequence[APIRouter]
    sign_in: SignIn
    menu: Sequence[Link] = ()
    links: Mapping[str, str] = field(default_factory=dict[str, str])  # other services' public URLs, by name
    sources: Mapping[str, str] = field(
        default_factory=dict[str, str]
    )  # Content-Security-Policy: own directives
