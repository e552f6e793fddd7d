"""The Signal: an in-toto Statement with a SLSA verification summary, in a DSSE envelope."""

import base64
import binascii
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from truth_sealing.canonical import Json, canonical, sha256_hex
from truth_sealing.findings import Finding, finding
from truth_sealing.keyring import Keyring
from truth_sealing.keys import Signer, VerifyKey
from truth_sealing.sealed import SealedRecord
from truth_sealing.shown import Body, member, objects
from truth_sealing.strict import StrictError, strict_object

PAYLOAD_TYPE = "application/vnd.in-toto+json"
STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE = "https://slsa.dev/verification_summary/v1"
LEVEL_LIVE = "RUNTIME_TRUTH_LIVE"
"""A level of our own. The specification keeps `SLSA_` to itself and allows any other name."""
LOG_FIELD = "runtime-truth:log"
RULES_FIELD = "runtime-truth:rules"
"""Extension fields of the predicate bear URIs as names, as its specification asks."""
ENVELOPE_CHARACTERS_MAX = 256 * 1024
SIGNATURES_MAX = 16


class SignalError(ValueError):
    """The envelope cannot be read, or no pinned key signed it."""


@dataclass(frozen=True, slots=True)
class Verified:
    """What was verified: the Record's and the proof's texts exactly as in RecordSealed, and where it lies."""

    record_id: str
    record: str
    proof: str
    origin: str
    index: int
    size: int


@dataclass(frozen=True, slots=True)
class PolicyReference:
    """The Signal policy that decided."""

    uri: str
    sha256: str


def statement(
    verified: Verified, *, verifier: str, at: str, policy: PolicyReference, rules: Sequence[Json]
) -> dict[str, Json]:
    """The Statement that the Record passed. `verifier` is the signing key's name; `at` ends in Z."""
    log: Json = {"origin": verified.origin, "index": verified.index, "size": verified.size}
    return {
        "_type": STATEMENT_TYPE,
        "subject": [{"name": "record.json", "digest": _digest(verified.record)}],
        "predicateType": PREDICATE_TYPE,
        "predicate": {
            "verifier": {"id": verifier_id(verifier)},
            "timeVerified": at,
            "resourceUri": resource_uri(verified.record_id),
            "policy": {"uri": policy.uri, "digest": {"sha256": policy.sha256}},
            "inputAttestations": [
                {"name": "record.json", "digest": _digest(verified.record)},
                {"name": "record.tlog-proof", "digest": _digest(verified.proof)},
            ],
            "verificationResult": "PASSED",
            "verifiedLevels": [LEVEL_LIVE],
            LOG_FIELD: log,
            RULES_FIELD: list(rules),
        },
    }


def verifier_id(key_name: str) -> str:
    """The verifier's URI: its key's name, a schema-less URL, with the scheme. So the pair cannot be mixed."""
    return f"https://{key_name}"


def resource_uri(record_id: str) -> str:
    """The Record's URI, which any verifier can tell from the Record alone (RFC 9562 section 4)."""
    return f"urn:uuid:{record_id}"


def pre_authentication_encoding(payload_type: str, payload: bytes) -> bytes:
    """The bytes that DSSE signs (DSSE protocol 1.0.2)."""
    kind = payload_type.encode()
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)


def sign_envelope(stated: Mapping[str, Json], signer: Signer, key_id: bytes) -> str:
    """The DSSE envelope around a Statement, as JSON text. `keyid` is the hexadecimal key id, a hint only."""
    payload = canonical(dict(stated))
    signature = signer.sign(pre_authentication_encoding(PAYLOAD_TYPE, payload))
    return canonical(
        {
            "payload": base64.b64encode(payload).decode(),
            "payloadType": PAYLOAD_TYPE,
            "signatures": [{"keyid": key_id.hex(), "sig": base64.b64encode(signature).decode()}],
        }
    ).decode()


def open_envelope(envelope: str, keys: Iterable[VerifyKey]) -> tuple[dict[str, Json], VerifyKey]:
    """The Statement in the envelope, and the one of `keys` that signed it; raises SignalError.

    Unknown members and signatures by other keys are ignored, as DSSE asks. What is returned was read from
    the very bytes whose signature was checked.
    """
    if len(envelope) > ENVELOPE_CHARACTERS_MAX:
        raise SignalError("the envelope is too long")
    try:
        members = strict_object(envelope)
    except StrictError as error:
        raise SignalError(f"the envelope cannot be read: {error}") from error
    payload = _either_base64(members.get("payload"))
    if members.get("payloadType") != PAYLOAD_TYPE or payload is None:
        raise SignalError(f"not an envelope around {PAYLOAD_TYPE}")
    message = pre_authentication_encoding(PAYLOAD_TYPE, payload)
    signatures = [_either_base64(one.get("sig")) or b"" for one in objects(members, "signatures")]
    signer = next((key for key in keys if _has_signed(key, message, signatures[:SIGNATURES_MAX])), None)
    if signer is None:
        raise SignalError("no pinned signal key signed the envelope")
    try:
        return strict_object(payload), signer
    except StrictError as error:
        raise SignalError(f"the Statement cannot be read: {error}") from error


def check_signal(
    envelope: str, record: SealedRecord, place: tuple[str, int] | None, keyring: Keyring
) -> Finding:
    """Whether the envelope is a Signal over this Record, at this place (origin, index) of the log.

    The steps are those of the predicate's specification, "How to verify". Never raises on hostile input.
    """
    try:
        stated, signer = open_envelope(envelope, keyring.keys_of("signal"))
    except SignalError as error:
        return Finding("signal", "no", str(error))
    problems = list(_problems(stated, signer, record, place))
    if signer not in keyring.signal_keys(str(member(stated, "predicate", "timeVerified"))):
        problems.append("the signing key was not in force at the time of verification")
    return finding("signal", wrong=problems, missing=[], right=f"signed by {signer.name} over this Record")


def _problems(
    stated: Body, signer: VerifyKey, record: SealedRecord, place: tuple[str, int] | None
) -> Iterator[str]:
    digest, predicate = sha256_hex(record.text.encode()), cast(Body, member(stated, "predicate"))
    subjects = [member(subject, "digest", "sha256") for subject in objects(stated, "subject")]
    if stated.get("_type") != STATEMENT_TYPE or stated.get("predicateType") != PREDICATE_TYPE:
        yield "not a verification summary in an in-toto Statement"
    if subjects != [digest]:
        yield "the Signal is about another Record"
    if member(predicate, "verifier", "id") != verifier_id(signer.name):
        yield "the verifier is not the one whose key signed"
    if member(predicate, "resourceUri") != resource_uri(record["record_id"]):
        yield "the Signal names another resource than the Record"
    if member(predicate, "verificationResult") != "PASSED":
        yield "the policy was not passed"
    if member(predicate, "verifiedLevels") != [LEVEL_LIVE] or record["maturity"] != "live":
        yield f"the level is not {LEVEL_LIVE}, or the Record is not live"
    if (member(predicate, LOG_FIELD, "origin"), member(predicate, LOG_FIELD, "index")) != place:
        yield "the Signal names another place in the log"


def _digest(text: str) -> dict[str, Json]:
    return {"sha256": sha256_hex(text.encode())}


def _has_signed(key: VerifyKey, message: bytes, signatures: Sequence[bytes]) -> bool:
    return any(key.verify(message, signature) for signature in signatures)


def _either_base64(value: Json) -> bytes | None:
    """DSSE allows the standard and the URL-safe alphabet."""
    if not isinstance(value, str) or not value.isascii():
        return None
    try:
        return base64.b64decode(value.replace("-", "+").replace("_", "/"), validate=True)
    except binascii.Error:
        return None
