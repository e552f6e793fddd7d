"""`/metrics`: what was counted, and what is so at this moment. What is not known has no series, never a 0."""

from collections.abc import Iterable, Iterator, Sequence

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from truth_contracts.ops import Flow, Judged

from truth_kit.metrics import Metrics

CONTENT_TYPE = CONTENT_TYPE_LATEST
_TOPIC = ("messaging_destination_name",)


def exposition(metrics: Metrics, flow: Flow, judged: Sequence[Judged]) -> bytes:
    """Everything, in Prometheus' text format."""
    return generate_latest(metrics.registry) + generate_latest(_Present(_present(flow, judged)))


class _Present:
    """Families that exist for one scrape (what prometheus_client calls a collector)."""

    def __init__(self, families: Iterable[Metric]) -> None:
        self._families = list(families)

    def collect(self) -> Iterable[Metric]:
        return self._families


def _present(flow: Flow, judged: Sequence[Judged]) -> Iterator[Metric]:
    build = GaugeMetricFamily("truth_build_info", "The release that runs.", labels=("version",))
    build.add_metric((flow.version,), 1)
    yield build
    yield _single("truth_ready", "1 when /health/ready says so.", 0 if flow.failing else 1)
    failing = GaugeMetricFamily("truth_failing", "Parts that keep it from being ready.", labels=("part",))
    for part in flow.failing:
        failing.add_metric((part,), 1)
    yield failing
    yield from _consumer(flow)
    yield from _outbox(flow)
    yield from _database(flow)
    broken = GaugeMetricFamily(
        "truth_invariant_violations", "How often a promise of the path is broken.", labels=("rule",)
    )
    for one in judged:
        broken.add_metric((one.rule,), one.violations)
    yield broken


def _consumer(flow: Flow) -> Iterator[Metric]:
    behind = GaugeMetricFamily("truth_consumer_lag_messages", "Messages not decided on yet.", labels=_TOPIC)
    oldest = GaugeMetricFamily("truth_consumer_lag_seconds", "Age of the first of them.", labels=_TOPIC)
    for name, lag in (flow.lags or {}).items():
        behind.add_metric((name,), lag.behind)
        if lag.oldest_seconds is not None:
            oldest.add_metric((name,), lag.oldest_seconds)
    yield behind
    yield oldest


def _outbox(flow: Flow) -> Iterator[Metric]:
    if flow.outbox_rows is None:
        return
    yield _single("truth_outbox_rows", "Events that Kafka does not have yet.", flow.outbox_rows)
    oldest = flow.outbox_oldest_seconds or 0.0
    yield _single("truth_outbox_oldest_seconds", "Age of the first of them.", oldest)


def _database(flow: Flow) -> Iterator[Metric]:
    letters = GaugeMetricFamily(
        "truth_dead_letters_open", "Messages refused here that wait for somebody.", labels=_TOPIC
    )
    for topic, count in (flow.dead_letters or {}).items():
        letters.add_metric((topic,), count)
    yield letters
    if flow.redriven is not None:
        redriven = CounterMetricFamily("truth_redriven", "Dead letters acted on after all.")
        redriven.add_metric((), flow.redriven)
        yield redriven
    waiting = GaugeMetricFamily("truth_step_waiting", "What stands in a state.", labels=("step", "state"))
    age = GaugeMetricFamily(
        "truth_step_age_seconds", "How long the oldest of them has.", labels=("step", "state")
    )
    for one in flow.waiting or ():
        waiting.add_metric((one.step, one.state), one.count)
        age.add_metric((one.step, one.state), (flow.at - one.oldest_at).total_seconds())
    yield waiting
    yield age


def _single(name: str, told: str, value: float) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, told)
    family.add_metric((), value)
    return family
