"""A few invented requests to every operation of every service; `make fuzz` sends forty to each."""

import json
import threading
from collections.abc import Callable, Generator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import requests
from fastapi import FastAPI
from pydantic import BaseModel
from truth_contracts.topics import SERVICES
from truth_kit import problems
from truth_local.system import System

from tests.security.fuzz.asking import make_known, operations
from tests.security.fuzz.trying import Door, Tried, try_all, try_operation

CASES = 3
SEED = 20261128


def test_no_invented_request_fails_a_service_and_every_answer_is_as_documented(system: System) -> None:
    tried = try_all(system, make_known(system), CASES, SEED)
    assert list(tried.wrong.values()) == []
    # Let in and refused, for every kind of reason: else this would show nothing.
    assert {200, 401, 403, 404, 409, 422} <= {status for _, _, status in tried.statuses}
    assert {service for service, _, _ in tried.statuses} == set(SERVICES)


class Thing(BaseModel):
    """What the one route answers, as its document has it."""

    size: int


def document() -> dict[str, object]:
    app = FastAPI(responses=problems.RESPONSES)

    @app.get("/thing")
    def show_thing() -> Thing:  # pyright: ignore[reportUnusedFunction]
        return Thing(size=1)

    return app.openapi()


Serve = Callable[[int, str, str], str]
PROBLEM = "application/problem+json"
TOLD = dict.fromkeys(("type", "title", "detail", "code", "request_id"), "x")


@pytest.fixture
def served() -> Generator[Serve]:
    """A service that gives one answer to everything; its address."""
    servers: list[ThreadingHTTPServer] = []

    def serve(status: int, kind: str, body: str) -> str:
        class Answer(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(status)
                self.send_header("content-type", kind)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body.encode())

            def log_message(self, format: str, *args: object) -> None:
                """Say nothing."""

        servers.append(ThreadingHTTPServer(("127.0.0.1", 0), Answer))
        threading.Thread(target=servers[0].serve_forever, args=(0.02,), daemon=True).start()
        return f"http://127.0.0.1:{servers[0].server_port}"

    yield serve
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize(
    ("status", "kind", "body", "wrong"),
    [
        pytest.param(200, "application/json", '{"size": 1}', None, id="right"),
        pytest.param(404, PROBLEM, json.dumps(TOLD | {"status": 404}), None, id="a refusal"),
        pytest.param(500, PROBLEM, json.dumps(TOLD | {"status": 500}), "ServerError", id="a failure"),
        pytest.param(
            200, "application/json", '{"size": "small"}', "JsonSchemaError", id="another form than is told"
        ),
        pytest.param(404, PROBLEM, '{"title": "No"}', "JsonSchemaError", id="a refusal without a code"),
        pytest.param(404, "text/html", "<h1>No</h1>", "UndefinedContentType", id="a refusal as a page"),
    ],
)
def test_an_answer_that_is_not_as_documented_is_told(
    served: Serve, status: int, kind: str, body: str, wrong: str | None
) -> None:
    tried = Tried()
    with requests.Session() as http:
        door = Door("a service", served(status, kind, body), http, {"nobody": None, "every role": "t"}, tried)
        for operation in operations(document()):
            try_operation(door, operation, [], CASES, SEED)
    assert {failure for _, _, failure in tried.wrong} == ({wrong} if wrong else set())
    assert {found for _, _, found in tried.statuses} == {status}
