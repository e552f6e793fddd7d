"""Spans for whoever collects them (OpenTelemetry), in the trace that a request came with (`traces` keeps it).

A request that came with none has its id as its trace's id: all five services know that anyway. Off until
`set_up` finds where spans go; then one span for each event acted on or published.
"""

import os
import re
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from importlib import import_module
from typing import Any, cast, overload
from uuid import UUID

import structlog
from opentelemetry import trace
from opentelemetry.trace import NonRecordingSpan, SpanContext, SpanKind, TraceFlags, Tracer
from truth_contracts.envelope import Message, Received
from truth_contracts.steps import PathEvent

log = structlog.get_logger()

ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"
"""OpenTelemetry's own variable: where spans go (OTLP over HTTP). Without it there are none."""

TRACEPARENT = "traceparent"
"""The header of W3C Trace Context."""

_PARENT = re.compile(
    r"00-(?P<trace>(?!0{32})[0-9a-f]{32})-(?P<span>(?!0{16})[0-9a-f]{16})-(?P<flags>[0-9a-f]{2})"
)
_SAMPLED = TraceFlags(TraceFlags.SAMPLED)


def set_up(service: str, version: str) -> Tracer | None:
    """A tracer that exports from a thread of its own, if the environment says where to.

    That needs what `truth-kit[tracing]` brings.
    """
    if not os.environ.get(ENDPOINT):
        return None
    try:
        make = cast("Callable[[str, str], Tracer]", import_module("truth_kit.exporting").tracer)
    except ModuleNotFoundError as error:
        log.error("tracing.not_installed", missing=error.name)
        return None
    return make(service, version)


def parent_of(message: Message) -> str | None:
    """The `traceparent` (W3C Trace Context) that its sender gave a message; None without a good one."""
    for name, value in message.headers:
        if name == TRACEPARENT:
            return good_parent(value.decode("ascii", "replace"))
    return None


def good_parent(told: str | None) -> str | None:
    """`told` if it is a `traceparent` as the standard has it."""
    return told if told and _PARENT.fullmatch(told) else None


def tell_processed(tracer: Tracer, group: str, events: Iterable[Received[Any]], seconds: float) -> None:
    """Events were acted on, and that is durable now; the batch took so long.

    A message at the door has no request yet: it is told only in its sender's trace.
    """
    now_ns = time.time_ns()
    for received in events:
        event: object = received.event
        request_id = event.request_id if isinstance(event, PathEvent) else None
        within = _context(parent_of(received.message), request_id)
        if within is None:
            continue
        topic = received.coordinates.topic
        span = tracer.start_span(
            f"process {topic}",
            trace.set_span_in_context(NonRecordingSpan(within)),
            SpanKind.CONSUMER,
            {**_facts(topic, received.event_id, request_id), "messaging.consumer.group.name": group},
            start_time=now_ns - int(seconds * 1e9),
        )
        span.end(now_ns)


def tell_published(tracer: Tracer, rows: Sequence[tuple[str, tuple[tuple[str, bytes], ...]]]) -> None:
    """Kafka has these, by topic and headers: from the owner's commit to the broker's acknowledgement."""
    now_ns = time.time_ns()
    for topic, headers in rows:
        named = {name: value.decode("utf-8", "replace") for name, value in headers}
        if "ce_subject" not in named:
            continue
        request_id = UUID(named["ce_subject"])
        within = _context(named.get(TRACEPARENT), request_id)
        since = datetime.fromisoformat(named["ce_time"])
        span = tracer.start_span(
            f"publish {topic}",
            trace.set_span_in_context(NonRecordingSpan(within)),
            SpanKind.PRODUCER,
            _facts(topic, named["ce_id"], request_id),
            start_time=int(since.timestamp() * 1e9),
        )
        span.end(now_ns)


def request_context(request_id: UUID) -> SpanContext:
    """What all spans of a request hang under that came without a trace: one named by its id."""
    return SpanContext(
        request_id.int, (request_id.int & (2**64 - 1)) or 1, is_remote=True, trace_flags=_SAMPLED
    )


@overload
def _context(parent: str | None, request_id: UUID) -> SpanContext: ...
@overload
def _context(parent: str | None, request_id: UUID | None) -> SpanContext | None: ...
def _context(parent: str | None, request_id: UUID | None) -> SpanContext | None:
    """The sender's, else the request's own."""
    found = _PARENT.fullmatch(parent) if parent else None
    if found is None:
        return request_context(request_id) if request_id else None
    flags = TraceFlags(int(found["flags"], 16))
    return SpanContext(int(found["trace"], 16), int(found["span"], 16), is_remote=True, trace_flags=flags)


def _facts(topic: str, event_id: str, request_id: UUID | None) -> Mapping[str, str]:
    facts = {
        "messaging.system": "kafka",
        "messaging.destination.name": topic,
        "messaging.message.id": event_id,
    }
    return facts if request_id is None else facts | {"messaging.message.conversation_id": str(request_id)}
