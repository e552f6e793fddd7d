"""Whether the log holds a Record: inclusion, the log's signature, the witnesses."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from truth_sealing.checkpoint import Checkpoint, CheckpointError, parse_checkpoint
from truth_sealing.cosignature import CosignatureKey, cosigned_at
from truth_sealing.findings import Finding, finding
from truth_sealing.keyring import Keyring
from truth_sealing.keys import VerifyKey
from truth_sealing.note import Note, NoteError, find_signature, parse_note, signed_by
from truth_sealing.policy import NO_QUORUM, Policy
from truth_sealing.proof import LogProof, ProofError, parse_proof
from truth_sealing.tree import check_inclusion, leaf_hash


@dataclass(frozen=True, slots=True)
class Trust:
    """What a verifier pins beforehand. Without a keyring, nothing signed with a step key can be shown."""

    policy: Policy
    keyring: Keyring | None = None


@dataclass(frozen=True, slots=True)
class Position:
    """Where in which log, and how large it was."""

    origin: str
    index: int
    size: int


@dataclass(frozen=True, slots=True)
class LogCheck:
    """What the log says of an entry. `broken` is why the entry is not under the checkpoint's root."""

    broken: tuple[str, ...]
    logged: Finding
    witnessed: Finding
    position: Position | None = None
    """As claimed; None when the proof cannot be read."""


def check_log(entry: bytes, text: str, trust: Trust) -> LogCheck:
    """Check the tlog-proof `text` for `entry` against the pinned keys. Never raises on hostile input."""
    try:
        proof, note = _read(text)
        checkpoint = parse_checkpoint(note.text)
    except (ProofError, NoteError, CheckpointError) as error:
        why = f"the proof cannot be read: {error}"
        return LogCheck((why,), *_neither(why))
    position = Position(checkpoint.origin, proof.index, checkpoint.size)
    broken = _inclusion_problem(entry, proof, checkpoint)
    if broken:
        logged, witnessed = _neither(broken)
        return LogCheck((broken,), logged, witnessed, position)
    logged, witnessed = _signatures(note, checkpoint, proof.index, trust)
    return LogCheck((), logged, witnessed, position)


def _read(text: str) -> tuple[LogProof, Note]:
    proof = parse_proof(text)
    if proof.extra is not None:
        raise ProofError("extra data, which nobody signs")
    return proof, parse_note(proof.checkpoint)


def _inclusion_problem(entry: bytes, proof: LogProof, checkpoint: Checkpoint) -> str | None:
    size, root = checkpoint.size, checkpoint.root
    if not check_inclusion(leaf_hash(entry), proof.index, size, proof.hashes, root):
        return f"the Record is not entry {proof.index} of the tree of {size}"
    return None


def _signatures(note: Note, checkpoint: Checkpoint, index: int, trust: Trust) -> tuple[Finding, Finding]:
    policy = trust.policy
    try:
        signers = signed_by(note, [*policy.logs, *policy.witnesses.values()])
    except NoteError as error:
        return _neither(str(error))
    logs = [key for key in signers if isinstance(key, VerifyKey)]
    problem = _log_problem(checkpoint, logs, trust.keyring)
    logged = finding(
        "logged",
        wrong=[problem] if problem else [],
        missing=[],
        right=f"entry {index} of {checkpoint.size} in {checkpoint.origin}",
    )
    if problem:
        return logged, finding("witnessed", wrong=[], missing=["not signed by the log"], right="")
    witnesses = [key for key in signers if isinstance(key, CosignatureKey)]
    return logged, _witnessed(note, witnesses, policy)


def _log_problem(checkpoint: Checkpoint, signers: Sequence[VerifyKey], keyring: Keyring | None) -> str | None:
    of_origin = [key for key in signers if key.name == checkpoint.origin]
    if not of_origin:
        return f"the checkpoint of {checkpoint.origin} is not signed by a pinned key of that name"
    if keyring and not any(keyring.allows_log_key(key, checkpoint.size) for key in of_origin):
        return f"the signing key was not in force at size {checkpoint.size}"
    return None


def _witnessed(note: Note, witnesses: Sequence[CosignatureKey], policy: Policy) -> Finding:
    seen = ", ".join(f"{key.name} at {_time(note, key)}" for key in witnesses) or "no known witness"
    is_met = policy.is_met({key.vkey for key in witnesses})
    return finding(
        "witnessed",
        wrong=[] if is_met else [f"the quorum {policy.quorum} is not met: cosigned by {seen}"],
        missing=[f"the policy asks for no witness; cosigned by {seen}"] if policy.quorum == NO_QUORUM else [],
        right=f"cosigned by {seen}",
    )


def _time(note: Note, key: CosignatureKey) -> str:
    signature = find_signature(note, key)
    seconds = cosigned_at(signature.octets) if signature else 0
    try:
        return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%SZ}"
    except (OverflowError, OSError, ValueError):  # a witness may claim any time below 2^63 seconds
        return f"{seconds} s after 1970"


def _neither(why: str) -> tuple[Finding, Finding]:
    """Nothing under the checkpoint counts: neither the log's signature nor a witness's."""
    return Finding("logged", "no", why), Finding("witnessed", "no", why)
