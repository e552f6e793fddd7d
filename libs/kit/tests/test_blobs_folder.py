"""What only the folder promises."""

import asyncio
import hashlib
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from truth_kit.blobs import CHUNK_BYTES, Folder

PHOTO = os.urandom(3 * CHUNK_BYTES + 17)
DIGEST = hashlib.sha256(PHOTO).hexdigest()


async def pieces(octets: bytes, size: int = 65_536) -> AsyncIterator[bytes]:
    for start in range(0, len(octets), size):
        yield octets[start : start + size]


async def read(folder: Folder, sha256: str) -> bytes:
    return b"".join([piece async for piece in folder.open(sha256)])


def incoming(root: Path) -> list[Path]:
    return list((root / ".incoming").glob("*"))


async def test_a_file_is_read_only_and_named_by_its_digest(tmp_path: Path) -> None:
    folder = Folder(tmp_path / "made-when-needed")
    assert await folder.put(pieces(PHOTO), DIGEST, len(PHOTO)) is True
    assert await read(folder, DIGEST) == PHOTO
    assert folder.path(DIGEST) == tmp_path / "made-when-needed" / DIGEST[:2] / DIGEST
    assert folder.path(DIGEST).stat().st_mode & 0o222 == 0
    assert incoming(tmp_path / "made-when-needed") == []


async def test_the_same_bytes_again_change_nothing(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    await folder.put(pieces(PHOTO), DIGEST, len(PHOTO))
    before = folder.path(DIGEST).stat()
    assert await folder.put(pieces(PHOTO), DIGEST, len(PHOTO)) is False
    after = folder.path(DIGEST).stat()
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)


async def test_reading_neither_needs_nor_makes_a_folder(tmp_path: Path) -> None:
    folder = Folder(tmp_path / "absent")
    assert await folder.size(DIGEST) is None
    with pytest.raises(FileNotFoundError):
        await read(folder, DIGEST)
    assert await folder.sweep() == 0
    assert not (tmp_path / "absent").exists()


async def test_links_are_not_followed(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "secret").write_bytes(b"secret")
    folder = Folder(tmp_path / "folder")
    folder.path(DIGEST).parent.mkdir(parents=True)
    folder.path(DIGEST).symlink_to(elsewhere / "secret")
    assert await folder.size(DIGEST) is None
    with pytest.raises(OSError, match="symbolic links"):
        await read(folder, DIGEST)
    other = Folder(tmp_path / "other")
    other.path(DIGEST).parent.parent.mkdir()
    other.path(DIGEST).parent.symlink_to(elsewhere, target_is_directory=True)
    with pytest.raises(OSError, match="Not a directory"):
        await other.put(pieces(PHOTO), DIGEST, len(PHOTO))
    assert [path.name for path in elsewhere.iterdir()] == ["secret"]


async def test_stale_temporary_files_are_swept(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    await folder.put(pieces(PHOTO), DIGEST, len(PHOTO))
    fresh, stale = tmp_path / ".incoming" / "fresh", tmp_path / ".incoming" / "stale"
    for path in (fresh, stale):
        path.write_bytes(b"half a photo")
    os.utime(stale, (0, 0))
    assert await folder.sweep() == 1
    assert incoming(tmp_path) == [fresh]
    assert await folder.size(DIGEST) == len(PHOTO)


async def test_files_that_go_while_it_sweeps_do_not_stop_the_sweep(tmp_path: Path) -> None:
    (tmp_path / ".incoming").mkdir()
    for number in range(2_000):
        path = tmp_path / ".incoming" / str(number)
        path.touch()
        os.utime(path, (0, 0))
    await asyncio.gather(*(Folder(tmp_path).sweep() for _ in range(4)))  # as replicas of one folder
    assert incoming(tmp_path) == []
