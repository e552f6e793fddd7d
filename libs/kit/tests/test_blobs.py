import asyncio
import hashlib
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from truth_contracts.refusals import Refusal
from truth_kit.blobs import CHUNK_BYTES, Folder

PHOTO = os.urandom(3 * CHUNK_BYTES + 17)
DIGEST = hashlib.sha256(PHOTO).hexdigest()


async def pieces(octets: bytes, size: int = 65_536) -> AsyncIterator[bytes]:
    for start in range(0, len(octets), size):
        yield octets[start : start + size]


async def read(folder: Folder, sha256: str) -> bytes:
    return b"".join([piece async for piece in folder.open(sha256)])


def files(root: Path) -> list[Path]:
    return [path for path in root.rglob("*") if path.is_file()]


def incoming(root: Path) -> list[Path]:
    return list((root / ".incoming").glob("*"))


async def test_bytes_come_back_as_they_were(tmp_path: Path) -> None:
    folder = Folder(tmp_path / "made-when-needed")
    assert await folder.put(pieces(PHOTO), DIGEST, len(PHOTO)) is True
    assert await read(folder, DIGEST) == PHOTO
    assert folder.has(DIGEST)
    assert folder.size(DIGEST) == len(PHOTO)
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


async def test_ten_at_once_make_one_file(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    made = await asyncio.gather(*(folder.put(pieces(PHOTO), DIGEST, len(PHOTO)) for _ in range(10)))
    assert sorted(made, key=str) == [False] * 9 + [True]
    assert folder.path(DIGEST).stat().st_nlink == 1
    assert incoming(tmp_path) == []


async def test_an_empty_file_is_a_file(tmp_path: Path) -> None:
    digest = hashlib.sha256(b"").hexdigest()
    assert await Folder(tmp_path).put(pieces(b""), digest, 0) is True
    assert Folder(tmp_path).size(digest) == 0


@pytest.mark.parametrize(
    ("sha256", "bytes_max", "code"),
    [
        pytest.param(DIGEST, len(PHOTO) - 1, "body_too_large", id="one byte too many"),
        pytest.param("0" * 64, len(PHOTO), "digest_mismatch", id="other bytes"),
        pytest.param(DIGEST.upper(), len(PHOTO), "digest_invalid", id="capitals"),
        pytest.param("../../etc/passwd", len(PHOTO), "digest_invalid", id="a path"),
        pytest.param(f"{DIGEST}\n", len(PHOTO), "digest_invalid", id="a line feed"),
        pytest.param("", len(PHOTO), "digest_invalid", id="nothing"),
    ],
)
async def test_what_is_refused_leaves_nothing(tmp_path: Path, sha256: str, bytes_max: int, code: str) -> None:
    refusal = await Folder(tmp_path).put(pieces(PHOTO), sha256, bytes_max)
    assert isinstance(refusal, Refusal)
    assert refusal.code == code
    assert files(tmp_path) == []


async def test_a_broken_upload_leaves_nothing(tmp_path: Path) -> None:
    async def cut() -> AsyncIterator[bytes]:
        yield PHOTO[: 2 * CHUNK_BYTES]
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        await Folder(tmp_path).put(cut(), DIGEST, len(PHOTO))
    assert files(tmp_path) == []


async def test_a_cancelled_upload_leaves_nothing(tmp_path: Path) -> None:
    waiting, for_ever = asyncio.Event(), asyncio.Event()

    async def stuck() -> AsyncIterator[bytes]:
        yield PHOTO[: 2 * CHUNK_BYTES]
        waiting.set()
        await for_ever.wait()

    putting = asyncio.create_task(Folder(tmp_path).put(stuck(), DIGEST, len(PHOTO)))
    await asyncio.wait_for(waiting.wait(), 30)
    putting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await putting
    assert files(tmp_path) == []


async def test_one_folder_copies_from_another_and_hashes_again(tmp_path: Path) -> None:
    source, own = Folder(tmp_path / "source"), Folder(tmp_path / "own")
    await source.put(pieces(PHOTO), DIGEST, len(PHOTO))
    assert await own.put(source.open(DIGEST), DIGEST, len(PHOTO)) is True
    kept = source.path(DIGEST)
    kept.chmod(0o644)
    kept.write_bytes(PHOTO[:-1] + bytes([PHOTO[-1] ^ 1]))
    refusal = await Folder(tmp_path / "third").put(source.open(DIGEST), DIGEST, len(PHOTO))
    assert isinstance(refusal, Refusal)
    assert refusal.code == "digest_mismatch"


async def test_reading_neither_needs_nor_makes_a_folder(tmp_path: Path) -> None:
    folder = Folder(tmp_path / "absent")
    assert not folder.has(DIGEST)
    with pytest.raises(FileNotFoundError):
        await read(folder, DIGEST)
    assert folder.sweep() == 0
    assert not (tmp_path / "absent").exists()


@pytest.mark.parametrize("sha256", ["..", "../x", DIGEST[:63], f"{DIGEST}/", DIGEST.upper()])
def test_a_path_is_made_of_digests_only(tmp_path: Path, sha256: str) -> None:
    with pytest.raises(ValueError, match="digest"):
        Folder(tmp_path).path(sha256)


async def test_links_are_not_followed(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "secret").write_bytes(b"secret")
    folder = Folder(tmp_path / "folder")
    folder.path(DIGEST).parent.mkdir(parents=True)
    folder.path(DIGEST).symlink_to(elsewhere / "secret")
    assert not folder.has(DIGEST)
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
    assert folder.sweep() == 1
    assert incoming(tmp_path) == [fresh]
    assert folder.has(DIGEST)
