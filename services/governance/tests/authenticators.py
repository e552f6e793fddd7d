"""An authenticator and its browser, in software: W3C WebAuthn Level 3, sections 6 and 7, as far as we need it."""

import hashlib
import json
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from typing import Any, TypeAlias

from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.hashes import SHA256

Answer = dict[str, Any]
Cbor: TypeAlias = "int | bytes | str | Mapping[Any, Cbor]"

PRESENT, VERIFIED, ATTESTED = 0x01, 0x04, 0x40
ORIGIN = "http://localhost"


class Authenticator:
    """Holds one key, of ES256 or, if asked, Ed25519. `sign_count` 0 stays 0, as with synced passkeys."""

    def __init__(
        self, *, is_ed25519: bool = False, sign_count: int = 0, curve: ec.EllipticCurve | None = None
    ) -> None:
        self.credential_id = secrets.token_bytes(16)
        self.sign_count = sign_count
        self._ecdsa = ec.generate_private_key(curve or ec.SECP256R1())
        self._eddsa = ed25519.Ed25519PrivateKey.generate() if is_ed25519 else None

    def register(self, options: Answer, *, flags: int = PRESENT | VERIFIED, **changes: Any) -> Answer:
        """What `navigator.credentials.create(options)` gives. `changes` are those of `client_data`, and `rp_id`."""
        rp_id = changes.pop("rp_id", options["rp"]["id"])
        attested = bytes(16) + len(self.credential_id).to_bytes(2, "big") + self.credential_id
        data = self._data(rp_id, flags | ATTESTED) + attested + cbor(self.public_key)
        statement: Cbor = {"fmt": "none", "attStmt": {}, "authData": data}
        response = {
            "clientDataJSON": base64url(client_data("webauthn.create", options, **changes)),
            "attestationObject": base64url(cbor(statement)),
            "transports": ["internal"],
        }
        return self._credential(response)

    def sign(self, options: Answer, *, flags: int = PRESENT | VERIFIED, **changes: Any) -> Answer:
        """What `navigator.credentials.get(options)` gives."""
        if self.sign_count:
            self.sign_count += 1
        data = self._data(changes.pop("rp_id", options["rpId"]), flags)
        client = client_data("webauthn.get", options, **changes)
        message = data + hashlib.sha256(client).digest()
        response = {
            "clientDataJSON": base64url(client),
            "authenticatorData": base64url(data),
            "signature": base64url(self._signature(message)),
            "userHandle": None,
        }
        return self._credential(response)

    @property
    def public_key(self) -> Mapping[int, Cbor]:
        """The key in COSE (RFC 9053)."""
        if self._eddsa is not None:
            return {1: 1, 3: -8, -1: 6, -2: self._eddsa.public_key().public_bytes_raw()}
        numbers = self._ecdsa.public_key().public_numbers()
        size = (numbers.curve.key_size + 7) // 8
        curve = {256: 1, 384: 2}[numbers.curve.key_size]
        return {
            1: 2,
            3: -7,
            -1: curve,
            -2: numbers.x.to_bytes(size, "big"),
            -3: numbers.y.to_bytes(size, "big"),
        }

    def _data(self, rp_id: str, flags: int) -> bytes:
        return hashlib.sha256(rp_id.encode()).digest() + bytes([flags]) + self.sign_count.to_bytes(4, "big")

    def _signature(self, message: bytes) -> bytes:
        return self._eddsa.sign(message) if self._eddsa else self._ecdsa.sign(message, ec.ECDSA(SHA256()))

    def _credential(self, response: Answer) -> Answer:
        credential_id = base64url(self.credential_id)
        return {
            "id": credential_id,
            "rawId": credential_id,
            "type": "public-key",
            "authenticatorAttachment": "platform",
            "clientExtensionResults": {},
            "response": response,
        }


def client_data(kind: str, options: Answer, **changes: Any) -> bytes:
    """clientDataJSON; `changes` replace its members."""
    told = {"type": kind, "challenge": options["challenge"], "origin": ORIGIN, "crossOrigin": False}
    return json.dumps(told | changes).encode()


def cbor(value: Cbor) -> bytes:
    """CBOR (RFC 8949) of what is needed here: integers, bytes, texts and maps."""
    match value:
        case int() if value < 0:
            return _head(1, -1 - value)
        case int():
            return _head(0, value)
        case bytes():
            return _head(2, len(value)) + value
        case str():
            return _head(3, len(value.encode())) + value.encode()
        case _:
            return _head(5, len(value)) + b"".join(cbor(key) + cbor(of) for key, of in value.items())


def _head(major: int, number: int) -> bytes:
    if number < 24:
        return bytes([major << 5 | number])
    if number < 1 << 8:
        return bytes([major << 5 | 24, number])
    return bytes([major << 5 | 25]) + number.to_bytes(2, "big")


def base64url(octets: bytes) -> str:
    return urlsafe_b64encode(octets).decode().rstrip("=")


def from_base64url(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))
