"""What both back ends promise: `--evidence s3` runs the same against a real S3 server."""

import asyncio
import hashlib
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from pydantic import ValidationError
from truth_contracts.refusals import Refusal
from truth_kit.blobs import CHUNK_BYTES, Blobs, Folder, blobs_at
from truth_kit.connections import BlobStore
from truth_local.testing import Stores

PHOTO = os.urandom(3 * CHUNK_BYTES + 17)
DIGEST = hashlib.sha256(PHOTO).hexdigest()
ABSENT = "0" * 64


async def pieces(octets: bytes, size: int = 65_536) -> AsyncIterator[bytes]:
    for start in range(0, len(octets), size):
        yield octets[start : start + size]


async def read(blobs: Blobs, sha256: str) -> bytes:
    return b"".join([piece async for piece in blobs.open(sha256)])


async def test_bytes_come_back_as_they_were(stores: Stores) -> None:
    blobs = blobs_at(stores.at("made-when-needed"))
    assert await blobs.put(pieces(PHOTO), DIGEST, len(PHOTO)) is True
    assert await read(blobs, DIGEST) == PHOTO
    assert await blobs.size(DIGEST) == len(PHOTO)
    assert stores.names("made-when-needed") == [DIGEST]


async def test_the_same_bytes_again_are_known(stores: Stores) -> None:
    first, second = blobs_at(stores.at("one")), blobs_at(stores.at("one"))
    assert await first.put(pieces(PHOTO), DIGEST, len(PHOTO)) is True
    assert await second.put(pieces(PHOTO), DIGEST, len(PHOTO)) is False
    assert await read(second, DIGEST) == PHOTO


async def test_of_ten_at_once_one_is_new(stores: Stores) -> None:
    blobs = [blobs_at(stores.at("one")) for _ in range(2)]
    putting = [blobs[n % 2].put(pieces(PHOTO), DIGEST, len(PHOTO)) for n in range(10)]
    assert sorted(await asyncio.gather(*putting), key=str) == [False] * 9 + [True]
    assert stores.names("one") == [DIGEST]


async def test_no_bytes_are_bytes_too(stores: Stores) -> None:
    digest, blobs = hashlib.sha256(b"").hexdigest(), blobs_at(stores.at("one"))
    assert await blobs.put(pieces(b""), digest, 0) is True
    assert await blobs.size(digest) == 0
    assert await read(blobs, digest) == b""


@pytest.mark.parametrize(
    ("sha256", "bytes_max", "code"),
    [
        pytest.param(DIGEST, len(PHOTO) - 1, "body_too_large", id="one byte too many"),
        pytest.param(ABSENT, len(PHOTO), "digest_mismatch", id="other bytes"),
        pytest.param(DIGEST.upper(), len(PHOTO), "digest_invalid", id="capitals"),
        pytest.param("../../etc/passwd", len(PHOTO), "digest_invalid", id="a path"),
        pytest.param(f"{DIGEST}\n", len(PHOTO), "digest_invalid", id="a line feed"),
        pytest.param("", len(PHOTO), "digest_invalid", id="nothing"),
    ],
)
async def test_what_is_refused_leaves_nothing(stores: Stores, sha256: str, bytes_max: int, code: str) -> None:
    refusal = await blobs_at(stores.at("one")).put(pieces(PHOTO), sha256, bytes_max)
    assert isinstance(refusal, Refusal)
    assert refusal.code == code
    assert stores.names("one") == []


async def test_a_broken_upload_leaves_nothing(stores: Stores) -> None:
    async def cut() -> AsyncIterator[bytes]:
        yield PHOTO[: 2 * CHUNK_BYTES]
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        await blobs_at(stores.at("one")).put(cut(), DIGEST, len(PHOTO))
    assert stores.names("one") == []


async def test_a_cancelled_upload_leaves_nothing(stores: Stores) -> None:
    waiting, for_ever = asyncio.Event(), asyncio.Event()

    async def stuck() -> AsyncIterator[bytes]:
        yield PHOTO[: 2 * CHUNK_BYTES]
        waiting.set()
        await for_ever.wait()

    putting = asyncio.create_task(blobs_at(stores.at("one")).put(stuck(), DIGEST, len(PHOTO)))
    await asyncio.wait_for(waiting.wait(), 30)
    putting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await putting
    assert stores.names("one") == []


async def test_one_store_copies_from_another_and_hashes_again(stores: Stores, tmp_path: Path) -> None:
    source, own = blobs_at(stores.at("source")), blobs_at(stores.at("own"))
    await source.put(pieces(PHOTO), DIGEST, len(PHOTO))
    assert await own.put(source.open(DIGEST), DIGEST, len(PHOTO)) is True
    forged = Folder(tmp_path / "forged")
    forged.path(DIGEST).parent.mkdir(parents=True)
    forged.path(DIGEST).write_bytes(PHOTO[:-1] + bytes([PHOTO[-1] ^ 1]))
    refusal = await blobs_at(stores.at("third")).put(forged.open(DIGEST), DIGEST, len(PHOTO))
    assert isinstance(refusal, Refusal)
    assert refusal.code == "digest_mismatch"
    assert stores.names("third") == []


async def test_what_is_not_there_is_missing_and_nothing_is_made(stores: Stores) -> None:
    blobs = blobs_at(stores.at("absent"))
    assert await blobs.size(ABSENT) is None
    with pytest.raises(FileNotFoundError):
        await read(blobs, ABSENT)
    assert await blobs.sweep() == 0
    assert stores.names("absent") == []


@pytest.mark.parametrize("sha256", ["..", "../x", DIGEST[:63], f"{DIGEST}/", DIGEST.upper()])
async def test_only_digests_name_bytes(stores: Stores, sha256: str) -> None:
    blobs = blobs_at(stores.at("one"))
    with pytest.raises(ValueError, match="digest"):
        await blobs.size(sha256)
    with pytest.raises(ValueError, match="digest"):
        await read(blobs, sha256)


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        pytest.param({}, "either FOLDER or S3_BUCKET", id="no place"),
        pytest.param({"folder": "/x", "s3_bucket": "x"}, "either FOLDER or S3_BUCKET", id="two places"),
        pytest.param({"s3_bucket": "x", "s3_access_key_file": "/x"}, "give both", id="half a login"),
    ],
)
def test_settings_name_one_place(settings: dict[str, str], told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        BlobStore.model_validate(settings)
