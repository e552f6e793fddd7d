"""A collector of spans: OTLP over HTTP, kept in memory."""

import gzip
import threading
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


@dataclass(frozen=True, slots=True)
class Span:
    """What is looked at of a span."""

    service: str
    name: str
    trace: str
    request_id: str | None


@dataclass(slots=True)
class Collector:
    """Where it listens, and what came."""

    url: str
    spans: list[Span] = field(default_factory=list[Span])


@contextmanager
def collector() -> Generator[Collector]:
    """One that listens until the block ends."""

    class Door(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            octets = self.rfile.read(int(self.headers["content-length"]))
            is_packed = self.headers["content-encoding"] == "gzip"  # an OpenTelemetry Collector does that
            made.spans.extend(_read(gzip.decompress(octets) if is_packed else octets))
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            del format, args

    server = ThreadingHTTPServer(("127.0.0.1", 0), Door)
    made = Collector(f"http://127.0.0.1:{server.server_port}")
    running = threading.Thread(target=server.serve_forever)
    running.start()
    try:
        yield made
    finally:
        server.shutdown()
        running.join()
        server.server_close()


def _read(octets: bytes) -> list[Span]:
    found = ExportTraceServiceRequest.FromString(octets)
    return [
        Span(
            next(one.value.string_value for one in part.resource.attributes if one.key == "service.name"),
            span.name,
            span.trace_id.hex(),
            next(
                (
                    one.value.string_value
                    for one in span.attributes
                    if one.key == "messaging.message.conversation_id"
                ),
                None,
            ),
        )
        for part in found.resource_spans
        for scope in part.scope_spans
        for span in scope.spans
    ]
