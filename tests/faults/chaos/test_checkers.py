"""Each checker lets a good storm pass and names what is wrong with a bad one."""

from dataclasses import replace

import pytest

from tests.faults.chaos.checkers import CHECKERS, check
from tests.faults.chaos.endurance import recoveries
from tests.faults.chaos.evidence import Entry, Evidence
from tests.faults.chaos.history import Fault, Sealed, Told
from tests.faults.chaos.making import (
    POISON_AT,
    REPLICAS,
    evidence,
    evidence_with,
    lying,
    ops,
    rows,
    sample,
    told,
    told_with,
)


@pytest.mark.parametrize("name", CHECKERS)
def test_a_good_storm_passes(name: str) -> None:
    assert CHECKERS[name](told(), evidence()) == []


def more(table: str, **changed: object) -> Evidence:
    """One row more, like the first but for some columns."""
    (first, *rest) = rows()[table]
    return evidence_with(table, first, *rest, first | changed)


def less(*tables: str) -> Evidence:
    """Without the rows of these tables."""
    return evidence(rows=rows() | {table: [] for table in tables})


def frozen(idx: int, digest: str) -> Sealed:
    return Sealed(50.0, {idx: digest}, {})


UNREAD = (*evidence().log, lying("jobs.created", 2, "e10"))
READ = {**evidence().committed, "execution": [("jobs.created", 0, 3)]}
ALL_BUT_ONE = dict.fromkeys(REPLICAS, True) | {"intake-1": False}
BUSY = tuple(sample(2.0 * n, lag={"intake": 3}, committed={"intake": n}, outbox={}) for n in range(90))
IDLE = tuple(sample(2.0 * n, lag={"intake": 3}, committed={"intake": 7}, outbox={}) for n in range(90))
LEAKING = tuple(sample(2.0 * n, rss={"intake-1": (7, 100 + n)}) for n in range(90))
OTHER_PROCESSES = tuple(sample(2.0 * n, rss={"intake-1": (n // 12, 100 + n)}) for n in range(90))


@pytest.mark.parametrize(
    ("name", "history", "left", "says"),
    [
        pytest.param("C1", told(), less("intakes"), "submit ended ok and has 0 effects", id="an Intake is lost"),
        pytest.param("C1", told(), less("tasks"), "Intake without a Task", id="a Task is lost"),
        pytest.param("C1", told(), less("jobs"), "Create Job without a Job", id="a Job is lost"),
        pytest.param("C1", told(), less("commands"), "complete ended ok and has 0", id="a command is lost"),
        pytest.param("C1", told(), less("completions"), "work without a completion", id="a completion is lost"),
        pytest.param("C1", told(), less("records"), "completion without a Record", id="a Record is lost"),
        pytest.param("C1", told(), less("verdicts"), "Record without a verdict", id="a verdict is lost"),
        pytest.param("C1", told(), less("signals"), "verdict without a Signal", id="a Signal is lost"),
        pytest.param("C1", told(), less("decisions"), "approve ended ok", id="a decision is lost"),
        pytest.param("C1", told_with("create_job", outcome="fail"), evidence(), "create_job ended fail", id="refused, and yet done"),
        pytest.param("C1", told_with("submit", outcome="info"), more("intakes"), "has 2 effects", id="unknown, and done twice"),
        pytest.param("C1", told_with("claim", refusals=("job_claimed",)), evidence(), "claim was refused", id="refused what was granted"),
        pytest.param("C1", told_with("create_job", answers=({"job_id": "j1"}, {"job_id": "j2"})), evidence(), "different ways", id="two answers"),
        pytest.param("C1", told(), evidence(unsent={"intake": 2}), "2 messages unsent", id="an outbox is not empty"),
        pytest.param("C2", told(), more("jobs", job_id="j2"), "2 jobs for r1", id="two Jobs for a request"),
        pytest.param("C2", told(), more("intakes", request_id="r2"), "2 intakes", id="two Intakes for a key"),
        pytest.param("C2", told(), more("completions", record_id="x2"), "2 completions", id="two Records for a request"),
        pytest.param("C2", told(), more("signals", signal_id="g2"), "2 signals", id="two Signals for a Record"),
        pytest.param("C2", told(), evidence(log=[*evidence().log, lying("jobs.created", 3, "e11")]), "2 events on jobs.created", id="two events for a request"),
        pytest.param("C3", told(), less("intakes"), "Task without the step before", id="a Task out of nothing"),
        pytest.param("C3", told(), less("creations"), "Job without the step before", id="a Job without Create Job"),
        pytest.param("C3", told(), evidence_with("service_events", rows()["service_events"][0] | {"state": "started"}), "completion without", id="a Record of unfinished work"),
        pytest.param("C3", told(), evidence_with("verdicts", rows()["verdicts"][0] | {"reasons": '["late"]'}), "Signal without", id="a Signal against the verdict"),
        pytest.param("C3", told(), evidence(unverified={"x1": ["path_signed"]}), "does not verify", id="a Record with a broken path"),
        *(
            pytest.param("C3", told_with(what, outcome="fail"), evidence(), f"without {what} by anybody", id=f"a Record without {what}")
            for what in ("approve", "assign", "create_job", "claim", "start", "complete")
        ),
        pytest.param("C4", told(), evidence(log=[lying("jobs.changed", 0, "e5"), lying("jobs.changed", 1, "e4")]), "committed ['e4', 'e5'], appeared ['e5', 'e4']", id="two events swapped"),
        pytest.param("C4", told(), evidence(log=[lying("jobs.changed", 0, "e4")]), "appeared ['e4']", id="an event never published"),
        pytest.param("C4", told(), evidence(ledger={"intake": [Entry(1, "requests.refused", None, "e7")]}), "never appeared", id="an event without key never published"),
        pytest.param("C4", told(), evidence(log=[*evidence().log, lying("jobs.changed", 0, "e4", partition=1)]), "lies on partitions [0, 1]", id="a key on two partitions"),
        pytest.param("C5", told(sealed=(frozen(0, "b0"),)), evidence(), "Record 0 was b0", id="a Record changed"),
        pytest.param("C5", told(sealed=(frozen(1, "b2"),)), evidence(), "is None", id="a Record vanished"),
        pytest.param("C5", told(), evidence_with("checkpoints", {"size": 1, "root": "00" * 32}), "another root", id="a checkpoint that does not fit"),
        pytest.param("C5", told(), less("checkpoints"), "covers 0 of 1", id="a Record without checkpoint"),
        pytest.param("C6", told(), evidence(ledger={}), "nobody sent e3", id="published without a commit"),
        pytest.param("C6", told(), evidence(log=[*evidence().log, lying("jobs.created", 3, "e3", sha256="else")]), "different contents", id="a repeat with other contents"),
        pytest.param("C7", told(), evidence(dead={}), "did not refuse the poison", id="poison not refused"),
        pytest.param("C7", told(), evidence(dead={"execution": [(*POISON_AT, "x"), ("jobs.created", 0, 0, "x")]}), "no poison", id="a good message refused"),
        pytest.param("C7", told(), evidence(dead={"execution": [(*POISON_AT, "x")] * 2}), "dead 2 times", id="refused twice"),
        pytest.param("C7", told(), evidence(log=[]), "is not in the log", id="poison lost by the broker"),
        pytest.param("C7", told(), evidence(ledger={}), "told of 0 of 1", id="a dead letter not told"),
        pytest.param("C8", told(), evidence(log=UNREAD, committed=READ), "passed over e10", id="an offset passes a message"),
        pytest.param("C8", told(), evidence(log=UNREAD), "has not come to", id="a message not read"),
        pytest.param("C9", told(settled=None), evidence(), "never came to rest", id="no rest"),
        pytest.param("C9", told(settled=241.0), evidence(), "61 s after healing", id="rest too late"),
        pytest.param("C9", told(samples=(sample(12.0, dead=("signals-1",)),)), evidence(), "signals-1 ended by itself", id="a crash"),
        pytest.param("C9", told(vain=("70 s: no Job within 100 s",)), evidence(), "in vain", id="a wait in vain"),
        pytest.param("C9", told(samples=IDLE), evidence(), "ready and idle", id="healthy and idle"),
        pytest.param("C10", told(samples=LEAKING), evidence(), "grows by 30.0 MiB", id="a leak"),
    ],
)  # fmt: skip
def test_a_bad_storm_is_named(name: str, history: Told, left: Evidence, says: str) -> None:
    (checker,) = (found for full, found in CHECKERS.items() if full.split()[0] == name)
    assert [problem for problem in checker(history, left) if says in problem]


@pytest.mark.parametrize(
    ("history", "left"),
    [
        pytest.param(told_with("submit", outcome="info", answers=()), evidence(), id="unknown, and done"),
        pytest.param(
            told(ops=(replace(ops()["submit"], outcome="info", answers=()),)),
            evidence(rows={table: [] for table in rows()}, ledger={}, log=[], dead={}, committed={}),
            id="unknown, and not done",
        ),
        pytest.param(told(samples=(sample(12.0, dead=("intake-1",)),)), evidence(), id="dead by a fault"),
        pytest.param(told(samples=BUSY), evidence(), id="behind, and moving"),
        pytest.param(told(samples=OTHER_PROCESSES), evidence(), id="many young processes"),
    ],
)
def test_what_is_allowed_passes(history: Told, left: Evidence) -> None:
    found = check(history, left)
    sealed = found.pop("C5 sealed unchanged")
    assert not sealed or not left.rows["records"]
    assert found == {name: [] for name in found}


def test_recovery_is_counted_from_a_faults_end_to_the_first_look_at_a_system_that_is_well() -> None:
    faults = (
        Fault("replica killed", "intake-1", 10.0, 13.0, frozenset({"intake-1"})),
        Fault("Kafka killed", "kafka", 14.0, 17.0, frozenset(REPLICAS)),
    )
    unready = [sample(at, ready=ALL_BUT_ONE) for at in (18.0, 20.0)]
    looks = (*(sample(2.0 * n) for n in range(9)), *unready, *(sample(2.0 * n) for n in range(11, 20)))
    assert recoveries(told(faults=faults, samples=looks)) == [9.0, 5.0]
