"""What the five services tell ops, all asked at once. Who does not answer is silent, which is not 0."""

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeAlias, TypeVar

import httpx
from pydantic import BaseModel, ValidationError
from truth_contracts.ops import Flow, Invariants, Trace

from truth_console.places import Badge, NotSignedInError, Places

ModelT = TypeVar("ModelT", bound=BaseModel)

ASK_SECONDS_MAX = 4.0
COUNT_SECONDS_MAX = 30.0
"""The services themselves give a query up after 20."""
_NOT_FOUND = 404


@dataclass(frozen=True, slots=True)
class Silence:
    """Why nothing is known of a service."""

    reason: str
    is_answer: bool = False  # it said no; otherwise what was asked of it may have been done or not


Answers: TypeAlias = Mapping[str, ModelT | Silence]
"""By service."""


class Services:
    """The doors of the five services, for somebody with a token."""

    def __init__(self, places: Places, token: Callable[[], str], http: httpx.Client) -> None:
        self._urls, self._token, self._http = places.services, token, http

    @classmethod
    def of(cls, places: Places, http: httpx.Client) -> "Services":
        """As the console itself, which may only look."""
        return cls(places, Badge(places, http).token, http)

    def flows(self) -> Answers[Flow]:
        """How work flows through each."""
        return self._all("/api/ops/flow", Flow)

    def traces(self, ref: str) -> Mapping[str, Trace | Silence | None]:
        """What each knows of a request; None where it knows nothing."""
        return {
            name: None if told == _UNKNOWN else told
            for name, told in self._all(f"/api/ops/trace/{ref}", Trace).items()
        }

    def invariants(self) -> Answers[Invariants]:
        """The promises that each can count."""
        return self._all("/api/ops/invariants", Invariants, COUNT_SECONDS_MAX)

    def ask(
        self, service: str, method: str, path: str, body: object = None, *, seconds: float = ASK_SECONDS_MAX
    ) -> Any:  # noqa: ANN401 JSON
        """One service's answer: its JSON, or Silence with the problem's own words."""
        try:
            answer = self._http.request(
                method,
                self._urls[service] + path,
                json=body,
                headers={"authorization": f"Bearer {self._token()}"},
                timeout=seconds,
            )
        except httpx.TimeoutException:
            return Silence(f"does not answer within {seconds:.0f} s")
        except httpx.HTTPError:
            return Silence("does not answer")
        except NotSignedInError as error:
            return Silence(str(error))
        return _read(answer)

    def together(self, ask: Callable[[str], Any]) -> dict[str, Any]:
        """What `ask` finds for each service, all at once."""
        with ThreadPoolExecutor(len(self._urls)) as pool:
            return dict(zip(self._urls, pool.map(ask, self._urls), strict=True))

    def _all(self, path: str, model: type[ModelT], seconds: float = ASK_SECONDS_MAX) -> Answers[ModelT]:
        def one(service: str) -> ModelT | Silence:
            told = self.ask(service, "GET", path, seconds=seconds)
            if isinstance(told, Silence):
                return told
            try:
                return model.model_validate(told)
            except ValidationError as error:
                return Silence(f"answers in another shape ({error.error_count()} members)")

        return self.together(one)


_UNKNOWN = Silence("request_unknown", is_answer=True)


def _read(answer: httpx.Response) -> Any:  # noqa: ANN401 JSON
    try:
        told = answer.json()
        if answer.is_success:
            return told
        if told.get("code") == _UNKNOWN.reason:
            return _UNKNOWN
        return Silence(f"{answer.status_code} {told['code']}: {told['detail']}", is_answer=True)
    except (ValueError, KeyError, AttributeError):
        return Silence(f"answers {answer.status_code} and nothing that can be read")
