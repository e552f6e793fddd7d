"""The committed samples, verified without a line of ours: with hashlib, an Ed25519 library, and the RFCs."""

import base64
import json
from hashlib import sha256
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

SAMPLES = Path(__file__).parents[1] / "samples"
BUNDLE: dict[str, Any] = json.loads((SAMPLES / "record.bundle.json").read_text())
RECORD: dict[str, Any] = json.loads(BUNDLE["record"])
KEYS: list[dict[str, Any]] = json.loads((SAMPLES / "keys.json").read_text())["keys"]
OWNERS = ("intake", "intake", "governance", "governance", "governance", "execution", "execution")


def verify(vkey: str, signature: str, message: bytes) -> None:
    """Raises InvalidSignature. The last 64 bytes: before them a note's signature has a key id."""
    public = base64.b64decode(vkey.split("+", 2)[2])[1:]
    Ed25519PublicKey.from_public_bytes(public).verify(base64.b64decode(signature)[-64:], message)


def root(leaves: list[bytes]) -> bytes:
    """RFC 6962 section 2.1."""
    if len(leaves) == 1:
        return leaves[0]
    half = 1 << ((len(leaves) - 1).bit_length() - 1)
    return sha256(b"\x01" + root(leaves[:half]) + root(leaves[half:])).digest()


def entries_of(octets: bytes) -> list[bytes]:
    """C2SP tlog-tiles: each entry behind its length in two bytes."""
    if not octets:
        return []
    end = 2 + int.from_bytes(octets[:2], "big")
    return [octets[2:end], *entries_of(octets[end:])]


def test_the_signed_root_is_that_of_the_tile_and_the_records_entry_is_in_it() -> None:
    text, _, signature = (SAMPLES / "log/checkpoint").read_text().rpartition("\n\n")
    verify((SAMPLES / "policy").read_text().split()[1], signature.split()[2], f"{text}\n".encode())
    _origin, size, stated = text.split("\n")
    tile = (SAMPLES / f"log/tile/0/000.p/{size}").read_bytes()
    leaves = [tile[at : at + 32] for at in range(0, len(tile), 32)]
    assert base64.b64encode(root(leaves)).decode() == stated
    entries = entries_of((SAMPLES / f"log/tile/entries/000.p/{size}").read_bytes())
    assert [sha256(b"\x00" + entry).digest() for entry in entries] == leaves
    header, index, *_ = (SAMPLES / "record.tlog-proof").read_text().splitlines()
    assert header == "c2sp.org/tlog-proof@v1"
    entry = json.loads(entries[int(index.removeprefix("index "))])
    assert entry["sha256"] == sha256(BUNDLE["record"].encode()).hexdigest()
    assert entry["subject"] == RECORD["chain"][-1]["sha256"]


def test_every_step_is_signed_by_its_owner_and_bound_to_the_one_before() -> None:
    vkeys, prev = {key["vkey"].split("+")[0]: key["vkey"] for key in KEYS if key["kind"] == "step"}, None
    for link, body, owner in zip(RECORD["chain"], BUNDLE["steps"], OWNERS, strict=True):
        own = {name: value for name, value in link.items() if name != "sig"}
        signed = {**own, "request_id": RECORD["request_id"], "prev": prev}
        canonical = json.dumps(signed, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        verify(vkeys[owner], link["sig"], b"runtime-truth/step/v1\n" + canonical.encode())
        assert json.loads(body)["prev"] == prev
        prev = sha256(body.encode()).hexdigest()
        assert link["sha256"] == prev


def test_the_photos_are_those_that_the_record_commits_to() -> None:
    assert BUNDLE["disclosures"].keys() == RECORD["commitments"].keys()
    for path, text in BUNDLE["disclosures"].items():
        assert sha256(text.encode()).hexdigest() == RECORD["commitments"][path]
    for path in BUNDLE["evidence"]:
        photo = (SAMPLES / f"{path}.jpg").read_bytes()
        assert sha256(photo).hexdigest() == json.loads(BUNDLE["disclosures"][path])[2]


def test_the_signal_is_signed_and_about_the_record() -> None:
    envelope = json.loads((SAMPLES / "signal.dsse.json").read_text())
    payload, kind = base64.b64decode(envelope["payload"]), envelope["payloadType"]
    (vkey,) = [key["vkey"] for key in KEYS if key["kind"] == "signal"]
    encoded = f"DSSEv1 {len(kind)} {kind} {len(payload)} ".encode() + payload
    verify(vkey, envelope["signatures"][0]["sig"], encoded)
    (subject,) = json.loads(payload)["subject"]
    assert subject["digest"]["sha256"] == sha256(BUNDLE["record"].encode()).hexdigest()
