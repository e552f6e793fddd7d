"""Ask everything of the five services as everybody, and hold each answer against the document."""

# Schemathesis and Hypothesis do not say all of what they hold.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

import httpx
import requests
from hypothesis import HealthCheck, Phase, given, seed, settings, strategies
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.specs.openapi import checks
from truth_contracts.topics import SERVICES
from truth_issuer.people import Account
from truth_issuer.tokens import access_token, read_key
from truth_local.passwords import issuer_key
from truth_local.system import System

from tests.security.fuzz.asking import Asked, Known, Operation, cases, operations
from tests.security.http_rights import ROLES, caller_tokens

_SECONDS = 60
_EVERY_ROLE = "every role"
_CHECKS = [
    not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
]
"""Not: that what fits the document is accepted, for rules are behind it that no document tells."""


@dataclass(slots=True)
class Tried:
    """What was asked, what came back, and what is wrong with it."""

    statuses: Counter[tuple[str, str, int]] = field(default_factory=Counter[tuple[str, str, int]])
    """Answers by service, caller and status."""
    wrong: dict[tuple[str, str, str], str] = field(default_factory=dict[tuple[str, str, str], str])
    """The first of its kind, told whole, by service, operation and kind."""


def try_all(system: System, known: Known, count: int, chosen: int) -> Tried:
    """Ask `count` requests of every operation; those that all services share, of each service.

    The same seed `chosen` over the same documents makes the same requests. requests.RequestException is raised
    when a service goes away.
    """
    tried, tokens = Tried(), _callers(system)
    for service in SERVICES:
        url = system.urls[service]
        document = httpx.get(f"{url}/openapi.json", timeout=_SECONDS).raise_for_status().json()
        with requests.Session() as http:
            http.trust_env = False
            for operation in operations(document):
                door = Door(service, url, http, tokens, tried)
                try_operation(door, operation, known, count, chosen)
    return tried


@dataclass(frozen=True, slots=True)
class Door:
    """The API of one service, and those who ask there."""

    service: str
    url: str
    http: requests.Session
    tokens: Mapping[str, str | None]
    tried: Tried

    def ask(self, case: Asked, who: str) -> None:
        """One request; what is wrong with its answer is kept."""
        token = self.tokens[who]
        # Always ours: a header of Schemathesis' own would make everybody nobody.
        headers = {"authorization": "" if token is None else f"Bearer {token}"}
        answer = case.call(base_url=self.url, session=self.http, headers=headers, timeout=_SECONDS)
        self.tried.statuses[self.service, who, answer.status_code] += 1
        try:
            case.validate_response(answer, checks=_CHECKS)
        except FailureGroup as group:
            told = f"{case.operation.label} of {self.service} as {who}: {group}"
            for failure in group.exceptions:
                kind = type(failure).__name__
                self.tried.wrong.setdefault((self.service, case.operation.label, kind), told)


def try_operation(door: Door, operation: Operation, known: Known, count: int, chosen: int) -> None:
    """Ask `count` requests of one operation, half of them as somebody with every role."""
    # Else most requests would end at the door.
    callers = strategies.just(_EVERY_ROLE) | strategies.sampled_from(sorted(door.tokens))

    @seed(chosen)
    @settings(
        max_examples=count,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
    )
    @given(cases(operation, known), callers)
    def ask(case: Asked, who: str) -> None:
        door.ask(case, who)

    ask()


def _callers(system: System) -> Mapping[str, str | None]:
    everybody = Account("probe-all", "Probe", ROLES, "person")
    key = read_key(issuer_key(system.layout))
    return caller_tokens(system) | {_EVERY_ROLE: access_token(key, system.issuer, everybody)}
