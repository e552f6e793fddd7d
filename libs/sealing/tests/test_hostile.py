"""Ten thousand mutated bundles: no crash, bounded time, and never all `yes` for a changed byte."""

import json
import random
import time
from collections.abc import Callable
from typing import Any, cast

from truth_sealing import samples
from truth_sealing.bundle import BundleError, read_bundle, write_bundle
from truth_sealing.canonical import canonical
from truth_sealing.verify import verify

KEYS = samples.Keys()
TRUST = KEYS.trust()
BUNDLE = samples.bundle(KEYS)
FILE = write_bundle(BUNDLE)
SHOWN = {f.name for f in verify(FILE, TRUST, samples.evidence()).findings if f.answer == "yes"}
INTERESTING = (
    b"",
    b"\0",
    b'"',
    b"\\",
    b"{",
    b"[",
    b"null",
    b"1e400",
    b"-1",
    b"9" * 400,
    b"\n\n",
    b"\xff",
    b"=",
)
HOSTILE: tuple[Any, ...] = (
    *(None, True, -1, "", "x", [], {}, [[]], "\u00e9", "0" * 64, "\u00e9" * 64),
    *("2026-11-24T10:00:00.000Z", "0001-01-01T00:00:00.000Z", "9999-12-31T23:59:59.999Z"),
)
VALUES = tuple(json.dumps(value) for value in HOSTILE)
Mutation = Callable[[random.Random], bytes]


def flip_a_bit(chance: random.Random) -> bytes:
    octets = bytearray(FILE)
    octets[chance.randrange(len(octets))] ^= 1 << chance.randrange(8)
    return bytes(octets)


def replace_a_span(chance: random.Random) -> bytes:
    start = chance.randrange(len(FILE))
    return FILE[:start] + chance.choice(INTERESTING) + FILE[start + chance.choice((0, 1, 1, 5, 60)) :]


def move_a_span(chance: random.Random) -> bytes:
    start, to, length = chance.randrange(len(FILE)), chance.randrange(len(FILE)), chance.randrange(1, 90)
    span = FILE[start : start + length]
    return FILE[:to] + span + FILE[to + length :]


def change_a_value(chance: random.Random) -> bytes:
    """A well-formed bundle in which one value, however deep, is another."""
    members = json.loads(FILE)
    where, key = chance.choice(places(members))
    where[key] = json.loads(chance.choice(VALUES))
    return canonical(members)


def change_the_record(chance: random.Random) -> bytes:
    """A well-formed Record in which one value is another, so that every reader behind it gets to see it."""
    members = json.loads(FILE)
    record = json.loads(members["record"])
    where, key = chance.choice(places(record))
    where[key] = json.loads(chance.choice(VALUES))
    members["record"] = canonical(record).decode()
    return canonical(members)


def places(value: Any) -> list[tuple[Any, Any]]:
    """Every container and key in a JSON document."""
    keys: list[Any] = []
    if isinstance(value, dict):
        keys = list(cast(dict[str, Any], value))
    elif isinstance(value, list):
        keys = list(range(len(cast(list[Any], value))))
    found: list[tuple[Any, Any]] = [(value, key) for key in keys]
    return found + [place for key in keys for place in places(value[key])]


def only_withholds(octets: bytes) -> bool:
    """Whether the file is the bundle itself with less shown: that is allowed, and all that is left is true."""
    try:
        less = read_bundle(octets)
    except BundleError:
        return False
    return (
        (less.record, less.proof) == (BUNDLE.record, BUNDLE.proof)
        and all(text in (None, whole) for text, whole in zip(less.steps, BUNDLE.steps, strict=True))
        and less.disclosures.items() <= BUNDLE.disclosures.items()
        and less.evidence.items() <= BUNDLE.evidence.items()
    )


MUTATIONS: tuple[Mutation, ...] = (flip_a_bit, replace_a_span, move_a_span, change_a_value, change_the_record)


def test_ten_thousand_mutated_bundles() -> None:
    chance, slowest, started = random.Random(20261124), 0.0, time.process_time()  # noqa: S311 seeded on purpose
    for number in range(10_000):
        octets = MUTATIONS[number % len(MUTATIONS)](chance)
        before = time.process_time()
        report = verify(octets, TRUST, samples.evidence())
        slowest = max(slowest, time.process_time() - before)
        kept = {finding.name for finding in report.findings if finding.answer == "yes"}
        assert not kept >= SHOWN or only_withholds(octets), octets
    assert slowest < 1
    assert time.process_time() - started < 80


def test_large_hostile_files_take_bounded_time() -> None:
    for octets in (b'{"a":' * 500_000, b'"' + b"\\" * 4_000_000, b"[" + b"0," * 2_000_000, b"9" * 4_000_000):
        before = time.process_time()
        assert verify(octets, TRUST)["integrity"].answer == "no"
        assert time.process_time() - before < 5
