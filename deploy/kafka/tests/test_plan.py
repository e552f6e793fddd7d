"""The difference between a broker and the contracts, without a broker."""

from dataclasses import replace

import pytest
from truth_contracts.topics import SERVICES, TOPICS
from truth_topology.plan import compare
from truth_topology.topology import LOCAL, Grant, Size, TopicState, Topology, desired, principals

WANTED = desired(LOCAL)
EMPTY = Topology({}, frozenset(), frozenset())


def with_topic(name: str, **settings: str) -> Topology:
    topic = WANTED.topics[name]
    return replace(
        WANTED, topics={**WANTED.topics, name: TopicState(topic.partitions, {**topic.config, **settings})}
    )


def test_an_empty_broker_needs_everything() -> None:
    plan = compare(EMPTY, WANTED)
    assert set(plan.topics) == {topic.name for topic in TOPICS}
    assert set(plan.users) == set(principals(LOCAL))
    assert set(plan.grants) == WANTED.grants
    assert plan.has_changes
    assert not plan.refused


def test_a_broker_that_agrees_needs_nothing() -> None:
    plan = compare(WANTED, WANTED)
    assert not plan.has_changes
    assert not plan.refused
    assert not plan.loses


@pytest.mark.parametrize("operation", ["WRITE", "ALL", "ALTER", "CREATE", "DELETE", "IDEMPOTENT_WRITE"])
def test_a_foreign_right_to_change_refuses_the_broker(operation: str) -> None:
    foreign = Grant("mallory", operation, "TOPIC", "jobs.created")
    plan = compare(replace(WANTED, grants=WANTED.grants | {foreign}), WANTED)
    assert len(plan.refused) == 1
    assert "mallory" in plan.refused[0]


@pytest.mark.parametrize(
    "foreign",
    [
        pytest.param(Grant("auditor", "READ", "TOPIC", "records.sealed"), id="to read"),
        pytest.param(Grant("mallory", "WRITE", "TOPIC", "jobs.created", permission="DENY"), id="denied"),
    ],
)
def test_another_foreign_right_is_told_and_left(foreign: Grant) -> None:
    plan = compare(replace(WANTED, grants=WANTED.grants | {foreign}), WANTED)
    assert plan.foreign_grants == (foreign,)
    assert not plan.refused


def test_a_wildcard_beside_the_literal_right_is_foreign() -> None:
    wildcard = Grant("governance", "WRITE", "TOPIC", "*")
    assert compare(replace(WANTED, grants=WANTED.grants | {wildcard}), WANTED).refused


def test_another_number_of_partitions_refuses_the_broker() -> None:
    topics = {**WANTED.topics, "jobs.created": TopicState(3, WANTED.topics["jobs.created"].config)}
    plan = compare(replace(WANTED, topics=topics), WANTED)
    assert plan.refused == ("jobs.created has 3 partitions, not 4",)


@pytest.mark.parametrize(
    ("topic", "is_now", "loses"),
    [
        pytest.param("jobs.created", "-1", True, id="for ever, to 30 days"),
        pytest.param("jobs.created", str(31 * 24 * 3600 * 1000), True, id="31 days, to 30"),
        pytest.param("jobs.created", "1000", False, id="1 s, to 30 days"),
        pytest.param("records.sealed", "1000", False, id="1 s, to for ever"),
    ],
)
def test_lower_retention_is_a_loss(topic: str, is_now: str, loses: bool) -> None:
    plan = compare(with_topic(topic, **{"retention.ms": is_now}), WANTED)
    assert [setting.name for setting in plan.settings] == ["retention.ms"]
    assert bool(plan.loses) is loses


def test_compaction_where_there_was_none_is_a_loss() -> None:
    assert compare(with_topic("records.checkpoints", **{"cleanup.policy": "delete"}), WANTED).loses


def test_every_topic_has_one_writer_but_the_door() -> None:
    for topic in TOPICS:
        writers = [
            grant.principal
            for grant in WANTED.grants
            if (grant.operation, grant.name) == ("WRITE", topic.name)
        ]
        assert writers == (["upstream-acme"] if topic.owner == "upstream" else [topic.owner])


def test_only_literal_rights_on_topics_and_groups_are_granted() -> None:
    for grant in WANTED.grants:
        assert grant.pattern == "LITERAL"
        assert grant.resource in {"TOPIC", "GROUP"}
        assert "*" not in grant.name


def test_a_production_broker_has_the_partitions_and_replicas_of_the_contracts() -> None:
    wanted = desired(Size())
    assert {topic.partitions for topic in wanted.topics.values()} == {12}
    assert {topic.config["min.insync.replicas"] for topic in wanted.topics.values()} == {"2"}
    assert set(principals(Size())) == {*SERVICES, "console"}
