"""Spans: in the trace that a request came with, else in the one its id names; none where nobody collects them."""

from dataclasses import replace
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from truth_contracts.envelope import Message, from_kafka, to_kafka
from truth_contracts.topics import JOBS_CHANGED
from truth_kit.fresh import utc_now
from truth_kit.metrics import Metrics
from truth_kit.subscribe.counting import count
from truth_kit.subscribe.decide import Decided
from truth_kit.testing import arrival
from truth_kit.tracing import parent_of, request_context, set_up, tell_published

from libs.kit.tests.hop_sample import job_changed

TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = f"00-{TRACE}-b7ad6b7169203331-01"


@pytest.fixture
def exporter() -> InMemorySpanExporter:
    return InMemorySpanExporter()


@pytest.fixture
def metrics(exporter: InMemorySpanExporter) -> Metrics:
    """Counters of a process whose spans are collected."""
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    return Metrics("governance", provider.get_tracer("truth_kit"))


def trace_of(span: ReadableSpan) -> UUID:
    context = span.get_span_context()
    assert context is not None
    return UUID(int=context.trace_id)


def with_parent(message: Message, parent: str) -> Message:
    return replace(message, headers=(*message.headers, ("traceparent", parent.encode())))


@pytest.mark.parametrize(
    "parent", [pytest.param(PARENT, id="of its sender"), pytest.param(None, id="its own")]
)
def test_an_event_acted_on_is_a_span_of_its_requests_trace(
    exporter: InMemorySpanExporter, metrics: Metrics, parent: str | None
) -> None:
    event = job_changed()
    message = to_kafka(event)
    sent = arrival(with_parent(message, parent) if parent else message)
    received = from_kafka(JOBS_CHANGED, sent.message, sent.coordinates, sent.appended_at)
    count(metrics, [sent], Decided(1, 0, 0, {}, (received,)), 0.5, utc_now())  # pyright: ignore[reportArgumentType] it was read
    (span,) = exporter.get_finished_spans()
    assert trace_of(span) == (UUID(TRACE) if parent else event.request_id)
    assert span.name == "process jobs.changed"
    told = span.attributes or {}
    assert told["messaging.message.id"] == str(event.event_id)
    assert told["messaging.message.conversation_id"] == str(event.request_id)
    assert span.start_time is not None
    assert span.end_time is not None
    assert timedelta(microseconds=(span.end_time - span.start_time) / 1000) == timedelta(seconds=0.5)


def test_a_published_event_is_a_span_from_its_commit_on(
    exporter: InMemorySpanExporter, metrics: Metrics
) -> None:
    event = job_changed(at=utc_now() - timedelta(seconds=3))
    assert metrics.tracer is not None
    own = to_kafka(event)
    tell_published(metrics.tracer, [("jobs.changed", m.headers) for m in (own, with_parent(own, PARENT))])
    spans = exporter.get_finished_spans()
    assert [trace_of(span) for span in spans] == [event.request_id, UUID(TRACE)]
    assert {span.start_time for span in spans} == {int(event.at.timestamp() * 1e9)}


def test_what_its_sender_does_not_sample_is_not_told(
    exporter: InMemorySpanExporter, metrics: Metrics
) -> None:
    assert metrics.tracer is not None
    unsampled = with_parent(to_kafka(job_changed()), PARENT.removesuffix("01") + "00")
    tell_published(metrics.tracer, [("jobs.changed", unsampled.headers)])
    assert exporter.get_finished_spans() == ()


def test_what_is_about_no_request_has_no_span(exporter: InMemorySpanExporter, metrics: Metrics) -> None:
    assert metrics.tracer is not None
    tell_published(metrics.tracer, [("governance.dead-letters", (("dl_reason", b"body_invalid"),))])
    assert exporter.get_finished_spans() == ()


@pytest.mark.parametrize(
    "told",
    [
        pytest.param(b"\xff\xfe", id="no text"),
        pytest.param(b"00-" + b"0" * 32 + b"-b7ad6b7169203331-01", id="no trace"),
        pytest.param(b"00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01", id="capitals"),
        pytest.param(PARENT.encode() + b"\n", id="a line more"),
        pytest.param(PARENT.encode() * 900, id="long"),
    ],
)
def test_what_is_no_traceparent_is_passed_over(told: bytes) -> None:
    assert parent_of(Message("requests.submitted", None, b"{}", (("traceparent", told),))) is None


def test_every_request_names_a_trace_that_the_standard_allows() -> None:
    context = request_context(UUID(int=2**64))  # an id whose lower half is zero
    assert context.is_valid
    assert request_context(uuid4()).is_valid


def test_without_a_collector_there_is_no_tracer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OTEL_EXPORTER_OTLP_ENDPOINT", raising=False)
    assert set_up("intake", "1.0.0") is None
