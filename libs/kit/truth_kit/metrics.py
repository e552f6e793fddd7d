"""What one process counts, for `/metrics`: by batch where that is enough, in memory, never in a statement.

Names are OpenTelemetry's where it has one, in Prometheus' spelling. No label ever holds an id.
"""

import re
from collections import Counter as Tally
from collections import defaultdict
from collections.abc import Iterable, Mapping

from opentelemetry.trace import Tracer
from prometheus_client import CollectorRegistry, Counter, Histogram, disable_created_metrics
from truth_contracts.reached import Reached

disable_created_metrics()  # a second series for each counter, which tells when the process began

SERIES_MAX = 400
"""Series that one process may show at most: what a busy Prometheus still scrapes without notice."""

_SCHEMAS_MAX = 8  # of one contract
_OWN_SCHEMA = re.compile(r"urn:runtime-truth:[a-z.-]{1,40}:[0-9]{1,4}\.[0-9]{1,4}")
_HOP_BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 3600)
_PATH_BUCKETS = (0.1, 0.5, 1, 5, 30, 60, 300, 900, 3600, 4 * 3600, 24 * 3600, 3 * 24 * 3600, 7 * 24 * 3600)
"""From the machine's own steps to a Task that waited for a week."""

_BATCH_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15)


class Metrics:
    """Counters of one process, in a registry of its own: tests run five services in one process.

    `tracer` is where its spans go, if they go anywhere.
    """

    def __init__(self, service: str, tracer: Tracer | None = None) -> None:
        registry = self.registry = CollectorRegistry()
        self.tracer = tracer
        self.service = service
        self._schemas: defaultdict[str, set[str]] = defaultdict(set)  # by type
        self._sent = Counter(
            "messaging_client_sent_messages",
            "Messages that the broker acknowledged.",
            ("messaging_destination_name",),
            registry=registry,
        )
        self._consumed = Counter(
            "messaging_client_consumed_messages",
            "Messages decided on: acted on, refused, or known already.",
            ("messaging_destination_name", "messaging_consumer_group_name"),
            registry=registry,
        )
        self._batches = Histogram(
            "messaging_process_duration_seconds",
            "How long a batch took, from its turn to the commit in the database.",
            ("messaging_consumer_group_name", "error_type"),
            buckets=_BATCH_BUCKETS,
            registry=registry,
        )
        self._hops = Histogram(
            "truth_hop_seconds",
            "From the writer's commit (at the door: the broker's clock) to ours, for each event acted on.",
            ("messaging_destination_name",),
            buckets=_HOP_BUCKETS,
            registry=registry,
        )
        self._steps, self._paths = _of_the_path(registry)
        self._duplicates = Counter(
            "truth_inbox_duplicates", "Messages that were decided on before.", registry=registry
        )
        self._letters = Counter(
            "truth_dead_letters", "Messages not acted on, by refusal code.", ("reason",), registry=registry
        )
        self._contracts = Counter(
            "truth_contract_messages",
            "Events acted on, by contract and version as their sender names it.",
            ("type", "dataschema"),
            registry=registry,
        )
        self._forbidden = Counter(
            "truth_relay_forbidden", "Times that the broker did not let us publish.", registry=registry
        )

    def count_sent(self, topics: Iterable[str]) -> None:
        """The broker has these."""
        for topic, count in Tally(topics).items():
            self._sent.labels(topic).inc(count)

    def count_forbidden(self) -> None:
        """The broker refused a publication for want of a right."""
        self._forbidden.inc()

    def count_consumed(self, topics: Iterable[str], seconds: float) -> None:
        """A batch was decided on, in so many seconds."""
        for topic, count in Tally(topics).items():
            self._consumed.labels(topic, self.service).inc(count)
        self._batches.labels(self.service, "").observe(seconds)

    def count_failed(self, error: BaseException | None, seconds: float) -> None:
        """A batch was rolled back. Its messages count once it succeeds."""
        self._batches.labels(self.service, type(error).__name__).observe(seconds)

    def count_decided(self, repeated: int, codes: Iterable[str]) -> None:
        """What of a batch was known before, and what was refused."""
        self._duplicates.inc(repeated)
        for code, count in Tally(codes).items():
            self._letters.labels(code).inc(count)

    def count_hops(self, hops: Mapping[str, Iterable[float]]) -> None:
        """How many seconds each event of these topics took."""
        for topic, taken in hops.items():
            _observe(self._hops.labels(topic), taken)

    def count_steps(self, steps: Iterable[Reached]) -> None:
        """Requests have come to these."""
        taken: defaultdict[tuple[str | None, str], list[float]] = defaultdict(list)
        for one in steps:
            taken[one.after, one.step].append(one.seconds)
        for (after, step), seconds in taken.items():
            self._steps.labels(step).inc(len(seconds))
            if after is not None:
                _observe(self._paths.labels(after, step), seconds)

    def count_contracts(self, contracts: Mapping[tuple[str, str], int]) -> None:
        """Events of these types and schemas.

        A stranger may name any: what is no name of ours is `other`, and so is one too many for its contract.
        """
        for (kind, schema), count in contracts.items():
            shown = self._schemas[kind]
            if len(shown) < _SCHEMAS_MAX and _OWN_SCHEMA.fullmatch(schema):
                shown.add(schema)
            label = schema if schema in shown or not schema else "other"
            self._contracts.labels(kind, label).inc(count)


def _observe(histogram: Histogram, taken: Iterable[float]) -> None:
    for seconds in taken:
        histogram.observe(max(0.0, seconds))  # a clock that is behind makes no negative time


def _of_the_path(registry: CollectorRegistry) -> tuple[Counter, Histogram]:
    steps = Counter(
        "truth_step",
        "Steps of the path, when the next service has acted on the hand-off that tells of them.",
        ("step",),
        registry=registry,
    )
    seconds = Histogram(
        "truth_path_seconds",
        "From one step of the path to the next, by the clocks of those who took them.",
        ("from", "to"),
        buckets=_PATH_BUCKETS,
        registry=registry,
    )
    return steps, seconds
