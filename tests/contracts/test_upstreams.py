"""The snippets for upstream teams, run as they stand against the real broker; and the SDKs' own messages."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from uuid import uuid4

import pytest
from truth_gate.places import CONTRACTS
from truth_local.demo import acting, doors, upstream, walk
from truth_local.demo.acting import wait_for
from truth_local.system import System
from truth_topology.connection import Login

from tests.contracts.node import FOLDER, node, run
from tests.contracts.test_documents import compiled

_PATIENCE_SECONDS = 90.0


@pytest.fixture
def place(system: System, tmp_path: Path) -> Path:
    """A folder as an upstream team has it: the snippets, and where the system runs."""
    shutil.copytree(CONTRACTS / "upstream", tmp_path, dirs_exist_ok=True)
    login = system.principals["upstream-acme"]
    principals = {"upstream-acme": {"username": login.username, "password": login.password}}
    (tmp_path / ".truth").mkdir()
    local = {"kafka": {"bootstrap": system.bootstrap, "principals": principals}}
    (tmp_path / ".truth" / "local.json").write_text(json.dumps(local))
    return tmp_path


def with_own_key(file: Path) -> str:
    """Give a snippet a request key and an event id of its own."""
    request_key = f"order-{uuid4().hex}"
    file.write_text(file.read_text().replace("order-4711", request_key).replace("4711-1", uuid4().hex))
    return request_key


def check_intake(system: System, request_key: str) -> None:
    vera = walk.people(system).auditor
    found = lambda: acting.intake_of(vera, doors.SOURCE, request_key)  # noqa: E731
    assert wait_for(found, "Intake", _PATIENCE_SECONDS)["surface"] == "kitchen-repairs"


def test_the_python_snippet_publishes_a_request(system: System, place: Path) -> None:
    request_key = with_own_key(place / "publish.py")
    run_here([sys.executable, "publish.py"], place)
    check_intake(system, request_key)


def test_the_typescript_snippet_publishes_a_request(system: System, place: Path) -> None:
    request_key = with_own_key(place / "publish.ts")
    assert compiled(place, "publish.ts") == ""
    run_here([node(), "publish.js"], place)
    check_intake(system, request_key)


def test_the_command_line_publishes_a_request(system: System, place: Path) -> None:
    if shutil.which("kcat") is None:
        pytest.skip("there is no kcat here: the snippet for the command line did not run")
    request_key = with_own_key(place / "publish.sh")
    login = system.principals["upstream-acme"]
    told = {"BOOTSTRAP": system.bootstrap, "PASSWORD": login.password}
    run_here(["sh", "publish.sh"], place, told)
    check_intake(system, request_key)


@pytest.mark.parametrize("mode", [0, 1], ids=["binary", "structured"])
def test_an_event_by_the_javascript_sdk_becomes_an_intake(mode: int, system: System) -> None:
    asked = doors.request("kitchen-repairs", "Tap drips", "By the JavaScript SDK.")
    written = run("events.mjs", "write", given=json.dumps({"request": asked, "id": str(uuid4())}))
    message = json.loads(written)[mode]
    login = Login(system.bootstrap, "upstream-acme", system.principals["upstream-acme"].password)
    upstream.send(login, "requests.submitted", message["value"].encode(), message["headers"])
    check_intake(system, asked["request_key"])


def run_here(command: list[str], place: Path, more: dict[str, str] | None = None) -> None:
    environment = {**os.environ, "NODE_PATH": str(FOLDER / "node_modules"), **(more or {})}
    ran = subprocess.run(  # noqa: S603 our own snippets
        command, cwd=place, env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert ran.returncode == 0, ran.stderr + ran.stdout
