"""Commitments and log entries."""

import json

from truth_sealing.canonical import sha256_hex
from truth_sealing.record import commitment, disclosure, entry

SALT = "AAAAAAAAAAAAAAAAAAAAAA=="


def test_a_commitment_is_the_digest_of_salt_path_and_value() -> None:
    shown = disclosure(SALT, "notes/0001", "naïve")
    assert shown == f'["{SALT}","notes/0001","naïve"]'
    assert commitment(shown) == sha256_hex(shown.encode())


def test_an_entry_is_small_canonical_and_derived_from_the_record() -> None:
    record = b'{"v":1}'
    octets = entry("0191d6a0-0000-7000-8000-000000000000", record, "ab" * 32)
    assert json.loads(octets) == {
        "kind": "record",
        "record": "0191d6a0-0000-7000-8000-000000000000",
        "sha256": sha256_hex(record),
        "subject": "ab" * 32,
        "v": 1,
    }
    assert octets.startswith(b'{"kind":"record","record":')
    assert len(octets) < 300
