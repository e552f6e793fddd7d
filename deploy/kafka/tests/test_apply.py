"""Applying the contracts to a real broker."""

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import replace

import pytest
from truth_local.system import System
from truth_topology.apply import TopologyRefusedError, apply, make_plan
from truth_topology.broker import alter_settings, create_grants, delete_grants
from truth_topology.connection import BrokerError, Login, answers, client
from truth_topology.plan import Setting
from truth_topology.topology import LOCAL, Grant

MALLORY = Grant("mallory", "WRITE", "TOPIC", "jobs.created")


@pytest.fixture
def admin(infrastructure: System) -> Login:
    principal = infrastructure.principals["admin"]
    return Login(infrastructure.bootstrap, principal.username, principal.password)


@contextmanager
def granted(admin: Login, grant: Grant) -> Generator[None]:
    create_grants(client(admin), (grant,))
    try:
        yield
    finally:
        delete_grants(client(admin), (grant,))


def test_the_local_broker_agrees_with_the_contracts(admin: Login) -> None:
    plan = make_plan(admin, LOCAL)
    assert not plan.has_changes
    assert not plan.refused
    assert not plan.foreign_topics
    assert not plan.foreign_grants


def test_applying_again_changes_nothing(admin: Login) -> None:
    assert not apply(admin, LOCAL, {}).has_changes


def test_a_changed_setting_is_changed_back(admin: Login) -> None:
    alter_settings(client(admin), (Setting("jobs.created", "retention.ms", "", "1000"),))
    done = apply(admin, LOCAL, {})
    assert [(setting.topic, setting.is_now) for setting in done.settings] == [("jobs.created", "1000")]
    assert not make_plan(admin, LOCAL).has_changes


def test_retention_is_lowered_only_when_that_is_wanted(admin: Login) -> None:
    alter_settings(client(admin), (Setting("jobs.created", "retention.ms", "", "-1"),))
    with pytest.raises(TopologyRefusedError, match=r"throw messages away: jobs\.created retention\.ms"):
        apply(admin, LOCAL, {})
    apply(admin, LOCAL, {}, may_lose=True)
    assert not make_plan(admin, LOCAL).has_changes


def test_a_foreign_writer_refuses_the_broker(admin: Login) -> None:
    with granted(admin, MALLORY):
        assert make_plan(admin, LOCAL).refused
        with pytest.raises(TopologyRefusedError, match=r"mallory WRITE TOPIC jobs\.created"):
            apply(admin, LOCAL, {})
    assert not make_plan(admin, LOCAL).refused


def test_a_new_user_needs_a_password(admin: Login) -> None:
    with pytest.raises(TopologyRefusedError, match="no password for the new user upstream-beta"):
        apply(admin, replace(LOCAL, upstreams=("acme", "beta")), {})


def test_a_wrong_password_is_told(admin: Login) -> None:
    stranger = replace(admin, password="wrong")
    assert not answers(stranger)
    with pytest.raises(BrokerError, match="Authentication failed"):
        make_plan(stranger, LOCAL)


def test_a_service_may_not_plan(infrastructure: System) -> None:
    principal = infrastructure.principals["intake"]
    with pytest.raises(BrokerError):
        make_plan(Login(infrastructure.bootstrap, principal.username, principal.password), LOCAL)
