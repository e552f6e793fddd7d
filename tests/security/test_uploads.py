"""Photos that are none, too large, cut or not what they are called, sent to a whole system with its own limits."""

import hashlib
import socket
from collections.abc import Iterator
from urllib.parse import urlsplit
from uuid import uuid4

import httpx
import pytest
from truth_local.demo.acting import lasting_client
from truth_local.demo.photo import take_photo
from truth_local.system import System

from services.execution.tests.test_evidence import png

PAGE = b"<html><script>alert(1)</script></html>"
BOMB = png(60_000, 60_000)
MEBIBYTE = 1024 * 1024


def digest(octets: bytes) -> str:
    return hashlib.sha256(octets).hexdigest()


def bearer(system: System) -> dict[str, str]:
    return {"authorization": f"Bearer {system.token('olga')}"}


def address(system: System, sha256: str) -> str:
    return f"{system.urls['execution']}/api/evidence/{sha256}"


def put(system: System, sha256: str, octets: bytes | Iterator[bytes]) -> httpx.Response:
    headers = bearer(system) | {"content-type": "image/jpeg"}
    return lasting_client().put(address(system, sha256), content=octets, headers=headers)


def is_kept(system: System, sha256: str) -> bool:
    return lasting_client().get(address(system, sha256), headers=bearer(system)).is_success


@pytest.mark.parametrize(
    ("octets", "named", "status", "code"),
    [
        pytest.param(PAGE, digest(PAGE), 415, "not_a_photo", id="a page that is called a JPEG"),
        pytest.param(BOMB, digest(BOMB), 415, "not_a_photo", id="a decompression bomb"),
        pytest.param(take_photo("wrong"), "b" * 64, 422, "digest_mismatch", id="another digest"),
    ],
)
def test_what_is_no_evidence_is_refused_and_not_kept(
    system: System, octets: bytes, named: str, status: int, code: str
) -> None:
    answer = put(system, named, octets)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert not is_kept(system, named)


@pytest.mark.parametrize("is_told", [True, False], ids=["told beforehand", "not told"])
def test_26_megabytes_are_refused_and_not_kept(system: System, is_told: bool) -> None:
    octets = b"\xff\xd8" + bytes(26 * MEBIBYTE)
    pieces = (octets[start : start + MEBIBYTE] for start in range(0, len(octets), MEBIBYTE))
    answer = put(system, digest(octets), octets if is_told else pieces)
    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")
    assert not is_kept(system, digest(octets))


def test_an_upload_that_is_cut_leaves_nothing_and_may_be_sent_again(system: System) -> None:
    photo = take_photo(f"cut {uuid4()}")
    where = urlsplit(address(system, digest(photo)))
    head = {"Host": where.netloc, "Content-Length": str(len(photo)), **bearer(system)}
    told = "".join(f"{name}: {value}\r\n" for name, value in head.items())
    with socket.create_connection((where.hostname, where.port), timeout=30) as line:
        line.sendall(f"PUT {where.path} HTTP/1.1\r\n{told}\r\n".encode() + photo[: len(photo) // 2])
    assert not is_kept(system, digest(photo))
    assert put(system, digest(photo), photo).status_code == 201
    assert is_kept(system, digest(photo))
