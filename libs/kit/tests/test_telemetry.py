import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from pydantic import TypeAdapter
from sqlalchemy.exc import IntegrityError
from truth_kit import telemetry

SECRET = "what-only-the-sender-knows"


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    stream = io.StringIO()
    telemetry.set_up("intake", "1.2.3", stream)
    yield stream
    root.handlers[:], root.level = handlers, level
    structlog.reset_defaults()


def entries(lines: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in lines.getvalue().splitlines()]


def test_a_line_names_service_version_time_and_event(lines: io.StringIO) -> None:
    with structlog.contextvars.bound_contextvars(request_id="r-1"):
        structlog.get_logger().info("batch.committed", acted_on=3)
    (entry,) = entries(lines)
    assert entry.pop("at").endswith("Z")
    assert entry == {
        "service": "intake",
        "version": "1.2.3",
        "level": "info",
        "event": "batch.committed",
        "acted_on": 3,
        "request_id": "r-1",
    }


def test_libraries_speak_json_too(lines: io.StringIO) -> None:
    logging.getLogger("alembic").warning("at %s", 5)
    assert [(entry["event"], entry["service"]) for entry in entries(lines)] == [("at 5", "intake")]


def test_a_noisy_library_says_a_thing_once(lines: io.StringIO) -> None:
    noisy = logging.getLogger("aiokafka.conn")
    for port in range(40):
        noisy.error("Unable to connect to %s", port)
    noisy.error("Something else")
    noisy.info("Only chatter")
    assert [entry["event"] for entry in entries(lines)] == ["Unable to connect to 0", "Something else"]


def fail_in_the_database() -> None:
    try:
        raise ValueError("a bug of ours")
    except ValueError as error:
        raise IntegrityError("INSERT", {"name": SECRET}, Exception(SECRET)) from error


def test_an_exception_is_told_without_what_people_wrote(lines: io.StringIO) -> None:
    log = structlog.get_logger()
    for fail in (fail_in_the_database, lambda: TypeAdapter(int).validate_python(SECRET)):
        try:
            fail()
        except Exception as error:
            log.error("part.crashed", exc_info=error)
            logging.getLogger("uvicorn.error").error("Failed", exc_info=error)
    told = entries(lines)
    assert len(told) == 4
    assert SECRET not in lines.getvalue()
    assert "ValueError: a bug of ours\nwhich led to\n" in told[0]["exception"]
    assert told[0]["exception"].endswith("IntegrityError")
    assert "fail_in_the_database" in told[0]["exception"]
