"""The Signal's envelope and Statement."""

import base64
import json
from collections.abc import Callable
from typing import Any

import pytest
from truth_sealing import samples
from truth_sealing.canonical import canonical, sha256_hex
from truth_sealing.keyring import read_keyring
from truth_sealing.keys import FileSigner
from truth_sealing.sealed import read_record
from truth_sealing.signal import (
    LOG_FIELD,
    PolicyReference,
    SignalError,
    Verified,
    check_signal,
    open_envelope,
    pre_authentication_encoding,
    sign_envelope,
    statement,
)

KEYS = samples.Keys()
SIGNER, KEY = KEYS.signal, KEYS.signal.verify_key
BUNDLE = samples.bundle(KEYS)
RECORD = read_record(BUNDLE.record)
PLACE = (samples.ORIGIN, 3)
KEYRING = KEYS.trust().keyring
STATEMENT = statement(
    Verified(RECORD["record_id"], BUNDLE.record, BUNDLE.proof, *PLACE, size=7),
    verifier=SIGNER.name,
    at="2026-11-24T10:08:00.000Z",
    policy=PolicyReference("https://signals.example.org/policies/default/1", "0" * 64),
    rules=[{"rule": "logged", "passed": True}],
)
ENVELOPE = sign_envelope(STATEMENT, SIGNER, KEY.key_id)


def found(envelope: str, place: tuple[str, int] | None = PLACE) -> tuple[str, str]:
    assert KEYRING is not None
    finding = check_signal(envelope, RECORD, place, KEYRING)
    return finding.answer, finding.reason


def changed(change: Callable[[Any], object], signer: FileSigner = SIGNER) -> str:
    """An envelope around a changed Statement, signed all the same."""
    stated = json.loads(json.dumps(STATEMENT))
    change(stated)
    return sign_envelope(stated, signer, signer.verify_key.key_id)


def test_the_encoding_is_that_of_the_dsse_specification() -> None:
    encoded = pre_authentication_encoding("http://example.com/HelloWorld", b"hello world")
    assert encoded == b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"


def test_a_signal_over_this_record_is_yes() -> None:
    assert found(ENVELOPE) == ("yes", "signed by signals.example.org over this Record")


def test_the_statement_has_the_fields_of_its_specifications() -> None:
    stated, signer = open_envelope(ENVELOPE, [KEY])
    digest = {"sha256": sha256_hex(BUNDLE.record.encode())}
    predicate: Any = stated["predicate"]
    assert signer == KEY
    assert stated["_type"] == "https://in-toto.io/Statement/v1"
    assert stated["subject"] == [{"name": "record.json", "digest": digest}]
    assert stated["predicateType"] == "https://slsa.dev/verification_summary/v1"
    assert predicate["verifier"] == {"id": "https://signals.example.org"}
    assert predicate["resourceUri"] == f"urn:uuid:{samples.RECORD_ID}"
    assert predicate["verificationResult"] == "PASSED"
    assert predicate["verifiedLevels"] == ["RUNTIME_TRUTH_LIVE"]
    assert predicate["inputAttestations"][0]["digest"] == digest
    assert all(":" in name for name in predicate if name.startswith("runtime"))  # extension fields are URIs


def test_other_signatures_and_members_are_ignored_and_either_base64_is_read() -> None:
    members = json.loads(ENVELOPE)
    members["signatures"].insert(0, {"sig": "AAAA", "keyid": "x"})
    members["more"] = 1
    members["payload"] = base64.urlsafe_b64encode(base64.b64decode(members["payload"])).decode()
    assert found(json.dumps(members))[0] == "yes"


def envelope(**members: Any) -> str:
    return json.dumps({**json.loads(ENVELOPE), **members})


PARTIAL = samples.bundle(KEYS, samples.path(KEYS, {"intake": {"maturity": "partial"}}))


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "cannot be read"),
        ("[]", "cannot be read"),
        ("x" * 300_000, "too long"),
        (envelope(payload="!"), "not an envelope"),
        (envelope(payload="é"), "not an envelope"),
        (envelope(payload=1), "not an envelope"),
        (envelope(payloadType="text/plain"), "not an envelope"),
        (envelope(signatures=[]), "no pinned signal key"),
        (envelope(signatures=1), "no pinned signal key"),
        (envelope(signatures=[{}]), "no pinned signal key"),
        (
            envelope(payload=base64.b64encode(canonical({**STATEMENT, "x": 1})).decode()),
            "no pinned signal key",
        ),
        (changed(lambda s: s, FileSigner.generate(SIGNER.name)), "no pinned signal key"),
        (changed(lambda s: s, KEYS.steps["intake"]), "no pinned signal key"),
        (changed(lambda s: s.update(_type="x")), "not a verification summary"),
        (changed(lambda s: s.update(predicateType="x")), "not a verification summary"),
        (changed(lambda s: s["subject"][0]["digest"].update(sha256="0" * 64)), "another Record"),
        (changed(lambda s: s["subject"].append({"digest": {"sha256": "0" * 64}})), "another Record"),
        (changed(lambda s: s.update(subject=[])), "another Record"),
        (changed(lambda s: s["predicate"]["verifier"].update(id="https://x.example")), "verifier is not"),
        (changed(lambda s: s["predicate"].update(resourceUri="urn:uuid:x")), "another resource"),
        (changed(lambda s: s["predicate"].update(verificationResult="FAILED")), "not passed"),
        (changed(lambda s: s["predicate"].update(verifiedLevels=["SLSA_BUILD_LEVEL_3"])), "the level"),
        (changed(lambda s: s["predicate"][LOG_FIELD].update(index=4)), "another place"),
        (changed(lambda s: s["predicate"][LOG_FIELD].update(origin="x")), "another place"),
        (changed(lambda s: s.update(predicate=5)), "verifier is not"),
    ],
)
def test_any_other_envelope_is_no(text: str, why: str) -> None:
    answer, reason = found(text)
    assert (answer, why in reason) == ("no", True), reason


def test_a_signed_payload_that_is_no_statement_is_refused() -> None:
    payload = b"no JSON"
    signed = SIGNER.sign(pre_authentication_encoding("application/vnd.in-toto+json", payload))
    text = envelope(
        payload=base64.b64encode(payload).decode(), signatures=[{"sig": base64.b64encode(signed).decode()}]
    )
    with pytest.raises(SignalError, match="Statement cannot be read"):
        open_envelope(text, [KEY])


def test_a_record_that_is_not_live_bears_no_signal() -> None:
    assert KEYRING is not None
    record = read_record(PARTIAL.record)
    verified = Verified(record["record_id"], PARTIAL.record, PARTIAL.proof, *PLACE, size=7)
    stated = statement(
        verified,
        verifier=SIGNER.name,
        at="2026-11-24T10:08:00.000Z",
        policy=PolicyReference("x:y", ""),
        rules=[],
    )
    finding = check_signal(sign_envelope(stated, SIGNER, KEY.key_id), record, PLACE, KEYRING)
    assert (finding.answer, "not live" in finding.reason) == ("no", True)


def test_a_signal_needs_a_place_in_the_log() -> None:
    assert "another place" in found(ENVELOPE, None)[1]


def test_a_signal_counts_only_while_its_key_is_in_force() -> None:
    keys = json.loads(KEYS.keyring())
    for key in keys["keys"]:
        key["to"] = "2026-11-24T10:00:00.000Z"
    keyring = read_keyring(json.dumps(keys).encode())
    finding = check_signal(ENVELOPE, RECORD, PLACE, keyring)
    assert (finding.answer, finding.reason.startswith("the signing key was not in force")) == ("no", True)
