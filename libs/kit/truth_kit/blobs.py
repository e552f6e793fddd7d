"""Bytes kept by their SHA-256 in a folder: written once, never changed."""

import asyncio
import hashlib
import os
import re
import stat
import time
from collections.abc import AsyncIterable, AsyncIterator, Callable
from pathlib import Path
from typing import BinaryIO, TypeVar
from uuid import uuid4

from truth_contracts.refusals import Refusal

CHUNK_BYTES = 1 << 20

_INCOMING = ".incoming"
_DIGEST = re.compile(r"[0-9a-f]{64}")
_T = TypeVar("_T")


class Folder:
    """Content-addressed bytes under `root`, as `ab/abcdef…`. Reading needs no right to write.

    Several processes may share it. It makes `root` when first written to.
    """

    def __init__(self, root: Path) -> None:
        self._root = root

    async def put(self, chunks: AsyncIterable[bytes], sha256: str, bytes_max: int) -> bool | Refusal:
        """Keep the bytes of `chunks` if they are those of `sha256`. True: new here; False: known already.

        On return they are on disk, name and all. Refuses with `digest_invalid`, `body_too_large` or
        `digest_mismatch`. Whatever ends it early leaves at most a temporary file, for `sweep`.
        """
        if _DIGEST.fullmatch(sha256) is None:
            return _not_a_digest()
        writing = await _to_its_end(lambda: _Writing(self._root))
        try:
            async for chunk in _gathered(chunks):
                if writing.bytes + len(chunk) > bytes_max:
                    return Refusal("body_too_large", f"At most {bytes_max} bytes are taken.")
                await _to_its_end(lambda piece=chunk: writing.write(piece))
            if writing.hexdigest() != sha256:
                return Refusal("digest_mismatch", "The bytes have another SHA-256 than the one named.")
            return await _to_its_end(lambda: writing.keep(sha256))
        finally:
            await _to_its_end(writing.discard)

    def path(self, sha256: str) -> Path:
        """Where the bytes of `sha256` are, or would be. Raises ValueError for what is no digest."""
        if _DIGEST.fullmatch(sha256) is None:
            raise ValueError("not a SHA-256 digest in lowercase hexadecimal")
        return self._root / sha256[:2] / sha256

    def size(self, sha256: str) -> int | None:
        """How many bytes are kept under `sha256`; None if there are none."""
        try:
            found = self.path(sha256).lstat()
        except FileNotFoundError:
            return None
        return found.st_size if stat.S_ISREG(found.st_mode) else None

    def has(self, sha256: str) -> bool:
        """Whether bytes are kept under `sha256`."""
        return self.size(sha256) is not None

    async def open(self, sha256: str) -> AsyncIterator[bytes]:
        """The bytes of `sha256` in pieces, not hashed again: `put` of another Folder does that.

        Raises FileNotFoundError if there are none.
        """
        path = self.path(sha256)
        opened = await _to_its_end(lambda: _open(path))
        try:
            while piece := await _to_its_end(lambda: opened.read(CHUNK_BYTES)):
                yield piece
        finally:
            opened.close()

    def sweep(self, older_than_seconds: float = 3600) -> int:
        """Delete temporary files nobody wrote to for so long, and say how many. Blocking; for the start."""
        swept = 0
        for path in (self._root / _INCOMING).glob("*"):
            if time.time() - path.lstat().st_mtime > older_than_seconds:
                path.unlink(missing_ok=True)
                swept += 1
        return swept


class _Writing:
    """One temporary file on its way in. Blocking; every call from one thread at a time."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._path = root / _INCOMING / uuid4().hex
        self._path.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
        # Readable for whoever shares the folder, writable for nobody once it is closed.
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        self._file = open(os.open(self._path, flags, 0o444), "wb", buffering=0)  # noqa: SIM115 closed by discard
        self._sum = hashlib.sha256()
        self.bytes = 0

    def hexdigest(self) -> str:
        return self._sum.hexdigest()

    def write(self, piece: bytes) -> None:
        self._sum.update(piece)
        self.bytes += len(piece)
        left = memoryview(piece)
        while left:
            left = left[self._file.write(left) :]

    def keep(self, sha256: str) -> bool:
        """Give the file its name, for good. A link never replaces what is there."""
        os.fsync(self._file.fileno())
        place = self._root / sha256[:2]
        place.mkdir(mode=0o750, exist_ok=True)
        folder = os.open(place, os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            os.link(self._path, sha256, dst_dir_fd=folder, follow_symlinks=False)
            is_new = True
        except FileExistsError:
            is_new = False
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
        _sync_folder(self._root)
        return is_new

    def discard(self) -> None:
        self._file.close()
        self._path.unlink(missing_ok=True)


def _sync_folder(path: Path) -> None:
    folder = os.open(path, os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _open(path: Path) -> BinaryIO:
    opened = open(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC), "rb", buffering=0)  # noqa: SIM115 closed by the caller
    if not stat.S_ISREG(os.fstat(opened.fileno()).st_mode):
        opened.close()
        raise FileNotFoundError(path)
    return opened


def _not_a_digest() -> Refusal:
    return Refusal("digest_invalid", "A SHA-256 digest is 64 lowercase hexadecimal digits.")


async def _gathered(chunks: AsyncIterable[bytes]) -> AsyncIterator[bytes]:
    """The same bytes in pieces of about CHUNK_BYTES: each costs a change of thread."""
    held = bytearray()
    async for chunk in chunks:
        held += chunk
        if len(held) >= CHUNK_BYTES:
            yield bytes(held)
            held.clear()
    if held:
        yield bytes(held)


async def _to_its_end(work: Callable[[], _T]) -> _T:
    """Run blocking `work` beside the event loop. When cancelled, wait for it.

    Else its file would be closed under it, and the number of that file might by then be another's.
    """
    working = asyncio.ensure_future(asyncio.to_thread(work))
    try:
        return await asyncio.shield(working)
    except asyncio.CancelledError:
        await asyncio.wait({working})
        raise
