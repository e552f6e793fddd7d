"""The infrastructure as a whole: its ports, its parts stopped, frozen and started again."""

import socket

import httpx
import psutil
import pytest
from truth_local import processes
from truth_local.starting import start_infrastructure
from truth_local.system import INFRASTRUCTURE, System
from truth_local.watch import Watch
from truth_topology.connection import Login, answers


def test_no_listener_is_open(infrastructure: System) -> None:
    """Every listening port of the broker is one of the two that ask for a login, on loopback only."""
    listening = {address for name in INFRASTRUCTURE for address in addresses(infrastructure, name)}
    ports = infrastructure.ports.of
    assert listening == {
        ("127.0.0.1", ports[name]) for name in ("kafka", "kafka-controller", "postgres", "issuer")
    }
    assert not answers(Login(f"127.0.0.1:{ports['kafka-controller']}", "broker", "wrong"))


def addresses(infrastructure: System, name: str) -> set[tuple[str, int]]:
    process = processes.find(infrastructure.parts[name])
    assert process is not None
    family = [process, *process.children(recursive=True)]
    return {
        (connection.laddr.ip.removeprefix("::ffff:"), connection.laddr.port)
        for member in family
        for connection in member.net_connections("tcp")
        if connection.status == psutil.CONN_LISTEN
    }


def test_the_issuer_vouches_for_tokens_made_without_it(infrastructure: System) -> None:
    bearer = {"Authorization": f"Bearer {infrastructure.token('otto')}"}
    told = httpx.get(f"{infrastructure.issuer}/userinfo", headers=bearer).json()
    assert told == {"sub": "otto", "name": "Otto Oehler", "roles": ["operator"], "kind": "person"}


def test_starting_what_runs_changes_nothing(infrastructure: System) -> None:
    before = {name: processes.find(infrastructure.parts[name]) for name in INFRASTRUCTURE}
    words = {path: path.read_bytes() for path in infrastructure.layout.secrets.rglob("*") if path.is_file()}
    start_infrastructure(infrastructure, Watch())
    assert {name: processes.find(infrastructure.parts[name]) for name in INFRASTRUCTURE} == before
    assert {
        path: path.read_bytes() for path in infrastructure.layout.secrets.rglob("*") if path.is_file()
    } == words


@pytest.mark.parametrize("name", ["kafka", "postgres"])
def test_a_frozen_part_holds_its_port_and_goes_on_when_thawed(infrastructure: System, name: str) -> None:
    infrastructure.freeze(name)
    try:
        socket.create_connection(("127.0.0.1", infrastructure.ports.of[name]), 5).close()
        assert infrastructure.is_running(name)
    finally:
        infrastructure.thaw(name)
    infrastructure.start(name)  # waits until it answers


def test_stop_and_start_again(infrastructure: System) -> None:
    for name in INFRASTRUCTURE:
        infrastructure.stop(name)
        assert not infrastructure.is_running(name)
    start_infrastructure(infrastructure, Watch())
    governance = infrastructure.principals["governance"]
    assert answers(Login(infrastructure.bootstrap, "governance", governance.password))
