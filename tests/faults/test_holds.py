"""The path holds when its parts fail: nothing lost, nothing doubled, nothing restarted by hand."""

import json
import threading
from collections.abc import Callable, Generator
from dataclasses import replace

import httpx
import pytest
from truth_contracts.topics import SERVICES
from truth_local import processes
from truth_local.demo import acting, doors, walk
from truth_local.demo.acting import wait_for
from truth_local.demo.reading import read_topic
from truth_local.demo.walk import unseen
from truth_local.system import System, describe
from truth_topology.connection import Login

from tests.faults.groups import is_caught_up, rewind
from tests.faults.settled import check_once, published, tables, wait_until_healed
from tests.faults.traffic import flowing, patient_people

AWAY_SECONDS = 20


def pause(seconds: float) -> None:
    """Let a fault last; the only wait here that is not for a condition."""
    threading.Event().wait(seconds)


def readiness(system: System, name: str) -> tuple[int, str]:
    """What a part says of its readiness; 0 when it does not answer."""
    try:
        answer = httpx.get(f"{system.replica_urls[name]}/health/ready", timeout=5, trust_env=False)
    except httpx.TransportError:
        return 0, ""
    return answer.status_code, answer.text


def is_alive(system: System, name: str) -> bool:
    return (
        httpx.get(f"{system.replica_urls[name]}/health/live", timeout=5, trust_env=False).status_code == 200
    )


def said_not_ready(system: System, name: str, part: str) -> bool | None:
    status, text = readiness(system, name)
    return True if status == 503 and part in text else None


@pytest.fixture
def healthy(system: System) -> Generator[System]:
    """The whole system, and whole again afterwards whatever a test did to it."""
    yield system
    for name, part in system.parts.items():
        system.thaw(name)
        if not system.is_running(name):
            system.start(name)
        wait_for(lambda part=part: part.ready() or None, f"{name} ready again", 60)


def test_everything_consumed_again_changes_no_row_and_publishes_nothing(healthy: System) -> None:
    system = healthy
    who = patient_people(system)  # what other tests left on the topics is consumed first
    asked = doors.request("kitchen-repairs", "Tap drips", "Once.")
    walk.walk("", doors.over_http("", asked, who, unseen), who, unseen)
    wait_until_healed(system)
    for service in SERVICES:
        system.stop(f"{service}-1")
    before = {service: tables(system, service) for service in SERVICES}
    on_before = {name: len(messages) for name, messages in published(system).items()}
    for service in SERVICES:
        wait_for(lambda service=service: rewind(system, service), f"{service} set back", 30)
    for service in SERVICES:
        system.start(f"{service}-1")
    for service in SERVICES:
        wait_for(lambda service=service: is_caught_up(system, service), f"{service} caught up", 150)
    wait_until_healed(system)
    assert {service: tables(system, service) for service in SERVICES} == before
    assert {name: len(messages) for name, messages in published(system).items()} == on_before


@pytest.mark.parametrize(("part", "named"), [("kafka", "broker"), ("postgres", "database")])
def test_a_neighbour_that_is_away_for_20_seconds_is_waited_for(
    healthy: System, part: str, named: str
) -> None:
    system = healthy
    with flowing(system) as account:
        wait_for(lambda: account.walked or None, "traffic that flows")
        system.kill(part)
        for service in SERVICES:
            wait_for(
                lambda s=service: said_not_ready(system, f"{s}-1", named),
                f"{service} to name {named}",
                2 * AWAY_SECONDS,
            )
            assert is_alive(system, f"{service}-1")
        pause(AWAY_SECONDS / 2)
        system.start(part)
        before = len(account.walked)
        wait_for(lambda: len(account.walked) > before + 2 or None, "traffic that flows again", 120)
    wait_until_healed(system)
    check_once(system, account)


def test_each_service_killed_and_started_again_loses_and_doubles_nothing(healthy: System) -> None:
    system = healthy
    with flowing(system) as account:
        for service in SERVICES:
            before = len(account.walked)
            wait_for(lambda before=before: len(account.walked) > before or None, "traffic that flows", 60)
            system.kill(f"{service}-1")
            system.start(f"{service}-1")
    wait_until_healed(system)
    check_once(system, account)


@pytest.fixture
def doubled(healthy: System) -> Generator[System]:
    """The same system with a second replica of each service described, not yet started."""
    described = describe(healthy.layout.folder, healthy.ports, replicas=2)
    yield described
    for service in SERVICES:
        described.stop(f"{service}-2")


def test_a_replica_added_and_removed_disturbs_nothing(doubled: System) -> None:
    with flowing(doubled) as account:
        wait_for(lambda: account.walked or None, "traffic that flows")
        for service in SERVICES:
            doubled.start(f"{service}-2")
        before = len(account.walked)
        wait_for(lambda: len(account.walked) > before + 2 or None, "traffic that flows", 60)
        for service in SERVICES:
            doubled.stop(f"{service}-2")
        before = len(account.walked)
        wait_for(lambda: len(account.walked) > before + 2 or None, "traffic that flows", 60)
    for service in SERVICES:
        wait_for(lambda s=service: doubled.parts[f"{s}-1"].ready() or None, f"{service} ready", 60)
    check_once(doubled, account)


@pytest.mark.parametrize("fault", ["kill", "freeze"])
def test_a_standby_publishes_when_the_relays_owner_is_gone(doubled: System, fault: str) -> None:
    system = doubled
    system.start("intake-2")
    url = system.replica_urls["intake-2"]
    getattr(system, fault)("intake-1")
    second = replace(acting.person(system, "acme"), urls={**system.urls, "intake": url})
    asked = doors.request("kitchen-repairs", "Tap drips", "Through the second replica.")
    intake = second.post("intake", "/api/requests", asked)
    who = patient_people(system)
    wait_for(lambda: acting.task_of(who.admin, intake["request_id"]), "Task by way of the standby", 15)


@pytest.mark.parametrize(
    "order",
    [
        pytest.param(("services", "kafka", "postgres"), id="services first, PostgreSQL last"),
        pytest.param(("kafka", "services", "postgres"), id="Kafka first, PostgreSQL last"),
        pytest.param(("postgres", "services", "kafka"), id="PostgreSQL first, Kafka last"),
    ],
)
def test_parts_start_in_any_order(healthy: System, order: tuple[str, ...]) -> None:
    system = healthy
    for name in reversed(list(system.parts)):
        if name != "issuer":
            system.stop(name)
    for part in order:
        if part != "services":
            system.start(part)
            continue
        for service in SERVICES:
            start_unready(system, f"{service}-1")
    for service in SERVICES:
        wait_for(lambda s=service: system.parts[f"{s}-1"].ready() or None, f"{service} ready", 60)
    who = patient_people(system)
    asked = doors.request("kitchen-repairs", "Tap drips", "After the start.")
    assert walk.walk("", doors.over_http("", asked, who, unseen), who, unseen).signal_id


def start_unready(system: System, name: str) -> None:
    """Start a service whose neighbours are away: it lives, and says that it is not ready."""
    processes.start(system.parts[name])
    alive: Callable[[], bool | None] = lambda: readiness(system, name)[0] == 503 or None  # noqa: E731
    wait_for(alive, f"{name} that says it is not ready", 30)
    assert is_alive(system, name)


def test_a_service_ends_within_25_seconds_with_nothing_left_to_send(healthy: System) -> None:
    system = healthy
    with flowing(system) as account:
        wait_for(lambda: account.walked or None, "traffic that flows")
        for service in SERVICES:
            system.stop(f"{service}-1")  # SIGTERM; kills after 30 s, which the log would not tell
            log = (system.layout.logs / f"{service}-1.log").read_text().splitlines()
            assert json.loads(log[-1])["event"] == "service.stopped"
            system.start(f"{service}-1")
    wait_until_healed(system)
    check_once(system, account)


def test_first_appearances_are_in_order_per_key(healthy: System) -> None:
    login = Login(healthy.bootstrap, "console", healthy.principals["console"].password)
    for topic in ("tasks.changed", "jobs.changed", "service-events.changed"):
        seen: dict[bytes | None, list[int]] = {}
        for message in read_topic(login, topic):
            version = json.loads(message.value or b"{}")["version"]
            versions = seen.setdefault(message.key, [])
            if version not in versions:
                versions.append(version)
        assert seen
        assert [key for key, versions in seen.items() if versions != sorted(versions)] == []
