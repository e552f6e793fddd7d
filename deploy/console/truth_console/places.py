"""Where a system runs, and the console's own read-only login there."""

import time
from pathlib import Path

import httpx
from pydantic import ValidationError
from truth_gate.flight import Environment
from truth_topology.connection import Login

CLIENT = "console"
"""Name of the machine client at the issuer, and of the Kafka principal. Both may look and do nothing else."""

_FRESH_SECONDS = 240
_ISSUER_SECONDS_MAX = 5


class PlacesError(Exception):
    """The file that says where the system runs cannot be used."""


class NotSignedInError(Exception):
    """The issuer does not answer, or knows the console no more."""


class Places(Environment):
    """A system, as `.truth/local.json` says it. Without `step_keys` signatures are told as not checked."""

    step_keys: Path | None = None

    @property
    def login(self) -> Login:
        """The console's login at Kafka."""
        principal = self.kafka.principals[CLIENT]
        return Login(self.kafka.bootstrap, principal.username, principal.password, self.kafka.protocol)


def read_places(file: Path) -> Places:
    """Raises PlacesError."""
    try:
        places = Places.model_validate_json(file.read_bytes())
    except OSError as error:
        raise PlacesError(f"cannot read {file}: {error.strerror}. Does the system run?") from error
    except ValidationError as error:
        raise PlacesError(f"{file} is not shaped like local.json: {error.error_count()} members") from error
    if CLIENT not in places.machines or CLIENT not in places.kafka.principals:
        raise PlacesError(f"{file} has no login for the {CLIENT}")
    return places


class Badge:
    """The console's own token, fetched anew before it ends."""

    def __init__(self, places: Places, http: httpx.Client) -> None:
        self._places, self._http = places, http
        self._token: str | None = None
        self._fetched_at = float("-inf")

    def token(self) -> str:
        """Raises NotSignedInError."""
        if self._token is None or time.monotonic() - self._fetched_at > _FRESH_SECONDS:
            self._token, self._fetched_at = self._fetch(), time.monotonic()
        return self._token

    def _fetch(self) -> str:
        secret = self._places.machines[CLIENT].client_secret
        given = {"grant_type": "client_credentials", "client_id": CLIENT, "client_secret": secret}
        try:
            answer = self._http.post(f"{self._places.issuer}/token", data=given, timeout=_ISSUER_SECONDS_MAX)
            return str(answer.raise_for_status().json()["access_token"])
        except (httpx.HTTPError, ValueError, KeyError) as error:
            raise NotSignedInError(
                f"the issuer gives the console no token ({type(error).__name__})"
            ) from error
