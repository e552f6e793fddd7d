"""Photos coming in: streamed aside, judged, and only then kept by their digest. Out: whole or small."""

import asyncio
import errno
import io
import struct
import tempfile
import zlib
from collections.abc import AsyncIterable, AsyncIterator, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO

from PIL import Image, ImageOps
from truth_contracts.refusals import Refusal
from truth_kit.blobs import CHUNK_BYTES, Blobs, StoreError
from truth_kit.lifecycle import Runtime

PIXELS_MAX = 50_000_000
"""Largest photo. Decoded it takes four bytes a pixel at most."""

THUMBNAIL_PIXELS = 480
"""Longest side of a thumbnail."""

_MEDIA_TYPES: Mapping[str, str] = {
    "JPEG": "image/jpeg",
    "MPO": "image/jpeg",  # a JPEG with a second picture behind it: what many phones write
    "PNG": "image/png",
    "WEBP": "image/webp",
}
_FORMATS = ("JPEG", "PNG", "WEBP")
_JUDGED_AT_ONCE = 2
_SWEEP_SECONDS = 3600.0
# What Pillow raises over bytes that are not the picture they claim to be.
_BROKEN = (
    SyntaxError,
    ValueError,
    TypeError,
    LookupError,
    EOFError,
    ArithmeticError,
    struct.error,
    zlib.error,
    Image.DecompressionBombError,
    Image.DecompressionBombWarning,
)


class EvidenceLostError(Exception):
    """Bytes that were received are not kept any more: a broken promise."""


@dataclass(frozen=True, slots=True)
class Photo:
    """What the bytes turned out to be, whatever name or type they were sent under."""

    media_type: str
    bytes: int


class Store:
    """The kept photos, and the judge before them. What is refused is never kept."""

    def __init__(self, kept: Blobs, bytes_max: int) -> None:
        self.kept, self.bytes_max = kept, bytes_max
        self._judging = asyncio.Semaphore(_JUDGED_AT_ONCE)

    async def receive(
        self, chunks: AsyncIterable[bytes], sha256: str, *, known_as: str | None
    ) -> Photo | Refusal:
        """Keep a photo; on return its bytes are durable. `known_as`: its type, if judged before.

        Refused: `not_a_photo`, `digest_invalid`, `digest_mismatch`, `body_too_large`. Raises StoreError when
        there is no room for it just now.
        """
        with _aside() as aside:
            async for chunk in chunks:
                await asyncio.to_thread(aside.write, chunk)
            size, media_type = aside.tell(), known_as or await self._judge(aside)
            if isinstance(media_type, Refusal):
                return media_type
            aside.seek(0)
            kept = await self.kept.put(_pieces(aside), sha256, self.bytes_max)
            return kept if isinstance(kept, Refusal) else Photo(media_type, size)

    async def thumbnail(self, sha256: str) -> bytes:
        """A kept photo, small, as WebP. Raises EvidenceLostError when its bytes are gone, or StoreError."""
        with _aside() as aside:
            try:
                async for piece in self.kept.open(sha256):
                    await asyncio.to_thread(aside.write, piece)
            except FileNotFoundError as error:
                raise EvidenceLostError(sha256) from error
            async with self._judging:
                return await asyncio.to_thread(thumbnail, aside)

    async def sweep(self, runtime: Runtime) -> None:
        """Delete what broken uploads left, at the start and every hour."""
        while not runtime.stopping.is_set():
            await self.kept.sweep()
            await runtime.pause(_SWEEP_SECONDS)

    async def _judge(self, opened: IO[bytes]) -> str | Refusal:
        async with self._judging:
            return await asyncio.to_thread(judge, opened)


def judge(opened: IO[bytes]) -> str | Refusal:
    """The media type of a photo that can be shown; `not_a_photo` for all else. Blocking.

    JPEG, PNG and WebP, decoded to the end, of at most PIXELS_MAX pixels (looked at before decoding).
    """
    try:
        opened.seek(0)
        with Image.open(opened, formats=_FORMATS) as image:
            if image.width * image.height > PIXELS_MAX:
                return Refusal("not_a_photo", f"A photo has at most {PIXELS_MAX} pixels.")
            image.draft(
                "RGB", (image.width // 8, image.height // 8)
            )  # a JPEG: every byte read, little memory
            image.load()
            return _MEDIA_TYPES[str(image.format)]
    except _BROKEN:
        return _not_a_photo()
    except OSError as error:
        if error.errno is not None:  # the disk's, not Pillow's
            raise
        return _not_a_photo()


def thumbnail(opened: IO[bytes]) -> bytes:
    """A judged photo as WebP, at most THUMBNAIL_PIXELS a side, upright, without its EXIF. Blocking."""
    opened.seek(0)
    with Image.open(opened, formats=_FORMATS) as image:
        image.thumbnail((THUMBNAIL_PIXELS, THUMBNAIL_PIXELS))
        upright = ImageOps.exif_transpose(image)
        small = io.BytesIO()
        upright.convert("RGB").save(small, "WEBP", quality=75, exif=b"", xmp=b"")
        return small.getvalue()


@contextmanager
def _aside() -> Generator[IO[bytes]]:
    """A file without a name: whatever ends early leaves nothing behind. A full disk is a StoreError."""
    try:
        with tempfile.TemporaryFile() as aside:
            yield aside
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise StoreError("no room for a photo") from error


def _not_a_photo() -> Refusal:
    return Refusal("not_a_photo", "The bytes are not a whole JPEG, PNG or WebP photo.")


async def _pieces(opened: IO[bytes]) -> AsyncIterator[bytes]:
    while piece := await asyncio.to_thread(opened.read, CHUNK_BYTES):
        yield piece
