from dataclasses import replace

import pytest
from truth_kit.lifecycle.readiness import Facts, judge
from truth_kit.relay import RelayFacts
from truth_kit.subscribe import ConsumerFacts

CONSUMER = ConsumerFacts(
    assigned=(("jobs.created", 0),),
    polled_seconds=0.3,
    fetched_seconds=0.4,
    committed_seconds=5,
    behind=0,
    waiting_for=None,
    acted_on=0,
    refused=0,
    repeated=0,
)
RELAY = RelayFacts(is_owner=True, rows=0, oldest_seconds=None, looked_seconds=0.1, waiting_for=None, sent=0)
WELL = Facts(database_seconds=1, consumer=CONSUMER, relay=RELAY)


@pytest.mark.parametrize(
    "facts",
    [
        pytest.param(WELL, id="all is well"),
        pytest.param(replace(WELL, consumer=None), id="a service that consumes nothing"),
        pytest.param(
            replace(
                WELL,
                consumer=replace(
                    CONSUMER, assigned=(), polled_seconds=None, fetched_seconds=None, behind=None
                ),
            ),
            id="a consumer without partitions",
        ),
        pytest.param(replace(WELL, relay=replace(RELAY, is_owner=False)), id="a relay standing by"),
        pytest.param(
            replace(WELL, consumer=replace(CONSUMER, committed_seconds=9_000)), id="idle for hours, lag 0"
        ),
        pytest.param(
            replace(WELL, consumer=replace(CONSUMER, committed_seconds=None)), id="nothing to commit yet"
        ),
        pytest.param(
            replace(WELL, consumer=replace(CONSUMER, behind=5_000, committed_seconds=59)),
            id="behind and moving",
        ),
        pytest.param(
            replace(WELL, database_seconds=9.9, database_error="OSError"), id="database away for a moment"
        ),
        pytest.param(replace(WELL, outbox_seconds=29.9), id="outbox young enough"),
    ],
)
def test_a_process_that_makes_progress_is_ready(facts: Facts) -> None:
    assert judge(facts) == []


@pytest.mark.parametrize(
    ("facts", "part", "word"),
    [
        pytest.param(replace(WELL, is_stopping=True), "process", "stopping", id="draining"),
        pytest.param(
            replace(WELL, database_seconds=None, database_error="OSError: refused"),
            "database",
            "refused",
            id="database never seen",
        ),
        pytest.param(replace(WELL, database_seconds=10.1), "database", "10 s", id="database away"),
        pytest.param(
            replace(WELL, schema="run migrate", outbox_seconds=None), "schema", "migrate", id="revision"
        ),
        pytest.param(replace(WELL, outbox_seconds=30.0), "outbox", "30 s", id="outbox old"),
        pytest.param(
            replace(WELL, consumer=replace(CONSUMER, waiting_for="broker: away")),
            "consumer",
            "broker",
            id="broker away",
        ),
        pytest.param(
            replace(WELL, consumer=replace(CONSUMER, polled_seconds=10.1)),
            "consumer",
            "polled",
            id="loop stuck",
        ),
        pytest.param(
            replace(WELL, consumer=replace(CONSUMER, fetched_seconds=10.1)),
            "consumer",
            "broker",
            id="broker mute",
        ),
        pytest.param(
            replace(WELL, consumer=replace(CONSUMER, fetched_seconds=None)),
            "consumer",
            "yet",
            id="never heard",
        ),
        pytest.param(
            replace(WELL, consumer=replace(CONSUMER, behind=3, committed_seconds=60.1)),
            "consumer",
            "3 messages",
            id="stuck with lag",
        ),
        pytest.param(
            replace(WELL, consumer=replace(CONSUMER, behind=3, committed_seconds=None)),
            "consumer",
            "3 messages",
            id="lag and never committed",
        ),
        pytest.param(
            replace(WELL, relay=replace(RELAY, waiting_for="broker: away")),
            "relay",
            "broker",
            id="relay waits",
        ),
        pytest.param(
            replace(WELL, crashed={"sealer": "KeyError: 'n'"}), "sealer", "KeyError", id="a task crashed"
        ),
    ],
)
def test_what_does_not_move_is_named(facts: Facts, part: str, word: str) -> None:
    (failing,) = judge(facts)
    assert failing.part == part
    assert word in failing.reason


def test_everything_that_fails_is_named() -> None:
    facts = replace(WELL, database_seconds=None, consumer=replace(CONSUMER, waiting_for="broker: away"))
    assert [failing.part for failing in judge(facts)] == ["database", "consumer"]
