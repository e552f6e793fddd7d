"""What is a photo, and that nothing else is kept."""

import asyncio
import hashlib
import io
import struct
import zlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from PIL import Image
from truth_contracts.refusals import Refusal
from truth_execution.evidence import (
    PIXELS_MAX,
    THUMBNAIL_PIXELS,
    EvidenceLostError,
    Photo,
    Store,
    judge,
    thumbnail,
)
from truth_kit.blobs import StoreError, blobs_at
from truth_local.testing import Stores

from services.execution.tests.making import Full, photo


def judged(octets: bytes) -> str | Refusal:
    return judge(io.BytesIO(octets))


def digest(octets: bytes) -> str:
    return hashlib.sha256(octets).hexdigest()


async def pieces(octets: bytes, size: int = 1000) -> AsyncIterator[bytes]:
    for start in range(0, len(octets), size):
        yield octets[start : start + size]


def png(width: int, height: int) -> bytes:
    """A PNG that claims a size and holds next to nothing."""

    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b""))
        + chunk(b"IEND", b"")
    )


def two_pictures() -> bytes:
    written = io.BytesIO()
    first, second = Image.new("RGB", (32, 24), "red"), Image.new("RGB", (16, 12), "blue")
    first.save(written, "MPO", save_all=True, append_images=[second])
    return written.getvalue()


@pytest.mark.parametrize(
    ("octets", "media_type"),
    [
        (photo(), "image/jpeg"),
        (photo(kind="PNG"), "image/png"),
        (photo(kind="WEBP"), "image/webp"),
        (two_pictures(), "image/jpeg"),
        (photo(size=(4000, 3000)), "image/jpeg"),
    ],
    ids=["JPEG", "PNG", "WebP", "MPO of a phone", "12 megapixels"],
)
def test_a_photo_is_known_by_its_bytes(octets: bytes, media_type: str) -> None:
    assert judged(octets) == media_type


@pytest.mark.parametrize(
    "octets",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"<html><script>alert(1)</script></html>", id="a page"),
        pytest.param(b"%PDF-1.7", id="a PDF"),
        pytest.param(photo(kind="GIF"), id="a GIF"),
        pytest.param(photo(kind="TIFF"), id="a TIFF"),
        pytest.param(photo(size=(640, 480))[:-200], id="half a JPEG"),
        pytest.param(photo(kind="PNG")[:60], id="half a PNG"),
        pytest.param(photo(kind="WEBP")[:40], id="half a WebP"),
        pytest.param(b"\xff\xd8\xff\xe0" + b"x" * 100, id="a JPEG's beginning"),
        pytest.param(png(8000, 6251), id="just over the limit"),
        pytest.param(png(10_000, 10_000), id="a warning of Pillow's"),
        pytest.param(png(60_000, 60_000), id="a decompression bomb"),
        pytest.param(png(0, 0), id="no size"),
    ],
)
def test_everything_else_is_not(octets: bytes) -> None:
    verdict = judged(octets)
    assert isinstance(verdict, Refusal)
    assert verdict.code == "not_a_photo"


def test_the_limit_is_the_limit() -> None:
    written = io.BytesIO()
    Image.new("L", (10_000, PIXELS_MAX // 10_000)).save(written, "PNG")
    assert judged(written.getvalue()) == "image/png"


@pytest.mark.parametrize("seed", range(40))
def test_damaged_photos_never_break_the_judge(seed: int) -> None:
    for kind in ("JPEG", "PNG", "WEBP"):
        octets = bytearray(photo(kind=kind, size=(64, 48)))
        for n in range(5):
            place = int.from_bytes(hashlib.sha256(f"{seed} {kind} {n}".encode()).digest()[:4]) % len(octets)
            octets[place] ^= 1 << (n + seed) % 8
        verdict = judged(bytes(octets))
        assert verdict in ("image/jpeg", "image/png", "image/webp") or isinstance(verdict, Refusal)


def telling(size: tuple[int, int]) -> bytes:
    """A JPEG taken with the phone turned, whose EXIF tells where and with what."""
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = 6, "A maker of phones"
    exif.get_ifd(0x8825)[1] = "N"
    written = io.BytesIO()
    Image.new("RGB", size, "red").save(written, "JPEG", exif=exif)
    return written.getvalue()


def test_a_thumbnail_is_small_upright_and_tells_nothing_else() -> None:
    octets = thumbnail(io.BytesIO(telling((4000, 3000))))
    with Image.open(io.BytesIO(octets)) as image:
        assert (image.format, image.size) == ("WEBP", (THUMBNAIL_PIXELS * 3 // 4, THUMBNAIL_PIXELS))
        assert not image.getexif()
    assert b"maker" not in octets


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "I;16"])
def test_every_kind_of_photo_has_a_thumbnail(mode: str, kind: str) -> None:
    written = io.BytesIO()
    picture = Image.new(mode, (600, 400))
    if kind == "WEBP" or mode == "CMYK":
        picture = picture.convert("RGB")
    picture.save(written, kind)
    with Image.open(io.BytesIO(thumbnail(written))) as image:
        assert image.size == (480, 320)


async def test_a_thumbnail_of_bytes_that_were_lost_is_an_error(stores: Stores) -> None:
    store = Store(blobs_at(stores.at("kept")), 10_000)
    with pytest.raises(EvidenceLostError):
        await store.thumbnail("a" * 64)


async def test_a_photo_is_kept_by_its_digest(stores: Stores) -> None:
    store, octets = Store(blobs_at(stores.at("kept")), 10_000), photo()
    sha256 = digest(octets)
    expected = Photo("image/jpeg", len(octets))
    assert await store.receive(pieces(octets), sha256, known_as=None) == expected
    assert await store.receive(pieces(octets), sha256, known_as=None) == expected
    assert await store.receive(pieces(octets), sha256, known_as="image/jpeg") == expected
    assert stores.names("kept") == [sha256]
    assert b"".join([piece async for piece in store.kept.open(sha256)]) == octets


async def test_what_is_refused_is_never_kept(stores: Stores) -> None:
    store, octets, page = Store(blobs_at(stores.at("kept")), 10_000), photo(), b"<html></html>"
    large = photo(size=(3000, 3000))
    for sent, named, code in (
        (page, digest(page), "not_a_photo"),
        (octets, digest(b"other"), "digest_mismatch"),
        (octets, "A" * 64, "digest_invalid"),
        (large, digest(large), "body_too_large"),
    ):
        refusal = await store.receive(pieces(sent), named, known_as=None)
        assert isinstance(refusal, Refusal)
        assert refusal.code == code
    assert stores.names("kept") == []


async def test_a_broken_upload_leaves_nothing(stores: Stores) -> None:
    store, octets = Store(blobs_at(stores.at("kept")), 10_000), photo()

    async def broken() -> AsyncIterator[bytes]:
        yield octets[:100]
        raise ConnectionError

    with pytest.raises(ConnectionError):
        await store.receive(broken(), digest(octets), known_as=None)
    assert stores.names("kept") == []


async def test_many_at_once(stores: Stores) -> None:
    store, octets = Store(blobs_at(stores.at("kept")), 10_000), photo()
    receiving = [store.receive(pieces(octets), digest(octets), known_as=None) for _ in range(8)]
    assert len({await one for one in asyncio.as_completed(receiving)}) == 1
    assert stores.names("kept") == [digest(octets)]


async def test_a_full_disk_is_a_store_that_cannot_keep_it_just_now(tmp_path: Path) -> None:
    octets = photo()
    with pytest.raises(StoreError):
        await Store(Full(tmp_path), 10_000).receive(pieces(octets), digest(octets), known_as=None)
