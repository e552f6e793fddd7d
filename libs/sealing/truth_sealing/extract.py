"""Takes a bundle apart into files that sha256sum, openssl and other verifiers read."""

import base64

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from truth_sealing.bundle import read_bundle
from truth_sealing.checkpoint import CheckpointError, open_parsed
from truth_sealing.note import NoteError, find_signature, parse_note
from truth_sealing.policy import Policy
from truth_sealing.proof import ProofError, parse_proof
from truth_sealing.sealed import RecordError, read_record
from truth_sealing.steps import STEPS
from truth_sealing.tree import leaf_hash


class ExtractError(ValueError):
    """The bundle cannot be taken apart; the message says why."""


def extracted(octets: bytes, policy: Policy) -> dict[str, bytes]:
    """Contents by file name; raises BundleError or ExtractError. Verifies only the log's signature.

    `checkpoint.txt` is what `checkpoint.sig` (64 bytes, Ed25519) signs under `log.pem`.
    """
    bundle = read_bundle(octets)
    try:
        record, proof = read_record(bundle.record), parse_proof(bundle.proof)
        note = parse_note(proof.checkpoint)
        _, signers = open_parsed(note, policy.logs)
    except (RecordError, ProofError, NoteError, CheckpointError) as error:
        raise ExtractError(str(error)) from error
    signature = find_signature(note, signers[0])
    bodies = {
        f"step-{number}-{step}.json": text.encode()
        for number, (step, text) in enumerate(zip(STEPS, bundle.steps, strict=True), start=1)
        if text is not None
    }
    return {
        "record.json": bundle.record.encode(),
        "entry": record.entry,
        "leaf-hash.base64": base64.b64encode(leaf_hash(record.entry)) + b"\n",
        "record.tlog-proof": bundle.proof.encode(),
        "checkpoint": proof.checkpoint.encode(),
        "checkpoint.txt": note.text.encode(),
        "checkpoint.sig": signature.octets if signature else b"",
        "log.vkey": signers[0].vkey.encode() + b"\n",
        "log.pem": _pem(signers[0].public),
        **bodies,
    }


def _pem(public: bytes) -> bytes:
    key = Ed25519PublicKey.from_public_bytes(public)
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
