"""No setting that could lose a message: what FastStream and aiokafka were told, read back from them."""
# pyright: reportPrivateUsage=false, reportUnknownMemberType=false
# They offer no public way to read it back.

import ast
import re
from collections.abc import Collection
from pathlib import Path
from typing import Any

import pytest
from aiokafka import ConsumerRebalanceListener, TopicPartition
from faststream import AckPolicy
from truth_kit.connections import KafkaConnection
from truth_kit.relay import new_producer
from truth_kit.subscribe.consumer import Consumer, Feed

ROOT = Path(__file__).parents[3]
ELSEWHERE = re.compile(
    r"\.subscriber\(|publish_batch|KafkaBroker|KafkaRouter|AIOKafkaConsumer\(|AIOKafkaProducer\("
)
MAY = {
    "libs/kit/truth_kit/subscribe/consumer.py",
    "libs/kit/truth_kit/relay.py",
    "services/records/truth_records/outside.py",  # looks at what records itself published; in no group
}


class Listener(ConsumerRebalanceListener):
    """Hears nothing."""

    def on_partitions_revoked(self, revoked: Collection[TopicPartition]) -> None:
        """Nothing."""

    def on_partitions_assigned(self, assigned: Collection[TopicPartition]) -> None:
        """Nothing."""


@pytest.fixture
def connection(tmp_path: Path) -> KafkaConnection:
    password_file = tmp_path / "password"
    password_file.write_text("secret\n")
    return KafkaConnection(
        bootstrap="localhost:1,localhost:2", username="governance", password_file=password_file
    )


@pytest.mark.parametrize("replica", [None, "governance-1"])
async def test_the_consumer_commits_nothing_by_itself(
    connection: KafkaConnection, replica: str | None
) -> None:
    feed = Feed(connection, ["jobs.changed"], Listener(), group="governance", replica=replica)
    subscriber: Any = feed._subscriber
    assert subscriber.ack_policy is AckPolicy.MANUAL
    told: dict[str, Any] = subscriber._connection_args
    assert told["enable_auto_commit"] is False
    assert told["auto_offset_reset"] == "earliest"
    assert told["group_instance_id"] == replica
    assert (subscriber.group_id, subscriber.batch_timeout_ms, subscriber.max_records) == (
        "governance",
        1,
        500,
    )
    assert told["rebalance_timeout_ms"] > 6000  # longer than a drain
    assert told["session_timeout_ms"] == (10_000 if replica else 6_000)
    broker: Any = feed._broker
    await broker.connect()
    assert broker.config.broker_config.consumer_only
    assert not broker.config.broker_config.allow_auto_create_topics
    assert broker.config.broker_config.builder.keywords["sasl_mechanism"] == "SCRAM-SHA-512"


async def test_the_consumer_in_use_is_ours(connection: KafkaConnection) -> None:
    feed = Feed(connection, ["jobs.changed"], Listener(), group="governance", replica=None)

    async def on_batch(_: object) -> None:
        pytest.fail("nobody is there who could send a batch")

    with pytest.raises(Exception, match="bootstrap"):  # nobody listens there
        await feed.start(on_batch)
    assert isinstance(feed.consumer, Consumer)
    await feed.stop()
    assert feed.consumer is None


async def test_the_producer_is_idempotent_and_waits_for_all(connection: KafkaConnection) -> None:
    producer: Any = new_producer(connection, "x")
    assert producer._sender._acks == -1
    assert producer._txn_manager is not None
    assert producer._txn_manager.transactional_id is None
    await producer.stop()


def test_nothing_else_consumes_or_produces() -> None:
    files = [*ROOT.glob("libs/*/truth_*/**/*.py"), *ROOT.glob("services/*/truth_*/**/*.py")]
    assert len(files) > 30
    found = {str(f.relative_to(ROOT)) for f in files if ELSEWHERE.search(f.read_text(encoding="utf-8"))}
    assert found == MAY


def test_offsets_are_committed_by_number() -> None:
    """Without numbers aiokafka commits where it reads now, and after a rebalance that is somewhere else."""
    files = [*ROOT.glob("libs/*/truth_*/**/*.py"), *ROOT.glob("services/*/truth_*/**/*.py")]
    commits = [
        node
        for file in files
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("consumer.commit")
    ]
    assert len(commits) == 1
    assert all(node.args for node in commits)
