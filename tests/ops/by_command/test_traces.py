"""`make ops PART=traces`: one trace runs from the client that publishes through all five services."""

import json
import os
import shutil
import tempfile
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import pytest
from truth_local.backends import described
from truth_local.demo import acting, doors, upstream, walk
from truth_local.demo.acting import Answer, wait_for
from truth_local.demo.walk import People, unseen
from truth_local.starting import start_infrastructure, start_services, stop_all
from truth_local.system import System
from truth_local.watch import Watch
from truth_topology.connection import Login

from tests.ops.by_command.collecting import Collector, Span, collector

SERVICES = {"intake", "governance", "execution", "records", "signals"}
STEPS = {"publish intakes.accepted", "process jobs.created", "publish records.sealed"}


@dataclass(frozen=True, slots=True)
class Traced:
    """A system whose spans are collected."""

    system: System
    collector: Collector


@pytest.fixture(scope="module")
def traced() -> Generator[Traced]:
    """A system of its own: where spans go is told to a process at its start."""
    folder = Path(tempfile.mkdtemp(prefix="truth-"))
    try:
        with (
            collector() as collecting,
            environment(collecting.url),
            described("local", folder, "folder") as system,
        ):
            try:
                start_infrastructure(system, Watch())
                start_services(system, Watch())
                yield Traced(system, collecting)
            finally:
                stop_all(system, lambda _part, _what: None)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def environment(url: str) -> Generator[None]:
    os.environ["OTEL_EXPORTER_OTLP_ENDPOINT"] = url
    try:
        yield
    finally:
        del os.environ["OTEL_EXPORTER_OTLP_ENDPOINT"]


def by_topic(traced: Traced, people: People, parent: str | None) -> Answer:
    """A new Intake, published to requests.submitted."""
    asked = doors.request("kitchen-repairs", "Tap drips", "Drip.")
    login = Login(
        traced.system.bootstrap, "upstream-acme", traced.system.principals["upstream-acme"].password
    )
    headers = {
        "ce_specversion": "1.0",
        "ce_id": str(uuid4()),
        "ce_source": doors.SOURCE,
        "ce_type": "truth.requests.submitted.v1",
        "content-type": "application/json",
        **({"traceparent": parent} if parent else {}),
    }
    upstream.send(login, "requests.submitted", json.dumps(asked).encode(), headers)
    return wait_for(lambda: acting.intake_of(people.admin, doors.SOURCE, str(asked["request_key"])), "Intake")


def by_api(traced: Traced, people: People, parent: str | None) -> Answer:
    """A new Intake, posted to /api/requests."""
    headers = {
        "authorization": f"Bearer {people.upstream.token}",
        **({"traceparent": parent} if parent else {}),
    }
    asked = doors.request("kitchen-repairs", "Tap drips", "Drip.")
    url = f"{traced.system.urls['intake']}/api/requests"
    return acting.lasting_client().post(url, json=asked, headers=headers).raise_for_status().json()


@pytest.mark.parametrize("door", [by_topic, by_api])
@pytest.mark.parametrize(
    "is_carried", [pytest.param(True, id="the client's"), pytest.param(False, id="its own")]
)
def test_one_trace_runs_through_all_five_services(
    traced: Traced, door: Callable[[Traced, People, str | None], Answer], is_carried: bool
) -> None:
    people, clients = walk.people(traced.system), uuid4().hex
    intake = door(traced, people, f"00-{clients}-b7ad6b7169203331-01" if is_carried else None)
    walk.walk("traced", intake, people, unseen)
    request_id = str(intake["request_id"])
    expected = clients if is_carried else request_id.replace("-", "")

    def everywhere() -> list[Span] | None:
        """A service hands its spans on every few seconds, so the last step's may come before an earlier one's."""
        found = [span for span in traced.collector.spans if span.request_id == request_id]
        is_whole = {span.service for span in found} == SERVICES and {span.name for span in found} >= STEPS
        return found if is_whole and last(found) else None

    spans = wait_for(everywhere, "spans of all five services")
    assert {span.trace for span in spans} == {expected}
    at_the_door = [
        span.name for span in traced.collector.spans if span.trace == expected and not span.request_id
    ]
    assert at_the_door == (["process requests.submitted"] if is_carried and door is by_topic else [])


def last(spans: Sequence[Span]) -> bool:
    """Whether the tracker has been told of the Signal: nothing comes after that."""
    return any((span.service, span.name) == ("intake", "process signals.emitted") for span in spans)
