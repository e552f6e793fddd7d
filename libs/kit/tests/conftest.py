"""Fixtures of the kit's tests: an empty database of the sample service, and its login at a real Kafka."""

from collections.abc import AsyncGenerator

import pytest
from truth_kit.connections import KafkaConnection
from truth_kit.database import Database
from truth_kit.testing import FreshDatabase
from truth_local.system import System

from libs.kit.tests.hop_sample import MIGRATIONS
from libs.kit.tests.kafka_bench import Bench, bench_on


@pytest.fixture
async def database(fresh_database: FreshDatabase) -> Database:
    return await fresh_database("governance", MIGRATIONS)


@pytest.fixture
def kafka(infrastructure: System) -> KafkaConnection:
    principal = infrastructure.principals["governance"]
    return KafkaConnection(
        bootstrap=infrastructure.bootstrap,
        username=principal.username,
        password_file=principal.password_file,
    )


@pytest.fixture
async def bench(infrastructure: System) -> AsyncGenerator[Bench]:
    """The sample's group begins at the end of its topic."""
    async with bench_on(infrastructure, "jobs.changed", "tasks.changed", "governance.dead-letters") as bench:
        await bench.commit_ends("governance", "jobs.changed")
        yield bench
