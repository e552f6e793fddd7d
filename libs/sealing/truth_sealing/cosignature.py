"""What a witness adds to a checkpoint (C2SP tlog-cosignature, Ed25519, signature type 0x04)."""

import base64
import hashlib
from dataclasses import dataclass

from truth_sealing.keys import KeyFormatError, Signer, VerifyKey, is_key_name
from truth_sealing.note import Signature, decode_base64

_TYPE = b"\x04"
_KEY_BYTES = 32
_TIME_BYTES = 8
TIMESTAMP_MAX = 2**63 - 1


@dataclass(frozen=True, slots=True)
class CosignatureKey:
    """A witness's public key."""

    name: str
    public: bytes  # 32 bytes

    @classmethod
    def parse(cls, vkey: str) -> "CosignatureKey":
        """Read a vkey of type 0x04; raises KeyFormatError."""
        name, key_id, encoded = [*vkey.split("+", 2), "", ""][:3]
        typed = decode_base64(encoded) or b""
        if typed[:1] != _TYPE or len(typed) != 1 + _KEY_BYTES:
            raise KeyFormatError(f"the key of {name!r} is not an Ed25519 cosignature key of type 0x04")
        key = cls(name, typed[1:])
        if not is_key_name(name) or key.key_id.hex() != key_id:
            raise KeyFormatError(f"the name or key id of {name!r} does not fit its key")
        return key

    @property
    def key_id(self) -> bytes:
        """First 4 bytes of SHA-256(name, LF, 0x04, public key)."""
        return hashlib.sha256(self.name.encode() + b"\n" + _TYPE + self.public).digest()[:4]

    @property
    def vkey(self) -> str:
        """The text form that `parse` reads."""
        return f"{self.name}+{self.key_id.hex()}+{base64.b64encode(_TYPE + self.public).decode()}"

    def verify(self, message: bytes, signature: bytes) -> bool:
        """Whether `signature` (time and Ed25519 signature) is this witness's over the checkpoint's text."""
        if cosigned_at(signature) > TIMESTAMP_MAX:
            return False
        signed = _signed_message(cosigned_at(signature), message)
        return VerifyKey(self.name, self.public).verify(signed, signature[_TIME_BYTES:])


def cosigned_at(signature: bytes) -> int:
    """When the witness signed, in seconds since 1970, as it says."""
    return int.from_bytes(signature[:_TIME_BYTES], "big")


def cosignature_line(text: str, signer: Signer, key: CosignatureKey, timestamp: int) -> str:
    """A witness's signature line over a checkpoint's text, to be appended to its note."""
    signature = signer.sign(_signed_message(timestamp, text.encode()))
    return Signature(key.name, key.key_id, timestamp.to_bytes(_TIME_BYTES, "big") + signature).line


def _signed_message(timestamp: int, text: bytes) -> bytes:
    return f"cosignature/v1\ntime {timestamp}\n".encode() + text
