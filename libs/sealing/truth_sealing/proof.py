"""The proof that travels with a Record (C2SP tlog-proof): index, inclusion proof, checkpoint."""

import base64
from collections.abc import Iterable
from dataclasses import dataclass

from truth_sealing.checkpoint import read_number
from truth_sealing.note import NOTE_BYTES_MAX, decode_base64
from truth_sealing.tree import HASH_BYTES, PROOF_HASHES_MAX

HEADER = "c2sp.org/tlog-proof@v1"
EXTRA_BYTES_MAX = 64 * 1024
_HASH_CHARACTERS = 44
_HEAD_MAX = len(HEADER) + EXTRA_BYTES_MAX * 4 // 3 + PROOF_HASHES_MAX * (_HASH_CHARACTERS + 1) + 128


class ProofError(ValueError):
    """The text is not a tlog-proof."""


@dataclass(frozen=True, slots=True)
class LogProof:
    """A tlog-proof as read, nothing of it verified."""

    index: int
    hashes: tuple[bytes, ...]
    checkpoint: str
    """The signed note, verbatim."""
    extra: bytes | None = None
    """Nobody signs this; ours have none, and `verify` refuses one."""


def proof_text(index: int, hashes: Iterable[bytes], checkpoint: str) -> str:
    """The tlog-proof of the leaf at `index` under the signed `checkpoint`."""
    return proof_of_lines(index, "".join(base64.b64encode(h).decode() + "\n" for h in hashes), checkpoint)


def proof_of_lines(index: int, lines: str, checkpoint: str) -> str:
    """The same, of hashes already written as base64 lines (Appended.inclusion_lines)."""
    return f"{HEADER}\nindex {index}\n{lines}\n{checkpoint}"


def parse_proof(text: str) -> LogProof:
    """Read a tlog-proof of at most PROOF_HASHES_MAX hashes; raises ProofError."""
    if len(text) > _HEAD_MAX + NOTE_BYTES_MAX:
        raise ProofError("too long")
    head, blank, checkpoint = text.partition("\n\n")
    header, *lines = head.split("\n", PROOF_HASHES_MAX + 4)
    if header != HEADER or not blank:
        raise ProofError(f"not a {HEADER}")
    extra = _extra(lines)
    index = read_number(lines[0].removeprefix("index ")) if lines else None
    if index is None or not lines[0].startswith("index "):
        raise ProofError("no index as a plain decimal number")
    if len(lines) - 1 > PROOF_HASHES_MAX:
        raise ProofError(f"more than {PROOF_HASHES_MAX} hashes")
    return LogProof(index, tuple(_hash(line) for line in lines[1:]), checkpoint, extra)


def _extra(lines: list[str]) -> bytes | None:
    if not lines or not lines[0].startswith("extra "):
        return None
    extra = decode_base64(lines.pop(0).removeprefix("extra "))
    if extra is None or len(extra) > EXTRA_BYTES_MAX:
        raise ProofError("the extra line is too long or no base64")
    return extra


def _hash(line: str) -> bytes:
    octets = decode_base64(line)
    if octets is None or len(octets) != HASH_BYTES:
        raise ProofError("a hash is not 32 bytes in base64")
    return octets
