"""Signed notes (C2SP signed-note): text, a blank line, and signature lines."""

import base64
import binascii
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol, TypeVar

from truth_sealing.keys import Signer, is_key_name

SIGNATURES_MAX = 16
NOTE_BYTES_MAX = 128 * 1024
_KEY_ID_BYTES = 4
_DASH = "\u2014 "


class NoteError(ValueError):
    """The note cannot be read, or a key that we know did not make the signature that bears its name."""


class NoteKey(Protocol):
    """A public key that can have signed a note, of whichever signature type."""

    @property
    def name(self) -> str:
        """Name as it stands in the signature line."""
        ...

    @property
    def key_id(self) -> bytes:
        """The 4 bytes before the signature."""
        ...

    def verify(self, message: bytes, signature: bytes) -> bool:
        """Whether `signature` (what follows the key id) is this key's over the note's text."""
        ...


KeyT = TypeVar("KeyT", bound=NoteKey)


@dataclass(frozen=True, slots=True)
class Signature:
    """One signature line."""

    name: str
    key_id: bytes
    octets: bytes

    @property
    def line(self) -> str:
        """The line as it stands in the note, with its newline."""
        return f"{_DASH}{self.name} {base64.b64encode(self.key_id + self.octets).decode()}\n"


@dataclass(frozen=True, slots=True)
class Note:
    """A note as read, nothing of it verified."""

    text: str
    """Ends in a newline."""
    signatures: tuple[Signature, ...]


def parse_note(note: str) -> Note:
    """Read a note of at most NOTE_BYTES_MAX and SIGNATURES_MAX; raises NoteError."""
    _check_characters(note)
    body, blank, lines = note.rpartition("\n\n")  # at the *last* blank line: the text may hold others
    if not blank or not lines.endswith("\n"):
        raise NoteError("no signatures after a blank line")
    signatures = lines[:-1].split("\n")
    if len(signatures) > SIGNATURES_MAX:
        raise NoteError(f"more than {SIGNATURES_MAX} signatures")
    return Note(body + "\n", tuple(_signature(line) for line in signatures))


def sign_note(text: str, *signers: tuple[Signer, bytes]) -> str:
    """The note of `text` (which ends in a newline), signed by each signer under its key id."""
    if not text.endswith("\n"):
        raise NoteError("a note's text ends in a newline")
    return f"{text}\n" + "".join(signature_line(text, signer, key_id) for signer, key_id in signers)


def signature_line(text: str, signer: Signer, key_id: bytes) -> str:
    """One signature line over `text`, to be appended to its note."""
    return Signature(signer.name, key_id, signer.sign(text.encode())).line


def signed_by(note: Note, keys: Iterable[KeyT]) -> tuple[KeyT, ...]:
    """Those of `keys` that signed the note.

    Lines of unknown keys are ignored, even when they share a name or an id with a known one. A line that
    bears a known key's name and id and is not its signature makes the whole note worthless: NoteError.
    """
    known = {(key.name, key.key_id): key for key in keys}
    text, found = note.text.encode(), dict[tuple[str, bytes], KeyT]()
    for signature in note.signatures:
        key = known.get((signature.name, signature.key_id))
        if key is None:
            continue
        if not key.verify(text, signature.octets):
            raise NoteError(f"the signature of {key.name} is wrong")
        found[key.name, key.key_id] = key
    return tuple(found.values())


def find_signature(note: Note, key: NoteKey) -> Signature | None:
    """The signature that bears the name and id of `key`."""
    named = (signature for signature in note.signatures if signature.name == key.name)
    return next((signature for signature in named if signature.key_id == key.key_id), None)


def decode_base64(text: str) -> bytes | None:
    """What `text` stands for; None unless it is the only way to write it (RFC 4648 section 3.5)."""
    try:
        octets = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
    return octets if base64.b64encode(octets).decode() == text else None


def _check_characters(note: str) -> None:
    try:
        size = len(note.encode())
    except UnicodeEncodeError as error:
        raise NoteError("not valid UTF-8") from error
    if size > NOTE_BYTES_MAX:
        raise NoteError(f"longer than {NOTE_BYTES_MAX} bytes")
    if any(character < " " and character != "\n" for character in note):
        raise NoteError("a control character")


def _signature(line: str) -> Signature:
    name, space, encoded = line.removeprefix(_DASH).partition(" ")
    octets = decode_base64(encoded)
    if not line.startswith(_DASH) or not space or not is_key_name(name):
        raise NoteError("a signature line is not an em dash, a key name and a signature")
    if octets is None or len(octets) <= _KEY_ID_BYTES:
        raise NoteError(f"the signature line of {name} holds no signature in base64")
    return Signature(name, octets[:_KEY_ID_BYTES], octets[_KEY_ID_BYTES:])
