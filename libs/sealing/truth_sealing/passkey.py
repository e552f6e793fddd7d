"""A person's passkey over the frozen Job (W3C WebAuthn Level 3 section 7.2), checked offline."""

import base64
import binascii
import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_public_key

from truth_sealing.canonical import Json, NotCanonicalError, canonical, sha256_hex
from truth_sealing.findings import Finding, finding
from truth_sealing.shown import Body
from truth_sealing.strict import StrictError, strict_object

_MEMBERS = ("public_key", "authenticator_data", "client_data_json", "signature")
_AUTHENTICATOR_BYTES_MIN = 37  # digest of the RP id, flags, counter
_USER_PRESENT = 0x01
_USER_VERIFIED = 0x04
_LOOPBACK = "localhost"
_ORIGIN = re.compile(r"(?P<scheme>https?)://(?P<host>[a-z0-9.-]+)(?::[0-9]{1,5})?")
"""As browsers write it (RFC 6454 section 6.2). An address in brackets is no domain, so no RP id fits it."""


@dataclass(frozen=True, slots=True)
class _Assertion:
    public_key: bytes
    authenticator_data: bytes
    client_data_json: bytes
    signature: bytes
    client: dict[str, Json]

    @property
    def site(self) -> str:
        origin = self.client.get("origin")
        return origin if isinstance(origin, str) else ""


def create_job_signed(created: Body) -> Finding:
    """Whether a passkey signed the frozen Job. It shows this key and this site, not whose key it is."""
    proof = created.get("proof")
    if proof is None:
        why = "no passkey was asked for" if created else "the body of job_created is withheld"
        return Finding("create_job_signed_by_person", "not shown", why)
    assertion = _read(proof)
    if assertion is None:
        return Finding("create_job_signed_by_person", "no", "the passkey proof cannot be read")
    return finding(
        "create_job_signed_by_person",
        wrong=list(_problems(assertion, created.get("job"))),
        missing=[],
        right=f"by the passkey {sha256_hex(assertion.public_key)} at {assertion.site}, user verified",
    )


def challenge(job: Json) -> str:
    """What the passkey is asked to sign: base64url of the SHA-256 of the frozen Job's canonical form."""
    return base64.urlsafe_b64encode(hashlib.sha256(canonical(job)).digest()).decode().rstrip("=")


def _read(proof: Json) -> _Assertion | None:
    if not isinstance(proof, dict) or proof.keys() != set(_MEMBERS):
        return None
    try:
        parts = [_base64url(proof[name]) for name in _MEMBERS]
        return _Assertion(*parts, client=strict_object(parts[2]))
    except (ValueError, StrictError):
        return None


def _base64url(value: Json) -> bytes:
    if not isinstance(value, str):
        raise ValueError("not a text")
    text = value.rstrip("=")
    try:
        octets = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except binascii.Error as error:
        raise ValueError("not base64url") from error
    if base64.urlsafe_b64encode(octets).decode().rstrip("=") != text:
        raise ValueError("not the one way to write it")
    return octets


def _problems(assertion: _Assertion, job: Json) -> Iterator[str]:
    client, data = assertion.client, assertion.authenticator_data
    if client.get("type") != "webauthn.get":
        yield "the passkey did not sign in answer to a question (webauthn.get)"
    asked = client.get("challenge")
    if not asked or asked != _challenge_or_empty(job):
        yield "the passkey signed another Job"
    if client.get("crossOrigin", False) is not False:
        yield "the passkey was asked from within another site"
    if len(data) < _AUTHENTICATOR_BYTES_MIN or not _is_site(assertion.site, data[:32]):
        yield "the passkey belongs to another site"
    if len(data) < _AUTHENTICATOR_BYTES_MIN or not data[32] & _USER_PRESENT or not data[32] & _USER_VERIFIED:
        yield "the authenticator did not verify its user"
    if not _is_signed(assertion):
        yield "the passkey's signature is wrong"


def _challenge_or_empty(job: Json) -> str:
    try:
        return challenge(job)
    except NotCanonicalError:
        return ""


def _is_site(origin: str, rp_id_hash: bytes) -> bool:
    """Whether the key's RP id is the origin's host or a domain above it, reached safely."""
    found = _ORIGIN.fullmatch(origin)
    if found is None or (found["scheme"] != "https" and found["host"] != _LOOPBACK):
        return False
    labels = found["host"].split(".")
    domains = (".".join(labels[start:]) for start in range(len(labels)))
    return any(hashlib.sha256(domain.encode()).digest() == rp_id_hash for domain in domains)


def _is_signed(assertion: _Assertion) -> bool:
    message = assertion.authenticator_data + hashlib.sha256(assertion.client_data_json).digest()
    try:
        key = load_der_public_key(assertion.public_key)
        if key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo) != assertion.public_key:
            return False  # a point can be written shorter: one key, but another fingerprint
        if isinstance(key, EllipticCurvePublicKey) and isinstance(key.curve, SECP256R1):
            key.verify(assertion.signature, message, ECDSA(SHA256()))
            return True
        if isinstance(key, Ed25519PublicKey):
            key.verify(assertion.signature, message)
            return True
    except (InvalidSignature, UnsupportedAlgorithm, ValueError):
        return False
    return False
