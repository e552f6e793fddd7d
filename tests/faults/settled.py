"""What must hold once all is healed: nothing lost, nothing doubled, nothing refused, nothing left waiting."""

import asyncio
import json
from collections import Counter
from collections.abc import Mapping
from typing import Any

import asyncpg
from truth_contracts.topics import SERVICES, TOPICS
from truth_local.demo.acting import wait_for
from truth_local.demo.reading import Published, read_topic
from truth_local.system import System
from truth_topology.connection import Login

from tests.faults.traffic import Account

_HEALED_SECONDS = 150.0


def rows(system: System, service: str, query: str) -> list[Any]:
    """Rows of one service's database, as its superuser."""

    async def fetch() -> list[Any]:
        conn = await asyncpg.connect(system.dsns[service].superuser)
        try:
            return await conn.fetch(query)
        finally:
            await conn.close()

    return asyncio.run(fetch())


def tables(system: System, service: str) -> dict[str, tuple[int, str]]:
    """Row count and digest of every table of a service; of digests, since a table may be larger than a text."""
    named = rows(system, service, "SELECT tablename FROM pg_tables WHERE schemaname = 'truth' ORDER BY 1")
    found: dict[str, tuple[int, str]] = {}
    for (name,) in named:
        digests = f'SELECT md5(t::text) AS digest FROM truth."{name}" t'  # noqa: S608 a name from the catalogue
        query = (
            f"SELECT count(*), coalesce(md5(string_agg(digest, '' ORDER BY digest)), '') FROM ({digests}) d"  # noqa: S608 the same
        )
        ((count, digest),) = rows(system, service, query)
        found[name] = (count, digest)
    return found


def published(system: System) -> Mapping[str, tuple[Published, ...]]:
    """Everything on every topic."""
    login = Login(system.bootstrap, "console", system.principals["console"].password)
    return {topic.name: read_topic(login, topic.name) for topic in TOPICS}


def wait_until_healed(system: System) -> None:
    """Every outbox is empty and every service says that it is ready; TimeoutError after 150 s."""

    def healed() -> bool | None:
        left = sum(rows(system, service, "SELECT count(*) FROM truth.outbox")[0][0] for service in SERVICES)
        ready = all(system.parts[name].ready() for name in system.replica_urls)
        return True if left == 0 and ready else None

    wait_for(healed, "system without waiting messages", _HEALED_SECONDS)


def check_once(system: System, account: Account) -> None:
    """Every accepted request has exactly one Intake, every walked one exactly one of everything; no dead letter."""
    assert account.failures == []
    assert account.accepted
    on = published(system)
    for topic in (
        "intakes.accepted",
        "jobs.created",
        "service-events.completed",
        "records.sealed",
        "signals.emitted",
    ):
        events = {message.key: set[str]() for message in on[topic]}
        for message in on[topic]:  # a relay may repeat an event; it may not tell a second one
            events[message.key].add(json.loads(message.value or b"{}")["event_id"])
        assert [key for key, ids in events.items() if len(ids) != 1] == [], topic
    sealed = Counter(message.key for message in on["records.sealed"])
    for walked in account.walked:
        assert walked.request_id.encode() in sealed
    keys = [key for key, _ in account.accepted]
    intakes = rows(system, "intake", "SELECT request_key, count(*) FROM truth.intake GROUP BY 1")
    counts = {request_key: count for request_key, count in intakes}
    assert [key for key in keys if counts.get(key) != 1] == []
    letters = {
        service: rows(system, service, "SELECT code, detail FROM truth.dead_letter") for service in SERVICES
    }
    assert {service: found for service, found in letters.items() if found} == {}
