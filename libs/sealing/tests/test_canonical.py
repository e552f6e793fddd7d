"""Canonical bytes against RFC 8785, its reference library and JavaScript, and what has no canonical form here."""

import json
import random
import shutil
import subprocess
from pathlib import Path

import pytest
import rfc8785
from hypothesis import given, settings
from hypothesis import strategies as st
from truth_sealing.canonical import INTEGER_MAX, Json, NotCanonicalError, canonical, sha256_hex

NODE = shutil.which("node")
SEED, DOCUMENTS = 8785, 20_000
ASCII = [chr(point) for point in range(128)]
# Every length of UTF-8, what JSON escapes, what JavaScript once could not hold, and both ends of the surrogates.
SIGNS = [
    *ASCII,
    *"\x7f\x80é\u0fff\u2028\u2029€\ud7ff\ue000\ufeff\ufffd\uffff",
    *"\U00010000\U0001f600\U0010ffff",
]

ascii_keys = st.text(alphabet=st.characters(min_codepoint=0, max_codepoint=127), max_size=12)
texts = st.text(alphabet=st.characters(exclude_categories=("Cs",)), max_size=40)
scalars = st.none() | st.booleans() | st.integers(-INTEGER_MAX, INTEGER_MAX) | texts
documents = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(ascii_keys, inner, max_size=6),
    max_leaves=25,
)


def drawn(dice: random.Random, depth: int = 0) -> Json:
    """A random document that has a canonical form."""
    kind = dice.randrange(6 if depth < 4 else 4)
    if kind == 0:
        return dice.choice((None, True, False))
    if kind == 1:
        return dice.choice((dice.randint(-INTEGER_MAX, INTEGER_MAX), dice.randint(-99, 99), INTEGER_MAX, 0))
    if kind in (2, 3):
        return "".join(dice.choices(SIGNS, k=dice.randrange(24)))
    if kind == 4:
        return [drawn(dice, depth + 1) for _ in range(dice.randrange(6))]
    keys = ("".join(dice.choices(ASCII, k=dice.randrange(5))) for _ in range(dice.randrange(7)))
    return {key: drawn(dice, depth + 1) for key in keys}


def twenty_thousand() -> list[Json]:
    dice = random.Random(SEED)  # noqa: S311 documents of a test, the same in each run
    return [{"document": drawn(dice)} for _ in range(DOCUMENTS)]


@settings(max_examples=500, deadline=None)
@given(documents)
def test_canonical_bytes_are_those_of_rfc_8785(document: Json) -> None:
    assert canonical(document) == rfc8785.dumps(document)  # pyright: ignore[reportArgumentType] a document of its kind


def test_20_000_random_documents_have_the_bytes_of_the_reference_library() -> None:
    for document in twenty_thousand():
        assert canonical(document) == rfc8785.dumps(document)  # pyright: ignore[reportArgumentType] a document of its kind


@pytest.mark.skipif(NODE is None, reason="the second implementation is JavaScript, and Node is not here")
def test_20_000_random_documents_have_the_bytes_of_a_javascript_implementation() -> None:
    documents = twenty_thousand()
    script = Path(__file__).with_name("canonical.mjs")
    ran = subprocess.run(  # noqa: S603 our own script
        [str(NODE), str(script)],
        input="\n".join(json.dumps(document) for document in documents).encode(),
        capture_output=True,
        check=True,
    )
    assert ran.stdout.decode().split() == [sha256_hex(canonical(document)) for document in documents]


# RFC 8785: the samples of sections 3.2.2 to 3.2.4 without their doubles, and the names of 3.2.3 that are ASCII.
PUBLISHED = [
    pytest.param(
        r'''{"string": "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/", "literals": [null, true, false]}''',
        "7b226c69746572616c73223a5b6e756c6c2c747275652c66616c73655d2c22737472696e67223a22e282ac245c7530303066"
        "5c6e4127425c225c5c5c5c5c222f227d",
        id="3.2.2 strings and literals",
    ),
    pytest.param(
        r'''{"1": "One", "\r": "Carriage Return"}''',
        b'{"\\r":"Carriage Return","1":"One"}'.hex(),
        id="3.2.3 a control character sorts first",
    ),
    pytest.param("[0, 9007199254740991, -9007199254740991]", b"[0,9007199254740991,-9007199254740991]".hex(), id="B integers"),
    pytest.param(r'["A\u030a", "\u00c5"]', '["A\u030a","\u00c5"]'.encode().hex(), id="3.1 no Unicode normalisation"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "octets"), PUBLISHED)
def test_the_published_vectors_that_have_a_form_here(text: str, octets: str) -> None:
    assert canonical(json.loads(text)).hex() == octets


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("[333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001]", id="3.2.2 doubles"),
        pytest.param(r'{"\u20ac": "Euro Sign"}', id="3.2.3 Euro sign"),
        pytest.param(r'{"\ufb33": "Hebrew Letter Dalet With Dagesh"}', id="3.2.3 Hebrew"),
        pytest.param(r'{"\ud83d\ude00": "Emoji: Grinning Face"}', id="3.2.3 astral"),
        pytest.param(r'{"\u0080": "Control"}', id="3.2.3 control beyond ASCII"),
        pytest.param(r'{"\u00f6": "Latin Small Letter O With Diaeresis"}', id="3.2.3 Latin"),
        pytest.param("9007199254740992", id="B beyond 2^53 - 1"),
        pytest.param("-0.0", id="B minus zero"),
        pytest.param(r'"\udead"', id="3.2.2.2 lone surrogate"),
    ],
)  # fmt: skip
def test_the_published_vectors_that_have_none_here_are_refused(text: str) -> None:
    """The forms of RFC 8785 that need ECMAScript's numbers or sort by UTF-16 units: no contract allows them."""
    with pytest.raises(NotCanonicalError):
        canonical(json.loads(text))


@pytest.mark.parametrize(
    "document",
    [
        pytest.param({"a": 1.5}, id="double"),
        pytest.param([float("nan")], id="not a number"),
        pytest.param({"\U00010000": 1}, id="astral key"),
        pytest.param({"é": 1}, id="key beyond ASCII"),
        pytest.param({1: 2}, id="key that is no text"),
        pytest.param(INTEGER_MAX + 1, id="integer too large"),
        pytest.param(-INTEGER_MAX - 1, id="integer too small"),
        pytest.param(["\ud800"], id="lone surrogate"),
        pytest.param({"at": b"bytes"}, id="bytes"),
        pytest.param([{1}], id="set"),
    ],
)
def test_what_no_contract_allows_has_no_canonical_form(document: object) -> None:
    with pytest.raises(NotCanonicalError):
        canonical(document)


def test_the_refusal_names_the_place() -> None:
    with pytest.raises(NotCanonicalError, match=r"\$\.steps\[1\]\.size"):
        canonical({"steps": [{}, {"size": 0.5}]})
