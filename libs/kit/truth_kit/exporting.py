"""OpenTelemetry's SDK, as far as `tracing` needs it: what `truth-kit[tracing]` brings."""

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Tracer


def tracer(service: str, version: str) -> Tracer:
    """Spans go out in batches from a thread; what a collector that is away does not take is dropped."""
    resource = Resource.create({"service.name": service, "service.version": version})
    provider = TracerProvider(resource=resource)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return provider.get_tracer("truth_kit", version)
