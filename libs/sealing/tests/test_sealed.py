"""What is and what is not the text of a Record."""

import json
from typing import Any

import pytest
from truth_sealing import samples
from truth_sealing.canonical import canonical, sha256_hex
from truth_sealing.sealed import RecordError, read_record

MEMBERS: dict[str, Any] = json.loads(samples.bundle(samples.Keys()).record)
LINK: dict[str, Any] = MEMBERS["chain"][0]


def text(**members: Any) -> str:
    return canonical({**MEMBERS, **members}).decode()


def with_link(link: object) -> str:
    return text(chain=[link, *MEMBERS["chain"][1:]])


def test_a_record_is_read() -> None:
    record = read_record(text())
    assert (record["outcome"], record.has_whole_chain) == ("fulfilled", True)
    assert record.prev("request") is None
    assert record.prev("intake") == record.link("request")["sha256"]
    assert read_record(text(more="of a newer producer")).members["more"] == "of a newer producer"


def test_the_entry_names_the_record_and_the_completion() -> None:
    record = read_record(text())
    entry = json.loads(record.entry)
    assert entry["sha256"] == sha256_hex(text().encode())
    assert entry["subject"] == MEMBERS["chain"][6]["sha256"]
    assert json.loads(read_record(text(chain=[])).entry)["subject"] == ""


@pytest.mark.parametrize(
    ("record", "why"),
    [
        ("", "cannot be read"),
        ("[]", "cannot be read"),
        ("\ud800", "cannot be read"),
        ('{"v":1.5}', "cannot be read"),
        (text() + " ", "not in canonical form"),
        (text(v=2), "version 1"),
        (text(v="1"), "version 1"),
        *((text(**{name: None}), "needs the texts") for name in ("record_id", "maturity", "recorded_at")),
        (text(stages=None), "array of stages"),
        (text(reason=1), "reason or null"),
        (canonical({k: v for k, v in MEMBERS.items() if k != "reason"}).decode(), "reason or null"),
        (text(chain=None), "array of links"),
        (text(chain={}), "array of links"),
        (with_link(None), "array of links"),
        (with_link({}), "array of links"),
        (with_link({**LINK, "more": 1}), "array of links"),
        (with_link({**LINK, "facts": []}), "array of links"),
        (with_link({**LINK, "facts": None}), "array of links"),
        (with_link({**LINK, "at": 5}), "array of links"),
        (with_link({**LINK, "sig": None}), "array of links"),
        (with_link({**LINK, "sha256": "x"}), "array of links"),
        (with_link({**LINK, "sha256": "A" * 64}), "array of links"),
        (text(commitments=None), "needs commitments"),
        (text(commitments=[]), "needs commitments"),
        (text(commitments={"place": 1}), "not a digest"),
        (text(commitments={"place": "0" * 63}), "not a digest"),
    ],
)
def test_anything_else_is_refused(record: str, why: str) -> None:
    with pytest.raises(RecordError, match=why):
        read_record(record)
