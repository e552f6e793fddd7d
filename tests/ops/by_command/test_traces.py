"""`make ops PART=traces`: one trace runs through all five services, and its sender's is linked to it."""

import json
import os
import shutil
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import pytest
from truth_local.backends import described
from truth_local.demo import acting, doors, upstream, walk
from truth_local.demo.acting import wait_for
from truth_local.demo.walk import unseen
from truth_local.starting import start_infrastructure, start_services, stop_all
from truth_local.system import System
from truth_local.watch import Watch
from truth_topology.connection import Login

from tests.ops.by_command.collecting import Collector, collector

SERVICES = {"intake", "governance", "execution", "records", "signals"}
TRACE = uuid4().hex


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


def test_one_trace_runs_through_all_five_services(traced: Traced) -> None:
    system, spans = traced.system, traced.collector.spans
    people = walk.people(system)
    asked = doors.request("kitchen-repairs", "Tap drips", "Drip.")
    login = Login(system.bootstrap, "upstream-acme", system.principals["upstream-acme"].password)
    headers = {
        "ce_specversion": "1.0",
        "ce_id": str(uuid4()),
        "ce_source": doors.SOURCE,
        "ce_type": "truth.requests.submitted.v1",
        "content-type": "application/json",
        "traceparent": f"00-{TRACE}-b7ad6b7169203331-01",
    }
    upstream.send(login, "requests.submitted", json.dumps(asked).encode(), headers)
    intake = wait_for(
        lambda: acting.intake_of(people.admin, doors.SOURCE, str(asked["request_key"])), "Intake"
    )
    walk.walk("traced", intake, people, unseen)
    own = str(intake["request_id"]).replace("-", "")

    def everywhere() -> bool | None:
        return {span.service for span in spans if span.trace == own} == SERVICES or None

    assert wait_for(everywhere, "spans of all five services")
    names = {span.name for span in spans if span.trace == own}
    assert {"publish intakes.accepted", "process jobs.created", "publish records.sealed"} <= names
    assert {span.name for span in spans if TRACE in span.links} == {
        "publish intakes.accepted",
        "process intakes.accepted",
    }
    assert [span.name for span in spans if span.trace == TRACE] == ["process requests.submitted"]
