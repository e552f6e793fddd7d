"""Kafka and PostgreSQL as test containers do all that the local processes do: logins, rights, and every handle."""

import socket
from uuid import uuid4

import asyncpg
import pytest
from truth_local.demo import upstream
from truth_local.demo.reading import read_topic
from truth_local.system import System
from truth_topology.connection import Login, answers


def login(system: System, name: str) -> Login:
    return Login(system.bootstrap, name, system.principals[name].password)


def test_the_parts_are_containers(infrastructure: System) -> None:
    assert set(infrastructure.outside) == {"kafka", "postgres"}
    assert all(
        infrastructure.is_running(name) for name in infrastructure.parts if name in ("kafka", "issuer")
    )


def test_kafka_keeps_rights_and_passwords(infrastructure: System) -> None:
    assert answers(login(infrastructure, "intake"))
    assert not answers(Login(infrastructure.bootstrap, "intake", "wrong"))
    with pytest.raises(Exception, match=r"TOPIC_AUTHORIZATION_FAILED"):
        upstream.send(login(infrastructure, "intake"), "jobs.created", b"forged", {})


def test_a_killed_kafka_comes_back_with_what_it_acknowledged(infrastructure: System) -> None:
    value = uuid4().bytes
    upstream.send(login(infrastructure, "signals"), "signals.dead-letters", value, {})
    infrastructure.kill("kafka")
    assert not infrastructure.is_running("kafka")
    assert not answers(login(infrastructure, "admin"))
    infrastructure.start("kafka")
    found = read_topic(login(infrastructure, "console"), "signals.dead-letters")
    assert [message.value for message in found].count(value) == 1


async def test_a_killed_postgres_comes_back_with_what_it_committed(infrastructure: System) -> None:
    owner = await asyncpg.connect(infrastructure.dsns["records"].owner)
    await owner.execute("CREATE SCHEMA kept; CREATE TABLE kept.row (id int); INSERT INTO kept.row VALUES (1)")
    infrastructure.kill("postgres")
    owner.terminate()
    infrastructure.start("postgres")
    owner = await asyncpg.connect(infrastructure.dsns["records"].owner)
    assert await owner.fetchval("SELECT id FROM kept.row") == 1
    await owner.execute("DROP SCHEMA kept CASCADE")
    await owner.close()


@pytest.mark.parametrize("name", ["kafka", "postgres"])
def test_a_frozen_container_holds_its_port_and_goes_on_when_thawed(infrastructure: System, name: str) -> None:
    infrastructure.freeze(name)
    try:
        socket.create_connection(("127.0.0.1", infrastructure.ports.of[name]), 5).close()
        assert infrastructure.is_running(name)
    finally:
        infrastructure.thaw(name)
    infrastructure.start(name)  # waits until it answers


@pytest.mark.parametrize("name", ["kafka", "postgres"])
def test_a_stopped_container_starts_again(infrastructure: System, name: str) -> None:
    infrastructure.stop(name)
    assert not infrastructure.is_running(name)
    infrastructure.start(name)
    assert infrastructure.is_running(name)
