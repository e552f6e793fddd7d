"""The back end for one machine: a folder."""

import asyncio
import hashlib
import os
import stat
import time
from collections.abc import AsyncIterable, AsyncIterator, Callable
from pathlib import Path
from typing import BinaryIO, TypeVar
from uuid import uuid4

from truth_contracts.refusals import Refusal

from truth_kit.blobs.promise import CHUNK_BYTES, is_digest, key, not_a_digest, other_bytes, too_large

_INCOMING = ".incoming"
_T = TypeVar("_T")


class Folder:
    """Blobs under `root`, as `ab/abcdef…`. It makes `root` when first written to.

    Processes on several machines share it only on a file system that keeps links and fsync for all of them.
    """

    def __init__(self, root: Path) -> None:
        self._root = root

    async def put(self, chunks: AsyncIterable[bytes], sha256: str, bytes_max: int) -> bool | Refusal:
        """As Blobs. Whatever ends it early leaves at most a temporary file, for `sweep`."""
        if not is_digest(sha256):
            return not_a_digest()
        writing = await _to_its_end(lambda: _Writing(self._root))
        try:
            async for chunk in _gathered(chunks):
                if writing.bytes + len(chunk) > bytes_max:
                    return too_large(bytes_max)
                await _to_its_end(lambda piece=chunk: writing.write(piece))
            if writing.hexdigest() != sha256:
                return other_bytes()
            return await _to_its_end(lambda: writing.keep(sha256))
        finally:
            await _to_its_end(writing.discard)

    def path(self, sha256: str) -> Path:
        """Where the bytes of `sha256` are, or would be. Raises ValueError for what is no digest."""
        return self._root / key(sha256)

    async def size(self, sha256: str) -> int | None:
        """As Blobs."""
        path = self.path(sha256)
        try:
            found = await _to_its_end(path.lstat)
        except FileNotFoundError:
            return None
        return found.st_size if stat.S_ISREG(found.st_mode) else None

    async def open(self, sha256: str) -> AsyncIterator[bytes]:
        """As Blobs."""
        path = self.path(sha256)
        opened = await _to_its_end(lambda: _open(path))
        try:
            while piece := await _to_its_end(lambda: opened.read(CHUNK_BYTES)):
                yield piece
        finally:
            opened.close()

    async def sweep(self, older_than_seconds: float = 3600) -> int:
        """Delete temporary files nobody wrote to for so long, and say how many."""
        return await _to_its_end(lambda: self._sweep(older_than_seconds))

    def _sweep(self, older_than_seconds: float) -> int:
        swept = 0
        for path in (self._root / _INCOMING).glob("*"):
            try:
                is_old = time.time() - path.lstat().st_mtime > older_than_seconds
            except FileNotFoundError:  # its upload has ended, or another replica sweeps, too
                continue
            if is_old:
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
