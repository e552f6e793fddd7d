"""What both back ends promise."""

import re
from collections.abc import AsyncIterable, AsyncIterator
from typing import Protocol

from truth_contracts.refusals import Refusal

CHUNK_BYTES = 1 << 20
"""About the size of the pieces in which bytes are read."""

_DIGEST = re.compile(r"[0-9a-f]{64}")


class StoreError(OSError):
    """The store is away, or does not let us in. Never that bytes are missing."""


class Blobs(Protocol):
    """Content-addressed bytes. Several processes may share one store; reading needs no right to write."""

    async def put(self, chunks: AsyncIterable[bytes], sha256: str, bytes_max: int) -> bool | Refusal:
        """Keep the bytes of `chunks` if they are those of `sha256`. True: new here; False: known already.

        On return they are durable. What is there already is never replaced. Refuses with `digest_invalid`,
        `body_too_large` or `digest_mismatch`. Raises OSError when the store cannot keep them.
        """
        ...

    async def size(self, sha256: str) -> int | None:
        """How many bytes `sha256` has here; None if there are none. ValueError for what is no digest."""
        ...

    def open(self, sha256: str) -> AsyncIterator[bytes]:
        """The bytes of `sha256` in pieces, not hashed again: `put` of another store does that.

        Raises FileNotFoundError if there are none, ValueError for what is no digest.
        """
        ...

    async def sweep(self, older_than_seconds: float = 3600) -> int:
        """Delete what unfinished puts left behind so long ago, and say how many."""
        ...


def is_digest(sha256: str) -> bool:
    """Whether this is a SHA-256 digest in lowercase hexadecimal."""
    return _DIGEST.fullmatch(sha256) is not None


def key(sha256: str) -> str:
    """Where the bytes of `sha256` are below the root, in both back ends. ValueError for what is no digest."""
    if not is_digest(sha256):
        raise ValueError("not a SHA-256 digest in lowercase hexadecimal")
    return f"{sha256[:2]}/{sha256}"


def not_a_digest() -> Refusal:
    """The refusal of a name that is no digest."""
    return Refusal("digest_invalid", "A SHA-256 digest is 64 lowercase hexadecimal digits.")


def too_large(bytes_max: int) -> Refusal:
    """The refusal of more bytes than are taken."""
    return Refusal("body_too_large", f"At most {bytes_max} bytes are taken.")


def other_bytes() -> Refusal:
    """The refusal of bytes that are not those of the digest."""
    return Refusal("digest_mismatch", "The bytes have another SHA-256 than the one named.")
