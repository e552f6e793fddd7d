"""What /metrics shows: what was counted, nothing that is not known, and never more series than agreed."""

from datetime import timedelta
from itertools import pairwise
from typing import NoReturn

import pytest
from prometheus_client.parser import text_string_to_metric_families
from structlog.testing import capture_logs
from truth_contracts.envelope import Coordinates, Received, to_kafka
from truth_contracts.ops import Flow, Judged, TopicLag, Waiting
from truth_contracts.reached import Reached
from truth_contracts.refusals import CODES
from truth_contracts.topics import TOPICS
from truth_kit.metrics import SERIES_MAX, Metrics
from truth_kit.ops.exposition import exposition
from truth_kit.subscribe import Decided, counting
from truth_sealing.steps import STEPS

from libs.kit.tests.hop_sample import NOW, job_changed

UNKNOWN = Flow(
    service="intake",
    version="1.2.3",
    at=NOW,
    reads={},
    writes={},
    failing={"database": "has not answered yet"},
    lags=None,
    is_publisher=None,
    outbox_rows=None,
    outbox_oldest_seconds=None,
    waiting=None,
    dead_letters=None,
    redriven=None,
)


def shown(flow: Flow, metrics: Metrics | None = None, *judged: Judged) -> dict[str, float]:
    """Every sample by its name and its labels' values, in the order of the labels' names."""
    families = text_string_to_metric_families(exposition(metrics or Metrics("intake"), flow, judged).decode())
    samples = [sample for family in families for sample in family.samples]
    return {
        " ".join((one.name, *(value for _, value in sorted(one.labels.items())))): one.value
        for one in samples
    }


def test_what_is_not_known_has_no_series() -> None:
    found = shown(UNKNOWN)
    assert {name for name in found if not name.startswith(("truth_inbox", "truth_relay"))} == {
        "truth_build_info 1.2.3",
        "truth_ready",
        "truth_failing database",
    }
    assert found["truth_ready"] == 0


def test_what_is_known_is_shown() -> None:
    known = UNKNOWN.model_copy(
        update={
            "failing": {},
            "lags": {"a": TopicLag(3, 7.5), "b": TopicLag(2, None)},
            "outbox_rows": 0,
            "waiting": [
                Waiting(step="task", state="approved", count=2, oldest_at=NOW - timedelta(seconds=9))
            ],
            "dead_letters": {"a": 4},
            "redriven": 1,
        }
    )
    broken = Judged(rule="one_job", promise="One Job.", violations=5, at=NOW, seconds=0.1)
    found = shown(known, None, broken)
    assert (
        found
        | {
            "truth_ready": 1,
            "truth_consumer_lag_messages a": 3,
            "truth_consumer_lag_seconds a": 7.5,
            "truth_consumer_lag_messages b": 2,
            "truth_outbox_rows": 0,
            "truth_outbox_oldest_seconds": 0,
            "truth_step_waiting approved task": 2,
            "truth_step_age_seconds approved task": 9,
            "truth_dead_letters_open a": 4,
            "truth_redriven_total": 1,
            "truth_invariant_violations one_job": 5,
        }
        == found
    )
    assert "truth_consumer_lag_seconds b" not in found


def test_counts_add_up() -> None:
    metrics = Metrics("intake")
    metrics.count_consumed(["a", "a", "b"], 0.02)
    metrics.count_decided(1, ["body_invalid"])
    metrics.count_hops({"a": [0.2, -1]})  # a clock that is behind makes no negative time
    metrics.count_sent(["c"])
    metrics.count_failed(OSError("away"), 1)
    metrics.count_steps([Reached("request"), Reached("intake", "request", 2.5)])
    found = shown(UNKNOWN, metrics)
    assert found["messaging_client_consumed_messages_total intake a"] == 2
    assert found["messaging_client_sent_messages_total c"] == 1
    assert found["truth_inbox_duplicates_total"] == 1
    assert found["truth_dead_letters_total body_invalid"] == 1
    assert (found["truth_hop_seconds_count a"], found["truth_hop_seconds_sum a"]) == (2, 0.2)
    assert found["messaging_process_duration_seconds_count OSError intake"] == 1
    assert (found["truth_step_total request"], found["truth_step_total intake"]) == (1, 1)
    assert found["truth_path_seconds_sum request intake"] == 2.5


def test_the_number_of_series_is_bounded_whatever_strangers_send() -> None:
    metrics = Metrics("intake")
    read = [topic.name for topic in TOPICS if "intake" in topic.readers]
    metrics.count_consumed(read, 0.1)
    metrics.count_decided(0, list(CODES))
    metrics.count_hops({topic: [0.1] for topic in read})
    metrics.count_sent(topic.name for topic in TOPICS if topic.owner == "intake")
    metrics.count_failed(OSError(), 0.1)
    metrics.count_steps(Reached(step, after, 1) for after, step in pairwise(STEPS))
    submitted, ours = "truth.requests.submitted.v1", "urn:runtime-truth:tasks.changed:1.0"
    metrics.count_contracts({(submitted, f"urn:{number}" + "x" * 5_000): 1 for number in range(10_000)})
    metrics.count_contracts(
        {(submitted, f"urn:runtime-truth:requests.submitted:1.{number}"): 1 for number in range(10_000)}
    )
    metrics.count_contracts({("truth.tasks.changed.v1", ours): 1})
    found = shown(UNKNOWN, metrics)
    assert found[f"truth_contract_messages_total other {submitted}"] == 20_000 - 8
    assert found[f"truth_contract_messages_total {ours} truth.tasks.changed.v1"] == 1
    assert len(found) <= SERIES_MAX
    assert max(map(len, found)) < 200


def test_what_cannot_be_counted_is_told_and_disturbs_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_: object) -> NoReturn:
        raise ValueError("no year")

    monkeypatch.setattr(counting, "reached", broken)
    event = job_changed()
    place = Coordinates("jobs.changed", 0, 1)
    received = Received(
        event, "/runtime-truth/execution", str(event.event_id), {}, to_kafka(event), place, NOW
    )
    with capture_logs() as logs:
        counting.count(Metrics("intake"), [], Decided(1, 0, 0, {}, [received]), 0.1, NOW)
    assert [(entry["event"], entry["log_level"]) for entry in logs] == [("batch.not_counted", "error")]
