"""The services' doors for dead letters: looked at as the console, acted on with a person's own token."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias
from uuid import UUID

from truth_console.asking import Services, Silence
from truth_console.dead.letters import Letter, Listed

DOOR = "/api/ops/dead-letters"
_PAGE = 500
_PAGES_MAX = 40
_ACT_SECONDS_MAX = 30.0


@dataclass(frozen=True, slots=True)
class Found:
    """A dead letter, whose it is, and what was done about it."""

    service: str
    letter: Letter
    actions: Sequence[Mapping[str, Any]]


All: TypeAlias = Mapping[str, Sequence[Letter] | Silence]
"""By service."""


def list_open(services: Services) -> All:
    """Every open dead letter, newest first; the newest 20,000 of a service that has more."""

    def of(service: str) -> Sequence[Letter] | Silence:
        return list_of(services, service)

    return services.together(of)


def list_of(services: Services, service: str) -> Sequence[Letter] | Silence:
    """Those of one service."""
    letters: list[Letter] = []
    for _ in range(_PAGES_MAX):
        before = f"&before={letters[-1].id}" if letters else ""
        told = services.ask(service, "GET", f"{DOOR}?limit={_PAGE}{before}")
        if isinstance(told, Silence):
            return told
        page = Listed.model_validate(told).dead_letters
        letters += page
        if len(page) < _PAGE:
            break
    return letters


def find(services: Services, letter_id: UUID) -> Found | Mapping[str, Silence]:
    """Whose it is; else what everybody says instead of it."""
    told = services.together(lambda service: services.ask(service, "GET", f"{DOOR}/{letter_id}"))
    for service, one in told.items():
        if not isinstance(one, Silence):
            return Found(service, Letter.model_validate(one["letter"]), one["actions"])
    return told


def act(
    services: Services, service: str, letter_id: UUID, what: str, body: Mapping[str, object]
) -> Mapping[str, Any] | Silence:
    """Redrive or dismiss. The service decides, and writes down who asked and why."""
    return services.ask(service, "POST", f"{DOOR}/{letter_id}/{what}", dict(body), seconds=_ACT_SECONDS_MAX)
