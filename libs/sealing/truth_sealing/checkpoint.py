"""The log's signed head (C2SP tlog-checkpoint)."""

import base64
import re
from collections.abc import Iterable
from dataclasses import dataclass

from truth_sealing.keys import Signer, VerifyKey
from truth_sealing.note import Note, decode_base64, parse_note, sign_note, signed_by
from truth_sealing.tree import HASH_BYTES

SIZE_MAX = 2**63 - 1
_HEAD_LINES = 3
_DECIMAL = re.compile(r"0|[1-9][0-9]{0,18}")


class CheckpointError(ValueError):
    """The note's text is not a checkpoint, or not one that the given keys vouch for."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Which log, how many entries, and the root over them."""

    origin: str
    size: int
    root: bytes

    @property
    def text(self) -> str:
        """The text to sign. We write no extension lines: nobody can audit them."""
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"


def read_number(digits: str) -> int | None:
    """The number that `digits` write, up to SIZE_MAX; None with a leading zero, a sign or anything else."""
    number = int(digits) if _DECIMAL.fullmatch(digits) else None
    return number if number is not None and number <= SIZE_MAX else None


def parse_checkpoint(text: str) -> Checkpoint:
    """Read the text of a checkpoint; extension lines are allowed and dropped. Raises CheckpointError."""
    lines = text.split("\n")
    if len(lines) <= _HEAD_LINES or lines.pop() != "" or "" in lines:
        raise CheckpointError("a checkpoint has at least three lines, none of them empty")
    origin, digits, encoded = lines[:_HEAD_LINES]
    size, root = read_number(digits), decode_base64(encoded)
    if size is None:
        raise CheckpointError("the size is not a plain decimal number")
    if root is None or len(root) != HASH_BYTES:
        raise CheckpointError("the root is not 32 bytes in base64")
    return Checkpoint(origin, size, root)


def sign_checkpoint(checkpoint: Checkpoint, *signers: tuple[Signer, bytes]) -> str:
    """The signed note: each signer's name is the origin; several while a key is rotated."""
    if any(signer.name != checkpoint.origin for signer, _ in signers):
        raise CheckpointError("a log signs under its origin's name")
    return sign_note(checkpoint.text, *signers)


def open_checkpoint(note: str, logs: Iterable[VerifyKey]) -> tuple[Checkpoint, tuple[VerifyKey, ...]]:
    """The checkpoint in `note`, and those of the pinned `logs` that signed it: at least one.

    Only keys named like the checkpoint's origin count. Raises NoteError or CheckpointError.
    """
    return open_parsed(parse_note(note), logs)


def open_parsed(note: Note, logs: Iterable[VerifyKey]) -> tuple[Checkpoint, tuple[VerifyKey, ...]]:
    """The same, of a note already read."""
    signers = signed_by(note, logs)
    checkpoint = parse_checkpoint(note.text)
    of_origin = tuple(key for key in signers if key.name == checkpoint.origin)
    if not of_origin:
        raise CheckpointError(f"not signed by a pinned key of {checkpoint.origin}")
    return checkpoint, of_origin
