"""Ed25519 keys: signers, C2SP verifier keys (vkeys), and the files that hold them."""

import base64
import hashlib
import os
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Protocol

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

_ED25519 = b"\x01"  # C2SP signed-note, signature type of Ed25519
_PUBLIC_BYTES = 32


class KeyFormatError(ValueError):
    """A key file or vkey that cannot be used; the message says why."""


class Signer(Protocol):
    """What signs for one key name. A key-management service can stand behind it."""

    @property
    def name(self) -> str:
        """Name of the key, as verifiers know it."""
        ...

    def sign(self, message: bytes) -> bytes:
        """Ed25519 signature over `message`, 64 bytes (RFC 8032, pure)."""
        ...


@dataclass(frozen=True, slots=True)
class VerifyKey:
    """A public Ed25519 key under a name (C2SP signed-note, "Verifier keys")."""

    name: str
    public: bytes  # 32 bytes

    @classmethod
    def parse(cls, vkey: str) -> "VerifyKey":
        """Read `<name>+<key id, 8 hex digits>+<base64 of 0x01 and the public key>`; raises KeyFormatError."""
        parts = vkey.strip().split("+", 2)  # base64 may hold a plus sign, a name may not
        if len(parts) != 3:  # noqa: PLR2004 name, id, key
            raise KeyFormatError("a vkey has three parts joined by '+'")
        name, key_id, encoded = parts
        try:
            typed = base64.b64decode(encoded, validate=True)
        except ValueError as error:  # binascii.Error, and plain for a letter that is not ASCII
            raise KeyFormatError(f"the key of {name!r} is not base64") from error
        if typed[:1] != _ED25519 or len(typed) != 1 + _PUBLIC_BYTES:
            raise KeyFormatError(f"the key of {name!r} is not an Ed25519 key of type 0x01")
        key = cls(name, typed[1:])
        if not is_key_name(name) or key.key_id.hex() != key_id:
            raise KeyFormatError(f"the name or key id of {name!r} does not fit its key")
        return key

    @property
    def key_id(self) -> bytes:
        """First 4 bytes of SHA-256(name, LF, 0x01, public key)."""
        return hashlib.sha256(self.name.encode() + b"\n" + _ED25519 + self.public).digest()[:4]

    @property
    def vkey(self) -> str:
        """The text form that `parse` reads."""
        return f"{self.name}+{self.key_id.hex()}+{base64.b64encode(_ED25519 + self.public).decode()}"

    def verify(self, message: bytes, signature: bytes) -> bool:
        """Whether `signature` is this key's over `message`."""
        try:
            _loaded(self.public).verify(signature, message)
        except (InvalidSignature, ValueError):
            return False
        return True


@lru_cache(maxsize=64)
def _loaded(public: bytes) -> Ed25519PublicKey:
    return Ed25519PublicKey.from_public_bytes(public)  # a third of the time of a check


StepKeys = Mapping[str, tuple[VerifyKey, ...]]
"""Public step keys by service name. Several for one name while a key is rotated."""


@dataclass(frozen=True, slots=True)
class FileSigner:
    """Signs with a private key read from a PKCS#8 PEM file."""

    name: str
    _key: Ed25519PrivateKey

    @classmethod
    def read(cls, name: str, path: Path) -> "FileSigner":
        """Read the key at `path`; raises OSError when absent, KeyFormatError when it is not Ed25519."""
        return cls.parse(name, path.read_bytes())

    @classmethod
    def parse(cls, name: str, pem: bytes) -> "FileSigner":
        """Read a key from PKCS#8 PEM bytes; raises KeyFormatError."""
        try:
            key = load_pem_private_key(pem, password=None)
        except (ValueError, TypeError) as error:
            raise KeyFormatError(f"the key file of {name!r} is not an unencrypted PKCS#8 PEM key") from error
        if not isinstance(key, Ed25519PrivateKey):
            raise KeyFormatError(f"the key of {name!r} is not Ed25519")
        return cls(name, key)

    @classmethod
    def generate(cls, name: str) -> "FileSigner":
        """A signer over a new random key, not yet written anywhere."""
        return cls(name, Ed25519PrivateKey.generate())

    @property
    def verify_key(self) -> VerifyKey:
        """The public half."""
        return VerifyKey(self.name, self._key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw))

    @property
    def pem(self) -> bytes:
        """The private key, PKCS#8 PEM, unencrypted."""
        return self._key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())

    def sign(self, message: bytes) -> bytes:
        """Ed25519 signature over `message`, 64 bytes."""
        return self._key.sign(message)

    def write(self, path: Path) -> None:
        """Write the private key to a new file of mode 0400; raises FileExistsError when there is one."""
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o400)
        with os.fdopen(descriptor, "wb") as file:
            file.write(self.pem)


def is_key_name(name: str) -> bool:
    """Whether `name` may name a key: not empty, no space of any kind, no plus sign (C2SP signed-note)."""
    return bool(name) and "+" not in name and not any(character.isspace() for character in name)


def read_vkeys(text: str) -> dict[str, tuple[VerifyKey, ...]]:
    """Keys by name from a text of one vkey a line; blank lines and lines that begin with # are skipped.

    Raises KeyFormatError, naming the line, when one cannot be read.
    """
    keys: defaultdict[str, list[VerifyKey]] = defaultdict(list)
    for number, line in enumerate(text.splitlines(), start=1):
        if line.strip() and not line.startswith("#"):
            try:
                key = VerifyKey.parse(line)
            except KeyFormatError as error:
                raise KeyFormatError(f"line {number}: {error}") from error
            keys[key.name].append(key)
    return {name: tuple(of_name) for name, of_name in keys.items()}
