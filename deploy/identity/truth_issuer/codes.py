"""Authorization codes: single use, one minute, bound to client, redirect address and PKCE challenge."""

import base64
import hashlib
import secrets
import time
from dataclasses import dataclass, field

CODE_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Grant:
    """What a code stands for."""

    client: str
    redirect_uri: str
    challenge: str  # PKCE, method S256 (RFC 7636)
    subject: str
    nonce: str | None
    auth_time: int
    """When the person was picked, in seconds since 1970."""


@dataclass(slots=True)
class Codes:
    """The codes handed out and not yet used; gone when the process ends."""

    _open: dict[str, tuple[float, Grant]] = field(default_factory=dict[str, tuple[float, Grant]])

    def issue(self, grant: Grant) -> str:
        """A new random code."""
        code = secrets.token_urlsafe(32)
        self._open[code] = (time.monotonic() + CODE_SECONDS, grant)
        return code

    def redeem(self, code: str, client: str, redirect_uri: str, verifier: str) -> Grant | None:
        """The grant, once; None for a wrong, used or late code, or another client, address or verifier."""
        deadline, grant = self._open.pop(code, (0.0, None))
        if grant is None or time.monotonic() > deadline:
            return None
        same = (grant.client, grant.redirect_uri, grant.challenge) == (
            client,
            redirect_uri,
            _challenge(verifier),
        )
        return grant if same else None


def _challenge(verifier: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
