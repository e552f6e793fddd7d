"""The strict reader: one text, one meaning."""

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from truth_sealing.canonical import Json
from truth_sealing.strict import NESTING_MAX, StrictError, strict, strict_object


@pytest.mark.parametrize(
    ("text", "why"),
    [
        pytest.param('{"a":1,"a":1}', "a key of 1 characters occurs twice", id="duplicate key"),
        pytest.param('{"b":{"a":1,"\\u0061":2}}', "occurs twice", id="duplicate key by escape, nested"),
        pytest.param("9007199254740992", "beyond", id="integer beyond 2^53"),
        pytest.param("-9007199254740992", "beyond", id="integer below -2^53"),
        pytest.param("1" * 5000, "beyond", id="integer of 5,000 digits"),
        pytest.param("NaN", "not JSON", id="not a number"),
        pytest.param("-Infinity", "not JSON", id="infinity"),
        pytest.param("1e400", "overflows", id="overflow"),
        pytest.param('"\\ud800"', "surrogate", id="lone surrogate by escape"),
        pytest.param('{"\\udfff":1}', "surrogate", id="lone surrogate in a key"),
        pytest.param('"\ud800"', "surrogate", id="lone surrogate as such"),
        pytest.param("\ufeff{}", "byte-order mark", id="byte-order mark"),
        pytest.param(b"\xef\xbb\xbf{}", "byte-order mark", id="byte-order mark in bytes"),
        pytest.param(b'"\xff"', "not UTF-8", id="bad UTF-8"),
        pytest.param(b'"\xed\xa0\x80"', "not UTF-8", id="surrogate in UTF-8"),
        pytest.param("[" * (NESTING_MAX + 1) + "]" * (NESTING_MAX + 1), "nested", id="deep nesting"),
        pytest.param("[" * 100_000, "nested", id="very deep nesting"),
        pytest.param("{} {}", "not JSON", id="two documents"),
        pytest.param("", "not JSON", id="nothing"),
        pytest.param('{"a":1,}', "not JSON", id="trailing comma"),
    ],
)
def test_a_text_with_more_than_one_meaning_is_refused(text: bytes | str, why: str) -> None:
    with pytest.raises(StrictError, match=why):
        strict(text)


def test_brackets_inside_texts_do_not_count_as_nesting() -> None:
    text = json.dumps({"a": "[{" * 200 + '\\"' + "[" * 100})
    assert strict(text) == json.loads(text)


def test_a_surrogate_pair_is_one_character() -> None:
    assert strict('"\\ud83d\\ude00"') == "😀"


def test_an_array_is_no_object() -> None:
    with pytest.raises(StrictError, match="object"):
        strict_object("[]")


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers(-9, 9) | st.text(st.characters(exclude_categories=("Cs",))),
        lambda inner: (
            st.lists(inner) | st.dictionaries(st.text(st.characters(exclude_categories=("Cs",))), inner)
        ),
    )
)
def test_what_an_ordinary_writer_writes_is_read_alike(document: Json) -> None:
    assert strict(json.dumps(document)) == document
    assert strict(json.dumps(document, ensure_ascii=False).encode()) == document


@pytest.mark.parametrize("unended", ["\\", '\\"'])
def test_a_hostile_text_takes_bounded_time(unended: str) -> None:
    started = time.process_time()
    with pytest.raises(StrictError):
        strict('"' + unended * 200_000 + "[" * 100)
    assert time.process_time() - started < 2
