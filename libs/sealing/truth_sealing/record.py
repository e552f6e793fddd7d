"""The Record's commitments and its log entry."""

from truth_sealing.canonical import canonical, sha256_hex

FORMAT_VERSION = 1
"""The `v` of Records and entries written today."""


def disclosure(salt: str, path: str, value: str) -> str:
    """Canonical text `[salt, path, value]`: who holds it can show one value of a Record.

    `salt` is base64 of 16 random bytes, of its own for each value. The Record holds only the text's digest,
    which says nothing of the value once salt and text are erased.
    """
    return canonical([salt, path, value]).decode()


def commitment(text: str) -> str:
    """What the Record holds in place of a disclosed value: SHA-256 of the disclosure's text, hexadecimal."""
    return sha256_hex(text.encode())


def entry(record_id: str, record: bytes, subject: str) -> bytes:
    """The log entry over a Record: a small public statement, derived from the Record and never on its own.

    `record` is the Record's canonical bytes. `subject` is the digest of the completion body, so that a
    monitor sees a second Record for one ServiceEvent without reading either.
    """
    return canonical(
        {
            "kind": "record",
            "record": record_id,
            "sha256": sha256_hex(record),
            "subject": subject,
            "v": FORMAT_VERSION,
        }
    )
