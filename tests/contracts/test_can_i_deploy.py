"""`truth can-i-deploy` beside a running system: what is deployed is asked, what is in flight is counted."""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import httpx
import pytest
from truth_console.__main__ import app
from truth_contracts.topics import SERVICES
from truth_gate.flight import live
from truth_gate.places import RELEASED
from truth_gate.released import Released
from truth_gate.verdict import Exit
from truth_local.demo import doors, upstream, walk
from truth_local.demo.acting import wait_for
from truth_local.demo.walk import unseen
from truth_local.facts import write_facts
from truth_local.system import System
from truth_topology.connection import Login
from typer.testing import CliRunner

from tests.faults.groups import is_caught_up, to_end
from tests.faults.settled import wait_until_healed

V2 = "truth.records.sealed.v2"
_PATIENCE_SECONDS = 90.0


@pytest.fixture(scope="module")
def system(own_system: System) -> System:
    """Its own: an event of a major version that nobody reads would stop any replay of another module."""
    return own_system


@pytest.fixture
def facts(system: System) -> Iterator[Path]:
    write_facts(system)
    yield system.layout.facts
    system.layout.facts.unlink()


def answer(*arguments: str, **environment: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["can-i-deploy", *arguments], env={"COLUMNS": "400", **environment})
    return result.exit_code, result.output


def test_what_a_service_says_of_itself_is_what_was_laid_down(facts: Path) -> None:
    told = live(facts).manifests()
    for service in SERVICES:
        laid_down = Released(RELEASED).manifest(service, told[service].version)
        assert (told[service].reads, told[service].writes) == (laid_down.reads, laid_down.writes)


@pytest.mark.parametrize("service", ["intake", "signals"])
def test_what_runs_may_be_deployed_again(service: str, system: System, facts: Path) -> None:
    wait_for(lambda: is_caught_up(system, service), f"{service} caught up", _PATIENCE_SECONDS)
    code, output = answer(service, "1.0.0", "--env", str(facts), "--all")
    assert code == Exit.YES, output
    assert f"{service} 1.0.0: yes" in output
    assert "records.sealed.v1 1.0" in output


def test_a_v2_in_flight_is_a_no_with_count_and_age_until_it_is_drained(system: System, facts: Path) -> None:
    who = walk.people(system)
    asked = doors.request("kitchen-repairs", "Tap drips", "Before the new major.")
    walk.walk("", doors.over_http("", asked, who, unseen), who, unseen)
    wait_until_healed(system)
    wait_for(lambda: is_caught_up(system, "signals"), "signals caught up", _PATIENCE_SECONDS)
    assert answer("signals", "1.0.0", "--env", str(facts))[0] == Exit.YES
    request_id = str(uuid4())
    publish_v2(system, request_id)
    try:
        waiting = lambda: "needs upgrade" in ready(system) or None  # noqa: E731
        wait_for(waiting, "signals that say what they need", _PATIENCE_SECONDS)
        code, output = answer("signals", "1.0.0", "--env", str(facts))
        assert code == Exit.NO, output
        assert re.search(r"records\.sealed\.v2 2\.0 .*1 message, the oldest 0:0\d:\d\d old", output), output
        assert "the reader does not know this type" in output
    finally:
        # Drained here as a reader of v2 would have: the group passes it. The partition then goes on.
        system.stop("signals-1")
        system.stop("intake-1")
        for service in ("signals", "intake"):
            wait_for(lambda s=service: to_end(system, s), f"{service} past it", _PATIENCE_SECONDS)
        system.start("signals-1")
        system.start("intake-1")
    code, output = answer("signals", "1.0.0", "--env", str(facts))
    assert code == Exit.YES, output


def ready(system: System) -> str:
    """What signals says of its readiness."""
    return httpx.get(f"{system.urls['signals']}/health/ready", timeout=5, trust_env=False).text


def publish_v2(system: System, request_id: str) -> None:
    """An event of a major version that nobody here knows, by records' own login."""
    login = Login(system.bootstrap, "records", system.principals["records"].password)
    headers = {
        "ce_specversion": "1.0", "ce_id": str(uuid4()), "ce_source": "/runtime-truth/records", "ce_type": V2,
        "ce_time": datetime.now(UTC).isoformat(), "ce_subject": request_id, "ce_partitionkey": request_id,
        "ce_dataschema": "urn:runtime-truth:records.sealed:2.0", "content-type": "application/json",
    }  # fmt: skip
    upstream.send(
        login, "records.sealed", json.dumps({"of": "v2"}).encode(), headers, key=request_id.encode()
    )


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        pytest.param(["signals", "9.9.9"], "no release signals 9.9.9 is laid down", id="unknown release"),
        pytest.param(["signals", "1.0.0", "--env", "/nowhere"], "/nowhere", id="unknown system"),
    ],
)
def test_what_cannot_be_found_out_is_never_yes(arguments: list[str], told: str) -> None:
    code, output = answer(*arguments)
    assert code == Exit.UNKNOWN
    assert told in output


def test_the_system_is_the_one_that_truth_env_names() -> None:
    code, output = answer("signals", "1.0.0", TRUTH_ENV="/nowhere/production.json")
    assert code == Exit.UNKNOWN
    assert "/nowhere/production.json" in output


def test_a_service_that_does_not_answer_is_not_a_yes(facts: Path, tmp_path: Path) -> None:
    told = json.loads(facts.read_text())
    told["services"]["records"] = "http://127.0.0.1:9"
    elsewhere = tmp_path / "local.json"
    elsewhere.write_text(json.dumps(told))
    code, output = answer("signals", "1.0.0", "--env", str(elsewhere))
    assert code == Exit.UNKNOWN
    assert "records /about" in output
