"""The browser's verifier says what Python's says, of everything that the verifier's tests are made of."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
from truth_sealing import page, samples
from truth_sealing.bundle import write_bundle
from truth_sealing.canonical import sha256_hex
from truth_sealing.evidence import EvidenceFile

from libs.sealing.tests import corpus
from libs.sealing.tests.javascript import Case, differences, has_node, in_javascript

pytestmark = has_node
MUTATIONS = 600
FILE = write_bundle(corpus.WHOLE)
PARTS: Mapping[str, tuple[bytes, bytes]] = {
    # which part of the file, from where to where
    "the Record's text": (b'"record":"', b'","steps"'),
    "the steps' texts": (b'"steps":["', b"]}"),
    "the disclosures": (b'"disclosures":{', b'},"evidence"'),
    "the evidence's labels": (b'"evidence":{"evidence', b'},"format"'),
    "the proof": (b"tlog-proof@v1\\nindex ", b"\\n\\n"),
    "the checkpoint": (b"=\\n\\n", b"\\n\\n\xe2\x80\x94"),
    "the log's signature": (b"\xe2\x80\x94 records.example.org/log ", b"\\n"),
    "a witness's signature": (b"\xe2\x80\x94 witness.example.org/w1 ", b"\\n"),
}
NAMED = {
    "the proof": {"integrity", "logged"},
    "the checkpoint": {"integrity", "logged"},
    "the log's signature": {"logged"},
    "a witness's signature": {"witnessed"},
}
"""The findings of which one tells a flipped bit in a part; everywhere else it is integrity."""


@pytest.mark.parametrize(
    ("cases", "count"),
    [
        pytest.param(corpus.tamperings, 105, id="tamperings"),
        pytest.param(corpus.unreadable, 67, id="no bundles"),
        pytest.param(corpus.notes, 76, id="proofs and checkpoints"),
        pytest.param(corpus.pinned, 65, id="policies and keys"),
        pytest.param(corpus.shown, 53, id="more or less shown"),
        pytest.param(corpus.passkeys, 79, id="passkeys"),
    ],
)
def test_both_verifiers_say_the_same(cases: Callable[[], list[Case]], count: int) -> None:
    given = cases()
    assert len(given) >= count
    assert differences(given, in_javascript(given)) == []


def test_both_verifiers_say_the_same_of_mutated_bundles() -> None:
    given = corpus.hostile(MUTATIONS)
    assert differences(given, in_javascript(given)) == []


def flipped(octets: bytes, at: int, bit: int) -> bytes:
    return octets[:at] + bytes([octets[at] ^ 1 << bit]) + octets[at + 1 :]


def flips(part: str) -> Iterator[Case]:
    """A bundle for each of about 25 places spread over a part of it, with one bit of the byte there flipped."""
    start, end = PARTS[part]
    first = FILE.index(start) + len(start)
    last = FILE.index(end, first)
    for number, at in enumerate(range(first, last, max(1, (last - first) // 25))):
        yield corpus.case(f"{part}, byte {at}", flipped(FILE, at, number % 8))


@pytest.mark.parametrize("part", PARTS)
def test_a_flipped_bit_fails_and_is_named(part: str) -> None:
    cases = list(flips(part))
    assert len(cases) >= 20
    answers = in_javascript(cases)
    assert differences(cases, answers) == []
    for case, told in zip(cases, answers, strict=True):
        named = NAMED.get(part, {"integrity"})
        assert told["verdict"] == "failed", case.what
        assert named & set(told["because"]) or "cannot be read" in told["findings"]["integrity"][1], case.what


def test_a_flipped_bit_in_a_photo_fails_and_names_the_file() -> None:
    photos = [flipped(samples.PHOTOS[0], at, at % 8) for at in range(len(samples.PHOTOS[0]))]
    files = [{"0001.jpg": EvidenceFile(sha256_hex(photo), len(photo))} for photo in photos]
    cases = [corpus.case("a photo", FILE, evidence=one) for one in files]
    answers = in_javascript(cases)
    assert differences(cases, answers) == []
    for told in answers:
        assert (told["verdict"], told["because"]) == ("failed", ["evidence_complete"])
        assert "0001.jpg is not the evidence it is given as" in told["findings"]["evidence_complete"][1]


def test_verified_needs_the_log_and_a_signed_path_and_nothing_that_may_be_withheld() -> None:
    bare = corpus.Bundle(corpus.WHOLE.record, corpus.WHOLE.proof)
    cases = [
        corpus.case("whole", FILE),
        corpus.case("withheld", bare, evidence=None),
        corpus.case("no keys", FILE, keyring=None),
    ]
    whole, withheld, without_keys = in_javascript(cases)
    assert (whole["verdict"], withheld["verdict"]) == ("verified", "verified")
    assert (without_keys["verdict"], without_keys["because"]) == ("cannot", ["path_signed"])


def test_the_single_file_holds_the_same_verifier(tmp_path: Path) -> None:
    joined = tmp_path / "verifier.mjs"
    joined.write_text(page.script("verify.js") + "\nexport { judge, readTrust, verify };\n")
    given = [*corpus.shown()[:20], *corpus.tamperings()[::5]]
    assert differences(given, in_javascript(given, joined)) == []
