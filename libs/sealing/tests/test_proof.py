"""The text of a tlog-proof."""

import base64

import pytest
from truth_sealing.proof import HEADER, LogProof, ProofError, parse_proof, proof_text

NOTE = "records.example.org/log\n1\nAAAA\n\n— records.example.org/log AAAAAAAA\n"
HASHES = (bytes(range(32)), bytes(32))
LINE = base64.b64encode(HASHES[0]).decode()


def test_a_proof_is_written_as_the_specification_shows_and_read_back() -> None:
    text = proof_text(73894, HASHES, NOTE)
    second = base64.b64encode(HASHES[1]).decode()
    assert text == f"c2sp.org/tlog-proof@v1\nindex 73894\n{LINE}\n{second}\n\n{NOTE}"
    assert parse_proof(text) == LogProof(73894, HASHES, NOTE)


def test_a_lone_leaf_needs_no_hashes() -> None:
    assert parse_proof(proof_text(0, (), NOTE)) == LogProof(0, (), NOTE)


def test_extra_data_is_read() -> None:
    text = proof_text(0, (), NOTE).replace("index", "extra AAECAw==\nindex")
    assert parse_proof(text).extra == b"\0\1\2\3"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "not a"),
        (HEADER, "not a"),
        (f"{HEADER}\n\n{NOTE}", "no index"),
        (f"c2sp.org/tlog-proof@v2\nindex 0\n\n{NOTE}", "not a"),
        (f"{HEADER}\nindex 0\n", "not a"),
        (f"{HEADER}\n0\n\n{NOTE}", "no index"),
        (f"{HEADER}\nindex 01\n\n{NOTE}", "no index"),
        (f"{HEADER}\nindex -1\n\n{NOTE}", "no index"),
        (f"{HEADER}\nindex 0\nAAAA\n\n{NOTE}", "32 bytes"),
        (f"{HEADER}\nindex 0\n{LINE[:-2]}9=\n\n{NOTE}", "32 bytes"),
        (f"{HEADER}\nindex 0\n" + f"{LINE}\n" * 64 + f"\n{NOTE}", "more than 63"),
        (f"{HEADER}\nindex 0\n" + f"{LINE}\n" * 999 + f"\n{NOTE}", "more than 63"),
        (f"{HEADER}\nextra !\nindex 0\n\n{NOTE}", "extra"),
        (f"{HEADER}\nextra {'A' * 120_000}\nindex 0\n\n{NOTE}", "extra"),
        (f"{HEADER}\nextra AAAA\n\n{NOTE}", "no index"),
        ("x" * 1_000_000, "too long"),
    ],
)
def test_what_is_no_proof_is_refused(text: str, why: str) -> None:
    with pytest.raises(ProofError, match=why):
        parse_proof(text)


def test_sixty_three_hashes_are_read() -> None:
    assert len(parse_proof(proof_text(1, HASHES[:1] * 63, NOTE)).hashes) == 63
