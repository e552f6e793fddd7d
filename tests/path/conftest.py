"""The whole system for the tests of the path, and who acts in them. Public doors only: topics and HTTP."""

from collections.abc import Callable

import pytest
from truth_local.demo import acting, doors, walk
from truth_local.demo.acting import Answer, Person, wait_for
from truth_local.demo.walk import People, Walked, unseen
from truth_local.system import System
from truth_topology.connection import Login


@pytest.fixture(scope="session")
def who(system: System) -> People:
    """Ada the admin, Olga the operator, Acme the upstream, Vera the auditor."""
    return walk.people(system)


@pytest.fixture(scope="session")
def as_person(system: System) -> Callable[[str], Person]:
    """Anybody of the local issuer."""
    return lambda name: acting.person(system, name)


@pytest.fixture(scope="session")
def login(system: System) -> Callable[[str], Login]:
    """Kafka logins by principal."""
    return lambda name: Login(system.bootstrap, name, system.principals[name].password)


@pytest.fixture(scope="session")
def walked_live(who: People) -> Walked:
    """One request on a live surface, at the end of its path; for tests that only look."""
    asked = doors.request("kitchen-repairs", "Tap drips", "All night long.")
    return walk.walk("live", doors.over_http("live", asked, who, unseen), who, unseen)


@pytest.fixture(scope="session")
def walked_partial(who: People) -> Walked:
    """One request on a partial surface, at the end of its path; for tests that only look."""
    asked = doors.request("roof-inspections", "Look at the ridge", "After the storm.")
    return walk.walk("partial", doors.over_http("partial", asked, who, unseen), who, unseen)


@pytest.fixture
def submit(who: People) -> Callable[[], Answer]:
    """A new Intake on a live surface."""
    return lambda: doors.over_http("", doors.request("kitchen-repairs", "Tap drips", "Drip."), who, unseen)


@pytest.fixture
def assigned(who: People, submit: Callable[[], Answer]) -> Callable[[], Answer]:
    """A new Task, approved by Ada and assigned to Olga."""

    def make() -> Answer:
        intake = submit()
        task = wait_for(lambda: acting.task_of(who.admin, intake["request_id"]), "Task")
        task = acting.approve(who.admin, task)
        return acting.assign(who.admin, task, "olga")

    return make


@pytest.fixture
def queued(who: People, assigned: Callable[[], Answer]) -> Callable[[], Answer]:
    """A new Job on Olga's Desk."""

    def make() -> Answer:
        task = assigned()
        acting.create_job(who.admin, task, acting.prepare(who.admin, task)["digest"])
        return wait_for(lambda: acting.job_of(who.operator, task["request_id"]), "Job")

    return make
