"""The flow as rows and in one sentence: what is late, what is stuck, and above all what is not known."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from truth_console.asking import Silence
from truth_console.broker import GroupLag, KafkaLook
from truth_console.exits import Exit
from truth_console.flow.command import judged
from truth_console.flow.rows import Found, Row, Sight, Snapshot, Stand, headline, rows, trend
from truth_contracts.ops import Flow
from truth_contracts.topics import SERVICES

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)


def lag(messages: int, committed: int = 100, seconds: float = 42) -> GroupLag:
    return GroupLag(messages, committed, NOW - timedelta(seconds=seconds) if messages else None)


def flow(service: str, **changes: object) -> Flow:
    told: dict[str, object] = {
        "service": service,
        "version": "1.0.0",
        "at": NOW,
        "reads": {},
        "writes": {},
        "failing": {},
        "lags": {},
        "is_publisher": True,
        "outbox_rows": 0,
        "outbox_oldest_seconds": None,
        "waiting": [],
        "dead_letters": {},
        "redriven": 0,
    }
    return Flow.model_validate(told | changes)


def found(**silent: str) -> dict[str, Found]:
    return {name: Silence(silent[name]) if name in silent else flow(name) for name in SERVICES}


def look(lags: Mapping[tuple[str, str], GroupLag] | None = None) -> KafkaLook:
    return KafkaLook(NOW, {"records.sealed": 2.5}, lags or {("signals", "records.sealed"): lag(107)})


def row(made: list[Row], topic: str, reader: str) -> Row:
    (one,) = (one for one in made if (one.topic, one.reader) == (topic, reader))
    return one


def test_every_topic_has_a_row_for_each_service_that_reads_it_and_the_path_comes_first() -> None:
    made = [(one.topic, one.reader) for one in rows(Sight(look(), None, found(), NOW))]
    assert made[:6] == [
        ("requests.submitted", "intake"),
        ("intakes.accepted", "governance"),
        ("jobs.created", "execution"),
        ("service-events.completed", "records"),
        ("records.sealed", "signals"),
        ("records.sealed", "intake"),
    ]
    assert ("jobs.changed", "governance") in made[7:]


def test_lag_is_told_in_messages_and_in_seconds() -> None:
    one = row(rows(Sight(look(), None, found(), NOW)), "records.sealed", "signals")
    assert (one.waiting, one.oldest_seconds, one.per_second, one.dead) == (107, 42, 2.5, 0)


def test_what_nobody_tells_is_none_and_never_0() -> None:
    one = row(rows(Sight(None, None, found(signals="does not answer"), NOW)), "records.sealed", "signals")
    assert (one.waiting, one.oldest_seconds, one.per_second, one.trend, one.dead) == (None,) * 5
    unread = KafkaLook(NOW, {}, {("signals", "records.sealed"): replace(lag(3), oldest_at=None)})
    one = row(rows(Sight(unread, None, found(), NOW)), "records.sealed", "signals")
    assert (one.waiting, one.oldest_seconds) == (3, None)


def test_dead_letters_are_the_readers_of_that_topic() -> None:
    told = found() | {"signals": flow("signals", dead_letters={"records.sealed": 4})}
    made = rows(Sight(look(), None, told, NOW))
    assert row(made, "records.sealed", "signals").dead == 4
    assert row(made, "records.sealed", "intake").dead == 0


def test_a_contract_that_is_read_in_another_version_than_written_shows() -> None:
    kind = "truth.records.sealed.v1"
    told = found() | {
        "records": flow("records", writes={kind: "1.1"}),
        "signals": flow("signals", reads={kind: "1.0"}),
    }
    assert (
        row(rows(Sight(look(), None, told, NOW)), "records.sealed", "signals").contract == "1.1 read as 1.0"
    )


@pytest.mark.parametrize(
    ("earlier", "now", "expected"),
    [
        pytest.param(lag(3), lag(9), "growing", id="more wait"),
        pytest.param(lag(3), lag(3), "growing", id="the same ones still wait: their seconds grow"),
        pytest.param(lag(3, 100), lag(3, 200), "steady", id="as many wait, others"),
        pytest.param(lag(9), lag(3, 200), "shrinking", id="fewer wait"),
        pytest.param(lag(0), lag(0), "steady", id="nothing waits"),
        pytest.param(None, lag(3), None, id="only one look"),
    ],
)
def test_the_trend(earlier: GroupLag | None, now: GroupLag, expected: str | None) -> None:
    assert trend(earlier, now) == expected


STAND = Stand("records", "1.0.0", None, None, {}, 0, 0.0, ())


def snapshot(
    made: list[Row] | None = None, stands: tuple[Stand, ...] = (STAND,), kafka_silent: str | None = None
) -> Snapshot:
    lags = {(one.reader, one.topic): lag(0) for one in rows(Sight(None, None, found(), NOW))}
    made = rows(Sight(look(lags), look(lags), found(), NOW)) if made is None else made
    return Snapshot(NOW, NOW, kafka_silent, made, stands, headline(made, stands, kafka_silent))


def test_all_is_well_only_when_all_is_known() -> None:
    well = snapshot()
    assert (judged(well), well.headline) == (Exit.WELL, "Work flows; nothing is late")
    silent = replace(STAND, silent="does not answer")
    assert judged(snapshot(stands=(silent,))) == Exit.UNKNOWN
    assert judged(snapshot(kafka_silent="does not answer")) == Exit.UNKNOWN
    one_unknown = [replace(well.rows[0], oldest_seconds=None), *well.rows[1:]]
    assert judged(snapshot(one_unknown)) == Exit.UNKNOWN


def test_what_is_late_dead_or_not_ready_is_not_well() -> None:
    well = snapshot().rows
    late = [replace(well[0], oldest_seconds=61.0, trend="growing"), *well[1:]]
    assert judged(snapshot(late)) == Exit.NOT_WELL
    assert snapshot(late).headline == "intake is 61 s behind on requests.submitted and growing"
    assert judged(snapshot([replace(well[0], dead=1), *well[1:]])) == Exit.NOT_WELL
    failing = snapshot(stands=(replace(STAND, failing={"relay": "broker: away"}),))
    assert (judged(failing), failing.headline) == (Exit.NOT_WELL, "records is not ready: relay: broker: away")
