"""The whole system, and the `truth` command at it."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from truth_console.__main__ import app
from truth_local import facts
from truth_local.demo import acting, doors, walk
from truth_local.demo.acting import Answer, wait_for
from truth_local.demo.walk import People, Walked, unseen
from truth_local.system import System
from typer.testing import CliRunner


@dataclass(frozen=True, slots=True)
class Ended:
    """A command that has ended."""

    code: int
    out: str

    @property
    def json(self) -> Any:
        """What it printed with `--json`."""
        return json.loads(self.out)


Truth = Callable[..., Ended]
"""`truth("flow", "--json")` against the running system."""


@pytest.fixture(scope="session")
def env(system: System) -> Path:
    """Where the system runs, as any client reads it."""
    facts.write_facts(system)
    return system.layout.facts


@pytest.fixture(scope="session")
def truth(env: Path) -> Truth:
    def run(*words: str, token: str | None = None, answer: str | None = None) -> Ended:
        given = {"TRUTH_ENV": str(env), "COLUMNS": "250"} | ({"TRUTH_TOKEN": token} if token else {})
        ran = CliRunner().invoke(app, words, env=given, input=answer)
        return Ended(ran.exit_code, ran.stdout)

    return run


@pytest.fixture(scope="session")
def who(system: System) -> People:
    """Who acts on the path."""
    return walk.people(system)


@pytest.fixture(scope="session")
def walked(who: People) -> Walked:
    """One request at the end of its path; for tests that only look."""
    return walk.walk("ops", submitted(who), who, unseen)


def worked(who: People, request_id: str, outcome: str = "not_fulfilled") -> None:
    """From the Intake to the completed ServiceEvent, without photos; what follows is automatic."""
    task = wait_for(lambda: acting.task_of(who.admin, request_id), "Task")
    task = acting.assign(who.admin, acting.approve(who.admin, task), who.operator.name)
    acting.create_job(who.admin, task, acting.prepare(who.admin, task)["digest"])
    job_id = wait_for(lambda: acting.job_of(who.operator, request_id), "Job")["job_id"]
    acting.command(who.operator, job_id, "claim")
    acting.command(who.operator, job_id, "start")
    facts = {"outcome": outcome} | ({} if outcome == "fulfilled" else {"reason": "nobody_home"})
    acting.command(who.operator, job_id, "complete", **facts)


def submitted(who: People) -> Answer:
    """A new Intake on a live surface."""
    return doors.over_http("", doors.request("kitchen-repairs", "Tap drips", "Drip."), who, unseen)
