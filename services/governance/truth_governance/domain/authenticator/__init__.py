"""Authenticators, which hold people's passkeys: by W3C WebAuthn Level 3.

`asking` says what a browser is told, `checking` holds its answer against the rules. Both are py_webauthn's
work, and nothing else here imports it.
"""

from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from truth_governance.domain.authenticator.asking import creation_options, request_options
    from truth_governance.domain.authenticator.checking import asserted, attested, challenge_of, spki

__all__ = [
    "Attested",
    "Site",
    "asserted",
    "attested",
    "challenge_of",
    "creation_options",
    "request_options",
    "spki",
]

_ROOMS = {
    "asserted": "checking",
    "attested": "checking",
    "challenge_of": "checking",
    "creation_options": "asking",
    "request_options": "asking",
    "spki": "checking",
}


@dataclass(frozen=True, slots=True)
class Site:
    """Where people use passkeys: the RP id that the keys are bound to, and the origin of the pages."""

    rp_id: str
    origin: str


@dataclass(frozen=True, slots=True)
class Attested:
    """A key that an authenticator made and holds. `public_key` is as it came, in COSE."""

    credential_id: bytes
    public_key: bytes
    sign_count: int


def __getattr__(name: str) -> object:
    """Loads what is asked for (PEP 562), so ask by `authenticator.name` and only when it is needed.

    py_webauthn brings pyOpenSSL, pyasn1 and cbor2. Measured: 5.6 MB and 0.15 s, which a service where nobody
    has used a passkey yet does not pay.
    """
    if name not in _ROOMS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_ROOMS[name]}"), name)
