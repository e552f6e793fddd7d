"""What an authenticator answers, held against WebAuthn's rules (W3C WebAuthn Level 3) by py_webauthn."""

from typing import cast

from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from webauthn import verify_authentication_response, verify_registration_response
from webauthn.helpers import (
    bytes_to_base64url,
    decode_credential_public_key,
    decoded_public_key_to_cryptography,
    parse_cbor,
    parse_client_data_json,
)
from webauthn.helpers.cose import COSEAlgorithmIdentifier
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AttestationFormat,
    AuthenticationCredential,
    AuthenticatorAssertionResponse,
    AuthenticatorAttestationResponse,
    RegistrationCredential,
)

from truth_governance.domain.authenticator import Attested, Site
from truth_governance.domain.credentials import Assertion, Attestation

ALGORITHMS = [COSEAlgorithmIdentifier.ECDSA_SHA_256, COSEAlgorithmIdentifier.EDDSA]
"""What the offline verifier of bundles knows."""

_FORMATS = (AttestationFormat.NONE, AttestationFormat.PACKED)  # what browsers give when asked for none
_UNREADABLE = (
    WebAuthnException,
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    OverflowError,
    RecursionError,
)
"""What the library raises over hostile bytes, beside its own exceptions."""

_WHY = {
    "Unexpected client data type": "it answers another question",
    "Client data challenge": "it answers another challenge",
    "Unexpected client data origin": "it was made for another site",
    "Unexpected RP ID": "it was made for another site",
    "User presence": "the authenticator saw nobody",
    "User verification": "the authenticator did not verify its user",
    "Unsupported credential public key": "its key is neither for ES256 nor for Ed25519",
    "Response sign count": "its counter went back, so there may be a copy of it",
}
"""By how the library's message begins: its whole text repeats what was sent."""


def challenge_of(given: Attestation) -> bytes | None:
    """The challenge that a registration claims to answer; None if it cannot be read."""
    try:
        return parse_client_data_json(given.response.client_data_json).challenge
    except _UNREADABLE:
        return None


def attested(given: Attestation, challenge: bytes, site: Site) -> Attested | str:
    """The key that was made for `challenge` at `site`, its user verified; else why not (section 7.1).

    Who made the authenticator is not asked: the attestation statement is checked, and trusted with nothing.
    """
    response = AuthenticatorAttestationResponse(
        client_data_json=given.response.client_data_json,
        attestation_object=given.response.attestation_object,
    )
    try:
        if parse_client_data_json(response.client_data_json).cross_origin:
            return "it was asked for from within another site"
        if _format_of(response.attestation_object) not in _FORMATS:
            return "it brings an attestation that nobody asked for"
        made = verify_registration_response(
            credential=RegistrationCredential(bytes_to_base64url(given.id), given.id, response),
            expected_challenge=challenge,
            expected_rp_id=site.rp_id,
            expected_origin=site.origin,
            require_user_verification=True,
            supported_pub_key_algs=ALGORITHMS,
        )
        spki(made.credential_public_key)
    except _UNREADABLE as error:
        return _why(error)
    if made.credential_id != given.id:
        return "it names another key than the authenticator made"
    return Attested(made.credential_id, made.credential_public_key, made.sign_count)


def asserted(given: Assertion, key: Attested, challenge: bytes, site: Site) -> int | str:
    """The counter after `key` signed `challenge` at `site`, its user verified; else why not (section 7.2)."""
    response = AuthenticatorAssertionResponse(
        client_data_json=given.response.client_data_json,
        authenticator_data=given.response.authenticator_data,
        signature=given.response.signature,
    )
    try:
        signed = verify_authentication_response(
            credential=AuthenticationCredential(bytes_to_base64url(given.id), given.id, response),
            expected_challenge=challenge,
            expected_rp_id=site.rp_id,
            expected_origin=site.origin,
            credential_public_key=key.public_key,
            credential_current_sign_count=key.sign_count,
            require_user_verification=True,
        )
    except _UNREADABLE as error:
        return _why(error)
    return signed.new_sign_count


def spki(public_key: bytes) -> bytes:
    """A COSE key as SubjectPublicKeyInfo, DER. ValueError for any but P-256 and Ed25519."""
    key = decoded_public_key_to_cryptography(decode_credential_public_key(public_key))
    if isinstance(key, EllipticCurvePublicKey) and not isinstance(key.curve, SECP256R1):
        raise ValueError("another curve than P-256")
    if not isinstance(key, EllipticCurvePublicKey | Ed25519PublicKey):
        raise ValueError("neither P-256 nor Ed25519")
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _format_of(attestation_object: bytes) -> object:
    """Of an attestation whose authenticator data are bytes.

    The library takes a number there for how many bytes there are, and makes room for them: all of the memory.
    """
    held = parse_cbor(attestation_object)
    members = cast("dict[object, object]", held) if isinstance(held, dict) else {}
    if not isinstance(members.get("authData"), bytes):
        raise ValueError("no authenticator data")
    return members.get("fmt")


def _why(error: Exception) -> str:
    found = (why for begin, why in _WHY.items() if str(error).startswith(begin))
    return next(found, "it does not keep WebAuthn's rules")
