"""Photos over HTTP: in, out, and what is refused."""

import hashlib
import io
from collections.abc import AsyncIterator
from pathlib import Path

from fastapi import FastAPI
from PIL import Image
from structlog.testing import capture_logs
from truth_execution.evidence import Store
from truth_local.testing import Stores

from services.execution.tests.calling import PHOTO_BYTES_MAX, As, done, refused, told, uploaded
from services.execution.tests.making import Full, photo


async def test_a_photo_is_uploaded_once_and_read_by_who_works_with_it(
    who: As, job_id: str, stores: Stores
) -> None:
    olga, octets = who("olga"), photo()
    sha256 = hashlib.sha256(octets).hexdigest()
    address = f"/api/evidence/{sha256}"
    headers = {"content-type": "text/html"}  # what the client calls it does not matter
    first = await olga.put(address, content=octets, headers=headers)
    second = await who("otto").put(address, content=octets)
    assert (first.status_code, second.status_code) == (201, 200)
    expected = {"sha256": sha256, "media_type": "image/jpeg", "bytes": len(octets)}
    assert first.json() == second.json() == expected
    assert stores.names("evidence") == [sha256]
    for name, status in {"olga": 200, "vera": 200, "otto": 404, "ada": 403, "rita": 403}.items():
        assert (await who(name).get(address)).status_code == status
    got = await olga.get(address)
    assert got.content == octets
    assert got.headers["content-type"] == "image/jpeg"
    assert got.headers["x-content-type-options"] == "nosniff"
    assert got.headers["content-length"] == str(len(octets))
    of_job = await uploaded(who("otto"), photo("green"))
    assert refused(await olga.get(f"/api/evidence/{of_job}")) == (404, "evidence_unknown")
    await done(olga, job_id, "claim")
    await done(olga, job_id, "start")
    await done(olga, job_id, "evidence", sha256=of_job, origin="imported")
    assert (await olga.get(f"/api/evidence/{of_job}")).status_code == 200


async def test_without_room_the_phone_is_told_to_come_back(who: As, app: FastAPI, tmp_path: Path) -> None:
    app.state.evidence, octets = Store(Full(tmp_path), PHOTO_BYTES_MAX), photo()
    answer = await who("olga").put(f"/api/evidence/{hashlib.sha256(octets).hexdigest()}", content=octets)
    assert refused(answer) == (503, "store_unavailable")
    assert int(answer.headers["retry-after"]) > 0


async def test_a_thumbnail_is_for_who_may_see_the_photo(who: As) -> None:
    address = f"/api/evidence/{await uploaded(who('olga'), photo(size=(960, 480)))}/thumb"
    for name, status in {"olga": 200, "vera": 200, "otto": 404, "ada": 403, "rita": 403}.items():
        assert (await who(name).get(address)).status_code == status
    got = await who("olga").get(address)
    assert (got.headers["content-type"], got.headers["x-content-type-options"]) == ("image/webp", "nosniff")
    assert "sandbox" in got.headers["content-security-policy"]
    with Image.open(io.BytesIO(got.content)) as image:
        assert (image.format, image.size) == ("WEBP", (480, 240))


async def test_what_is_refused_as_evidence(who: As, stores: Stores) -> None:
    olga, octets = who("olga"), photo()
    sha256 = hashlib.sha256(octets).hexdigest()

    async def put(name: str, named: str, content: bytes) -> tuple[int, str]:
        return refused(await who(name).put(f"/api/evidence/{named}", content=content))

    page, large = b"<html><script>alert(1)</script></html>", b"\xff\xd8" + b"x" * PHOTO_BYTES_MAX
    assert await put("olga", hashlib.sha256(page).hexdigest(), page) == (415, "not_a_photo")
    assert await put("olga", "b" * 64, octets) == (422, "digest_mismatch")
    assert await put("olga", hashlib.sha256(large).hexdigest(), large) == (413, "body_too_large")
    assert await put("olga", "B" * 64, octets) == (422, "body_malformed")
    assert await put("acme", sha256, octets) == (403, "people_only")
    assert await put("vera", sha256, octets) == (403, "role_missing")
    assert refused(await olga.get(f"/api/evidence/{sha256}")) == (404, "evidence_unknown")
    assert stores.names("evidence") == []

    async def endless() -> AsyncIterator[bytes]:
        for _ in range(100):
            yield b"x" * 10_000

    answer = await olga.put(f"/api/evidence/{sha256}", content=endless())
    assert refused(answer) == (413, "body_too_large")


async def test_bytes_that_are_not_here_are_not_attached(who: As, job_id: str) -> None:
    olga = who("olga")
    await done(olga, job_id, "claim")
    await done(olga, job_id, "start")
    answer = await told(olga, job_id, "evidence", sha256="c" * 64, origin="captured")
    assert refused(answer) == (404, "evidence_unknown")


async def test_bytes_that_were_lost_are_an_error_and_not_an_empty_photo(who: As, stores: Stores) -> None:
    sha256 = await uploaded(who("olga"), photo())
    stores.lose("evidence", sha256)
    with capture_logs() as logs:
        assert refused(await who("olga").get(f"/api/evidence/{sha256}")) == (500, "internal_error")
    assert [log["event"] for log in logs if log["log_level"] == "error"] == ["http.failed"]
