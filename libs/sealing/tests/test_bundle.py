"""The bundle's file: its form and its bounds."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from truth_sealing import samples
from truth_sealing.bundle import (
    BUNDLE_BYTES_MAX,
    PARTS_MAX,
    TEXT_CHARACTERS_MAX,
    BundleError,
    read_bundle,
    write_bundle,
)
from truth_sealing.canonical import canonical
from truth_sealing.verify import verify

KEYS = samples.Keys()
BUNDLE = samples.bundle(KEYS)
FILE = write_bundle(BUNDLE)
LONG = "x" * (TEXT_CHARACTERS_MAX + 1)


def test_a_bundle_is_read_back_and_small() -> None:
    assert read_bundle(FILE) == BUNDLE
    assert len(FILE) < 12_000


def changed(change: Callable[[Any], object]) -> bytes:
    members = json.loads(FILE)
    change(members)
    return canonical(members)


@pytest.mark.parametrize(
    ("octets", "why"),
    [
        (b"", "not JSON"),
        (b"[]", "not a JSON object"),
        (b"\xff", "not UTF-8"),
        (b"[" * 100_000, "nested deeper"),
        (b" " * BUNDLE_BYTES_MAX + b"{}", "longer"),
        (FILE + b"\n", "not in canonical form"),
        (FILE.replace(b'","', b'", "', 1), "not in canonical form"),
        (FILE.replace(b"record", b"\\u0072ecord", 1), "not in canonical form"),
        (json.dumps(json.loads(FILE), indent=1).encode(), "not in canonical form"),
        (changed(lambda b: b.update(format="runtime-truth/bundle/v2")), "exactly"),
        (changed(lambda b: b.update(comment="trust me")), "exactly"),
        (changed(lambda b: b.pop("proof")), "exactly"),
        (changed(lambda b: b.update(record=1)), "record is not a text"),
        (changed(lambda b: b.update(record=LONG)), "record is not a text"),
        (changed(lambda b: b.update(proof=None)), "proof is not a text"),
        (changed(lambda b: b.update(steps={})), "steps is not"),
        (changed(lambda b: b.update(steps="seven!!")), "steps is not"),
        (changed(lambda b: b["steps"].pop()), "steps is not"),
        (changed(lambda b: b["steps"].append(None)), "steps is not"),
        (changed(lambda b: b["steps"].__setitem__(1, 5)), "intake is not a text"),
        (changed(lambda b: b.update(disclosures=[])), "not an object"),
        (changed(lambda b: b.update(disclosures={"place": 1})), "place is not a text"),
        (changed(lambda b: b.update(disclosures={str(n): "" for n in range(PARTS_MAX + 1)})), "at most"),
        (changed(lambda b: b.update(evidence=[])), "not an object"),
        (changed(lambda b: b.update(evidence={"evidence/0001": 1})), "exactly media_type"),
        (changed(lambda b: b.update(evidence={"e": {"media_type": "x"}})), "exactly media_type"),
        (changed(lambda b: b.update(evidence={"e": {"media_type": 1, "size": 1}})), "no media type"),
        (changed(lambda b: b.update(evidence={"e": {"media_type": "x", "size": -1}})), "no media type"),
        (changed(lambda b: b.update(evidence={"e": {"media_type": "x", "size": True}})), "no media type"),
    ],
)
def test_what_is_no_bundle_is_refused(octets: bytes, why: str) -> None:
    with pytest.raises(BundleError, match=why):
        read_bundle(octets)
    report = verify(octets, KEYS.trust())
    assert report["integrity"].answer == "no"
    assert "yes" not in {finding.answer for finding in report.findings}
