"""Ports: defaults, settings, taken ones."""

import re
import socket
import subprocess
import sys

import pytest
from truth_local.ports import BASE, Ports, PortSettingError, PortTakenError, free, from_environment, taken


def test_all_ports_follow_the_base_and_differ() -> None:
    usual, moved = from_environment({}).of, from_environment({BASE: "9100"}).of
    assert len(set(usual.values())) == len(usual)
    assert {part: port - 9100 for part, port in moved.items()} == {
        part: port - usual["issuer"] for part, port in usual.items()
    }


def test_one_port_can_be_moved_alone() -> None:
    ports = from_environment({"TRUTH_PORT_KAFKA_CONTROLLER": "9999"}).of
    assert ports["kafka-controller"] == 9999
    assert ports["kafka"] == from_environment({}).of["kafka"]


@pytest.mark.parametrize("value", ["", " ", "x", "0", "-1", "65535", "99999"])
def test_a_wrong_base_is_named(value: str) -> None:
    if value:
        with pytest.raises(PortSettingError, match=BASE):
            from_environment({BASE: value})
    else:
        assert from_environment({BASE: value}) == from_environment({})


def test_a_taken_port_is_told_with_the_settings_that_move_it() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        told = f"Port {port}, which kafka-controller needs, is taken by another program. Set TRUTH_PORT_KAFKA_CONTROLLER"
        with pytest.raises(PortTakenError, match=re.escape(told)):
            Ports({"kafka-controller": port}).require_free("kafka-controller")
    Ports({"kafka-controller": port}).require_free("kafka-controller")


def test_another_process_is_given_other_ports_though_nobody_listens_on_ours() -> None:
    ours = set(free().of.values())
    ask = "from truth_local.ports import free; print(*free().of.values())"
    told = [
        subprocess.run([sys.executable, "-c", ask], capture_output=True, check=True, text=True).stdout  # noqa: S603 our own words
        for _ in range(3)
    ]
    assert all(ours.isdisjoint(map(int, ports.split())) for ports in told)
    blocks = {port // 50 for port in ours}
    assert len(blocks) == 1


def test_free_ports_are_free_and_below_the_ephemeral_ones() -> None:
    chosen = free().of
    assert len(set(chosen.values())) == len(chosen)
    assert not [port for port in chosen.values() if taken(port)]
    assert max(chosen.values()) < 32_768
