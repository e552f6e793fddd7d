"""What one process counts, for `/metrics`: by batch where that is enough, in memory, never in a statement.

Names are OpenTelemetry's where it has one, in Prometheus' spelling. No label ever holds an id.
"""

from collections import Counter as Tally
from collections.abc import Iterable, Mapping

from opentelemetry.trace import Tracer
from prometheus_client import CollectorRegistry, Counter, Histogram, disable_created_metrics

disable_created_metrics()  # a second series for each counter, which tells when the process began

SERIES_MAX = 400
"""Series that one process may show at most: what a busy Prometheus still scrapes without notice."""

_SCHEMAS_MAX = 64
_HOP_BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 3600)
_BATCH_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15)


class Metrics:
    """Counters of one process, in a registry of its own: tests run five services in one process.

    `tracer` is where its spans go, if they go anywhere.
    """

    def __init__(self, service: str, tracer: Tracer | None = None) -> None:
        registry = self.registry = CollectorRegistry()
        self.tracer = tracer
        self.service = service
        self._schemas: dict[str, str] = {}
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
            "How long a batch took, from the poll to the commit in the database.",
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
            observe = self._hops.labels(topic).observe
            for seconds in taken:
                observe(max(0.0, seconds))

    def count_contracts(self, contracts: Mapping[tuple[str, str], int]) -> None:
        """Events of these types and schemas. A stranger may name any schema: past a number it is `other`."""
        for (kind, schema), count in contracts.items():
            if schema not in self._schemas and len(self._schemas) < _SCHEMAS_MAX:
                self._schemas[schema] = schema[:100]
            self._contracts.labels(kind, self._schemas.get(schema, "other")).inc(count)
