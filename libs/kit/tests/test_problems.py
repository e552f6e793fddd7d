import logging
from collections.abc import AsyncIterator, Mapping
from typing import Annotated, Any
from uuid import UUID

import httpx
import pytest
import sqlalchemy.exc
from fastapi import FastAPI, Request
from pydantic import BaseModel, StringConstraints
from truth_contracts.refusals import CODES, Refusal
from truth_kit import problems
from truth_kit.problems import BODY_BYTES_MAX, STATUSES, Refused, database_is_away, uploaded

SECRET = "what-only-the-sender-knows"


class Command(BaseModel, extra="forbid"):
    """A body with rules."""

    note: Annotated[str, StringConstraints(max_length=10)]
    version: int


def door() -> FastAPI:
    app = FastAPI()
    problems.install(app)

    @app.post("/commands/{command_id}")
    async def command(command_id: UUID, command: Command) -> Command:
        assert command_id
        return command

    @app.post("/refuse/{code}")
    async def refuse(code: str) -> None:
        raise Refused(
            Refusal(code, "No.", field="version", expected="2", received="a number"), {"version": 2}
        )

    @app.post("/fail/{secret}")
    async def fail(secret: str) -> None:
        raise KeyError(secret)

    @app.post("/database")
    async def database() -> None:
        raise ConnectionRefusedError(111, "Connect call failed")

    @app.put("/bytes")
    async def octets(request: Request) -> int:
        return sum([len(chunk) async for chunk in uploaded(request, 3 * BODY_BYTES_MAX)])

    return app


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(door())
    async with httpx.AsyncClient(transport=transport, base_url="http://truth") as client:
        yield client


def problem(answer: httpx.Response, code: str) -> dict[str, Any]:
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.json()
    assert body["code"] == code
    assert body["type"] == f"urn:runtime-truth:problem:{code}"
    assert body["title"] == CODES[code]
    assert body["status"] == answer.status_code
    assert body["request_id"] == answer.headers["x-request-id"]
    return body


def test_every_refusal_code_has_a_status() -> None:
    assert set(STATUSES) == set(CODES)


@pytest.mark.parametrize("code", sorted(CODES))
async def test_a_refusal_becomes_a_problem_with_its_status(client: httpx.AsyncClient, code: str) -> None:
    answer = await client.post(f"/refuse/{code}")
    assert answer.status_code == STATUSES[code]
    body = problem(answer, code)
    assert body["detail"] == "No."
    assert body["current"] == {"version": 2}
    assert body["fields"] == [{"field": "version", "message": "No.", "expected": "2", "received": "a number"}]
    assert ("retry-after" in answer.headers) == (answer.status_code in (429, 503))
    assert ("www-authenticate" in answer.headers) == (answer.status_code == 401)


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        pytest.param({"note": SECRET, "version": 1}, ["body.note"], id="too long"),
        pytest.param({"note": "n", "version": SECRET}, ["body.version"], id="no number"),
        pytest.param({"version": 1}, ["body.note"], id="missing"),
        pytest.param({"note": "n", "version": 1, "more": SECRET}, ["body.more"], id="unknown"),
        pytest.param({"note": 5, "version": None}, ["body.note", "body.version"], id="two"),
    ],
)
async def test_wrong_fields_are_named_without_their_values(
    client: httpx.AsyncClient, body: Mapping[str, object], fields: list[str]
) -> None:
    answer = await client.post(f"/commands/{UUID(int=1)}", json=body)
    assert answer.status_code == 422
    told = problem(answer, "body_malformed")["fields"]
    assert [field["field"] for field in told] == fields
    assert all(field["message"] for field in told)
    assert SECRET not in answer.text


async def test_what_is_not_json_is_a_malformed_body(client: httpx.AsyncClient) -> None:
    headers = {"content-type": "application/json"}
    answer = await client.post(f"/commands/{UUID(int=1)}", content=b"{oops", headers=headers)
    assert answer.status_code == 422
    problem(answer, "body_malformed")


async def test_unknown_addresses_and_methods_are_problems(client: httpx.AsyncClient) -> None:
    problem(await client.get("/nowhere"), "not_found")
    answer = await client.get("/database")
    assert answer.status_code == 405
    problem(answer, "method_not_allowed")


async def test_a_failure_is_told_by_reference_only(
    client: httpx.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.ERROR)
    answer = await client.post(f"/fail/{SECRET}")
    assert answer.status_code == 500
    problem(answer, "internal_error")
    assert SECRET not in answer.text


async def test_an_absent_database_is_503(client: httpx.AsyncClient) -> None:
    answer = await client.post("/database")
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "2"
    problem(answer, "database_unavailable")


async def test_a_json_body_over_the_limit_is_413(client: httpx.AsyncClient) -> None:
    note = "n" * BODY_BYTES_MAX
    answer = await client.post(f"/commands/{UUID(int=1)}", json={"note": note, "version": 1})
    assert answer.status_code == 413
    assert str(BODY_BYTES_MAX) in problem(answer, "body_too_large")["detail"]


async def test_a_body_of_undeclared_length_is_counted(client: httpx.AsyncClient) -> None:
    async def much() -> AsyncIterator[bytes]:
        for _ in range(20):
            yield b" " * (BODY_BYTES_MAX // 10)

    headers = {"content-type": "application/json"}
    answer = await client.post(f"/commands/{UUID(int=1)}", content=much(), headers=headers)
    assert answer.status_code == 413


async def test_an_upload_has_its_own_limit(client: httpx.AsyncClient) -> None:
    assert (await client.put("/bytes", content=b"b" * 2 * BODY_BYTES_MAX)).json() == 2 * BODY_BYTES_MAX
    problem(await client.put("/bytes", content=b"b" * (3 * BODY_BYTES_MAX + 1)), "body_too_large")


async def test_answers_are_neither_sniffed_nor_stored(client: httpx.AsyncClient) -> None:
    answer = await client.get("/nowhere")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-store"


class Sqlstate(Exception):  # noqa: N818 it stands for the errors of a driver
    """What a driver raises, with the one attribute that counts."""

    def __init__(self, sqlstate: str) -> None:
        super().__init__()
        self.sqlstate = sqlstate


def from_driver(sqlstate: str) -> sqlalchemy.exc.DBAPIError:
    return sqlalchemy.exc.DBAPIError("SELECT 1", {}, Sqlstate(sqlstate))


@pytest.mark.parametrize(
    ("error", "is_away"),
    [
        pytest.param(ConnectionRefusedError(111, "refused"), True, id="refused"),
        pytest.param(OSError("Multiple exceptions: [Errno 111] ..."), True, id="refused on two addresses"),
        pytest.param(TimeoutError(), True, id="no answer in time"),
        pytest.param(sqlalchemy.exc.TimeoutError(), True, id="pool exhausted"),
        pytest.param(from_driver("57P01"), True, id="shutting down"),
        pytest.param(from_driver("55P03"), True, id="lock not available"),
        pytest.param(from_driver("40P01"), True, id="deadlock"),
        pytest.param(from_driver("23505"), False, id="unique violation"),
        pytest.param(from_driver("42703"), False, id="no such column"),
        pytest.param(OSError(28, "No space left on device"), False, id="disk full"),
        pytest.param(FileNotFoundError(2, "No such file", "/somewhere"), False, id="no such file"),
        pytest.param(ValueError(), False, id="a bug"),
    ],
)
def test_an_absent_database_is_told_from_a_bug(error: Exception, is_away: bool) -> None:
    assert database_is_away(error) is is_away
