"""What is written while it storms is what the checkers read, and the report tells it."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.faults.chaos.evidence import load, save
from tests.faults.chaos.history import Fault, History, Outcome, outcome_of, read
from tests.faults.chaos.making import evidence, told
from tests.faults.chaos.report import README, keep, kept, report, table, write_table
from tests.faults.chaos.storm import Aftermath


@pytest.fixture
def history(tmp_path: Path) -> History:
    return History(tmp_path / "history.jsonl")


def test_attempts_at_one_operation_are_read_as_one(history: History, tmp_path: Path) -> None:
    history.note("begin", seed=5)
    op = history.new_op()
    asked = {"who": "ada", "door": "governance", "method": "POST", "path": "/api/tasks/t/approve"}
    history.note("invoke", op=op, asked={"version": 1}, **asked)
    history.note("info", op=op)
    history.note("invoke", op=op, asked={"version": 1}, **asked)
    history.note("ok", op=op, answer={"version": 2})
    history.note("undone", kind="Kafka killed", target="kafka", began=0.5, touched=["intake-1"])
    history.close()
    history.note("after the end, nobody cares")
    found = read(tmp_path / "history.jsonl")
    (one,) = found.ops
    assert (found.seed, found.settled) == (5, None)
    assert (one.outcome, one.attempts, one.answers) == ("ok", 2, ({"version": 2},))
    (fault,) = found.faults
    assert fault == Fault("Kafka killed", "kafka", 0.5, fault.ended, frozenset({"intake-1"}))


@pytest.mark.parametrize(
    ("ends", "amounts_to"),
    [
        (["ok"], "ok"),
        (["info", "ok"], "ok"),
        (["fail"], "fail"),
        (["fail", "info"], "info"),
        (["info", "fail"], "info"),
        ([], "info"),
    ],
)
def test_only_a_clear_no_to_every_attempt_is_a_no(ends: Sequence[Outcome], amounts_to: Outcome) -> None:
    assert outcome_of(ends) == amounts_to


def test_a_line_is_on_disk_before_the_next_step(history: History, tmp_path: Path) -> None:
    history.note("begin", seed=6)
    assert read(tmp_path / "history.jsonl").seed == 6
    history.close()


def test_what_a_storm_left_is_read_as_it_was_kept(tmp_path: Path) -> None:
    save(evidence(), tmp_path / "evidence.json")
    assert load(tmp_path / "evidence.json") == evidence()


def test_the_table_has_every_storm_and_their_sum_and_replaces_the_one_before(tmp_path: Path) -> None:
    good, bad = (
        report(180.0, Aftermath(told(seed=seed), left, 4))
        for seed, left in ((2, evidence()), (1, evidence(rows={**evidence().rows, "signals": []})))
    )
    for one in (good, bad):
        folder = tmp_path / f"seed-{one.seed}"
        folder.mkdir()
        keep(one, folder)
    assert kept(tmp_path) == [bad, good]
    lines = table([bad, good]).splitlines()
    assert lines[2].startswith("| 1 | 1 | 1 | 1 | 0 | 4 | 1 | 0 | 0 | 0 | 1.0 / 1.0 | 10 |")
    assert lines[4].startswith("| **all** | 2 | 2 | 2 | 1 | 8 | 1 |")
    readme = tmp_path / "README.md"
    readme.write_text(README.read_text())
    for reports in ([bad], [bad, good]):
        write_table(reports, "make chaos", readme)
    text = readme.read_text()
    assert text.count("| **all** |") == 1
    assert "| replica killed | 2 |" in text
