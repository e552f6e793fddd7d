"""What a browser sends of a passkey, as JSON: the shapes of W3C WebAuthn Level 3, section 5.1, bounded."""

import base64
import binascii
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema
from truth_contracts.base import Contract


def _octets(given: object) -> bytes:
    if not isinstance(given, str):
        raise ValueError("a text in base64url")
    try:
        return base64.b64decode(given + "=" * (-len(given) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("a text in base64url") from None


_BASE64URL = (BeforeValidator(_octets), WithJsonSchema({"type": "string", "pattern": "^[A-Za-z0-9_-]*$"}))

CredentialId = Annotated[bytes, *_BASE64URL, Field(min_length=1, max_length=1023)]
ClientData = Annotated[bytes, *_BASE64URL, Field(max_length=2048)]
AuthenticatorData = Annotated[bytes, *_BASE64URL, Field(max_length=1024)]
Signature = Annotated[bytes, *_BASE64URL, Field(max_length=256)]
AttestationObject = Annotated[bytes, *_BASE64URL, Field(max_length=16 * 1024)]


def base64url(octets: bytes) -> str:
    """As a browser would send `octets`."""
    return base64.urlsafe_b64encode(octets).decode().rstrip("=")


class AssertionResponse(Contract, frozen=True, extra="ignore"):
    """What the authenticator signed, and its signature."""

    authenticator_data: Annotated[AuthenticatorData, Field(alias="authenticatorData")]
    client_data_json: Annotated[ClientData, Field(alias="clientDataJSON")]
    signature: Signature


class Assertion(Contract, frozen=True, extra="ignore"):
    """A browser's answer to `navigator.credentials.get()` (AuthenticationResponseJSON)."""

    id: CredentialId
    type: Literal["public-key"]
    response: AssertionResponse


class AttestationResponse(Contract, frozen=True, extra="ignore"):
    """What the authenticator says of the key that it made."""

    client_data_json: Annotated[ClientData, Field(alias="clientDataJSON")]
    attestation_object: Annotated[AttestationObject, Field(alias="attestationObject")]


class Attestation(Contract, frozen=True, extra="ignore"):
    """A browser's answer to `navigator.credentials.create()` (RegistrationResponseJSON)."""

    id: CredentialId
    type: Literal["public-key"]
    response: AttestationResponse
