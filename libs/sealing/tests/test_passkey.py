"""The passkey proof of Create Job, made as an authenticator and a browser make it."""

import base64
import hashlib
import json
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from truth_sealing import samples
from truth_sealing.bundle import write_bundle
from truth_sealing.canonical import Json
from truth_sealing.passkey import challenge, create_job_signed
from truth_sealing.verify import verify

JOB: dict[str, Json] = {"job_id": "j-1", "operator_id": "olga", "prev": "0" * 64}
P256 = ec.generate_private_key(ec.SECP256R1())
P384 = ec.generate_private_key(ec.SECP384R1())
EDDSA = ed25519.Ed25519PrivateKey.generate()
RSA = rsa.generate_private_key(65537, 2048)
COMPRESSED = bytes.fromhex(
    "3039301306072a8648ce3d020106082a8648ce3d030107032200"
) + P256.public_key().public_bytes(Encoding.X962, PublicFormat.CompressedPoint)
SITE = "https://governance.example.org"


def base64url(octets: bytes) -> str:
    return base64.urlsafe_b64encode(octets).decode().rstrip("=")


def es256(message: bytes) -> bytes:
    return P256.sign(message, ec.ECDSA(SHA256()))


def authenticator_data(rp_id: str = "example.org", flags: int = 0x05) -> bytes:
    return hashlib.sha256(rp_id.encode()).digest() + bytes([flags]) + bytes(4)


def assertion(
    *,
    sign: Callable[[bytes], bytes] = es256,
    public: PublicKeyTypes | None = None,
    data: bytes | None = None,
    **client: Any,
) -> dict[str, Json]:
    """A proof over JOB; `client` changes members of clientDataJSON, None takes one away."""
    asked = {
        "type": "webauthn.get",
        "challenge": challenge(JOB),
        "origin": SITE,
        "crossOrigin": False,
        **client,
    }
    client_data = json.dumps({k: v for k, v in asked.items() if v is not None}).encode()
    data = authenticator_data() if data is None else data
    spki = (public or P256.public_key()).public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return {
        "public_key": base64url(spki),
        "authenticator_data": base64url(data),
        "client_data_json": base64url(client_data),
        "signature": base64url(sign(data + hashlib.sha256(client_data).digest())),
    }


def found(proof: Json, job: Json = JOB) -> tuple[str, str]:
    finding = create_job_signed({"job": job, "proof": proof})
    return finding.answer, finding.reason


@pytest.mark.parametrize(
    "proof",
    [
        pytest.param(assertion(), id="ES256"),
        pytest.param(assertion(sign=EDDSA.sign, public=EDDSA.public_key()), id="EdDSA"),
        pytest.param(assertion(crossOrigin=None), id="no crossOrigin"),
        pytest.param(assertion(data=authenticator_data("governance.example.org")), id="RP id is the host"),
        pytest.param(assertion(data=authenticator_data() + b"extensions"), id="extension data"),
        pytest.param(
            assertion(data=authenticator_data("localhost"), origin="http://localhost:8002"), id="local"
        ),
    ],
)
def test_a_passkey_over_this_job_is_yes_and_names_key_and_site(proof: dict[str, Json]) -> None:
    answer, reason = found(proof)
    assert answer == "yes"
    encoded = str(proof["public_key"])
    key = base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4))
    assert hashlib.sha256(key).hexdigest() in reason
    assert "https://" in reason or "localhost" in reason


@pytest.mark.parametrize(
    ("proof", "why"),
    [
        (assertion(type="webauthn.create"), "webauthn.get"),
        (assertion(challenge=base64url(bytes(32))), "another Job"),
        (assertion(challenge=None), "another Job"),
        (assertion(crossOrigin=True), "within another site"),
        (assertion(origin="https://example.com"), "another site"),
        (assertion(origin="http://governance.example.org"), "another site"),
        (assertion(origin="https://example.org.evil.net"), "another site"),
        (assertion(origin="https://[::1"), "another site"),
        (assertion(origin="https:///"), "another site"),
        (assertion(origin="https://example.org/"), "another site"),
        (assertion(origin="https://EXAMPLE.org"), "another site"),
        (assertion(origin="ftp://localhost", data=authenticator_data("localhost")), "another site"),
        (assertion(origin=None), "another site"),
        (assertion(origin=5), "another site"),
        (assertion(data=b""), "another site"),
        (assertion(data=authenticator_data()[:36]), "another site"),
        (assertion(data=authenticator_data(flags=0x04)), "verify its user"),
        (assertion(data=authenticator_data(flags=0x01)), "verify its user"),
        (assertion(sign=EDDSA.sign), "signature is wrong"),
        (assertion(sign=lambda _: b""), "signature is wrong"),
        (
            assertion(sign=lambda m: P384.sign(m, ec.ECDSA(SHA256())), public=P384.public_key()),
            "signature is wrong",
        ),
        (assertion(public=RSA.public_key()), "signature is wrong"),
        ({**assertion(), "public_key": base64url(COMPRESSED)}, "signature is wrong"),
        (assertion(public=EDDSA.public_key()), "signature is wrong"),
        ({**assertion(), "public_key": base64url(b"no key")}, "signature is wrong"),
        (
            {**assertion(), "authenticator_data": base64url(authenticator_data(flags=0x1D))},
            "signature is wrong",
        ),
        ({**assertion(), "client_data_json": base64url(b"[]")}, "cannot be read"),
        ({**assertion(), "client_data_json": base64url(b"{")}, "cannot be read"),
        ({**assertion(), "signature": "!"}, "cannot be read"),
        ({**assertion(), "signature": "AB"}, "cannot be read"),
        ({**assertion(), "signature": "é"}, "cannot be read"),
        ({**assertion(), "signature": 1}, "cannot be read"),
        ({**assertion(), "more": "x"}, "cannot be read"),
        ({}, "cannot be read"),
        ("proof", "cannot be read"),
        (1, "cannot be read"),
    ],
)
def test_anything_else_is_no(proof: Json, why: str) -> None:
    answer, reason = found(proof)
    assert (answer, why in reason) == ("no", True), reason


def test_a_changed_job_is_another_job() -> None:
    assert "another Job" in found(assertion(), {**JOB, "operator_id": "otto"})[1]
    assert "another Job" in found(assertion(), None)[1]
    no_canonical_form = {"rate": 1.5}
    assert "another Job" in found(assertion(challenge=""), no_canonical_form)[1]  # pyright: ignore[reportArgumentType] hostile


def test_without_a_proof_nothing_is_shown() -> None:
    without = create_job_signed({"job": JOB, "proof": None})
    assert (without.answer, without.reason) == ("not shown", "no passkey was asked for")
    assert create_job_signed({}).reason == "the body of job_created is withheld"


def test_a_bundle_shows_the_passkey_over_its_own_job() -> None:
    keys = samples.Keys()
    job = samples.path(keys).body("job_created")["job"]
    proof = assertion(challenge=challenge(job))
    bundle = samples.bundle(keys, samples.path(keys, {"job_created": {"proof": proof}}))
    report = verify(write_bundle(bundle), keys.trust(), samples.evidence())
    assert report["create_job_signed_by_person"].answer == "yes"
    assert not report.failures(("create_job_signed_by_person",))


def test_a_job_changed_after_the_passkey_signed_fails_even_with_every_services_key() -> None:
    keys = samples.Keys()
    job = samples.path(keys).body("job_created")["job"]
    assert isinstance(job, dict)
    proof = assertion(challenge=challenge(job))
    changed = job | {"prepared_at": "2026-11-24T12:00:00.001Z"}
    assert changed != job
    bundle = samples.bundle(keys, samples.path(keys, {"job_created": {"job": changed, "proof": proof}}))
    report = verify(write_bundle(bundle), keys.trust(), samples.evidence())
    assert [(one.name, one.reason) for one in report.failures()] == [
        ("create_job_signed_by_person", "the passkey signed another Job")
    ]
