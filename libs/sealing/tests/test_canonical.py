"""Canonical bytes against RFC 8785's reference library, and what has no canonical form here."""

import pytest
import rfc8785
from hypothesis import given, settings
from hypothesis import strategies as st
from truth_sealing.canonical import INTEGER_MAX, Json, NotCanonicalError, canonical

ascii_keys = st.text(alphabet=st.characters(min_codepoint=0, max_codepoint=127), max_size=12)
texts = st.text(alphabet=st.characters(exclude_categories=("Cs",)), max_size=40)
scalars = st.none() | st.booleans() | st.integers(-INTEGER_MAX, INTEGER_MAX) | texts
documents = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(ascii_keys, inner, max_size=6),
    max_leaves=25,
)


@settings(max_examples=2_000, deadline=None)
@given(documents)
def test_canonical_bytes_are_those_of_rfc_8785(document: Json) -> None:
    assert canonical(document) == rfc8785.dumps(document)  # pyright: ignore[reportArgumentType] a document of its kind


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
