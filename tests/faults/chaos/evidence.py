"""What a storm leaves behind: the rows of five databases and every message of the Kafka log, as plain values."""

import asyncio
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

import asyncpg
from pydantic import TypeAdapter
from truth_contracts.topics import SERVICES, TOPICS
from truth_kit.outbox import unpack_headers
from truth_local.demo.reading import Published, read_topic
from truth_local.system import System
from truth_sealing.bundle import Bundle
from truth_sealing.keyring import read_keyring
from truth_sealing.logged import Trust
from truth_sealing.policy import parse_policy
from truth_sealing.verify import check

from tests.faults.chaos.people import POISON, login
from tests.faults.chaos.watching import Offsets

Row: TypeAlias = dict[str, Any]
Place: TypeAlias = tuple[str, int, int]
"""Topic, partition, offset."""

_LEDGER = """
    CREATE SCHEMA storm;
    CREATE TABLE storm.ledger (id bigint PRIMARY KEY, topic text NOT NULL, key bytea, headers text NOT NULL);
    CREATE FUNCTION storm.keep() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog
    AS $$ BEGIN
        INSERT INTO storm.ledger VALUES (NEW.id, NEW.topic, NEW.key, NEW.headers);
        RETURN NULL;
    END $$;
    CREATE TRIGGER keep AFTER INSERT ON truth.outbox FOR EACH ROW EXECUTE FUNCTION storm.keep();
    ALTER TABLE truth.outbox ENABLE ALWAYS TRIGGER keep;
"""
_ROWS: Mapping[str, tuple[str, str]] = {
    "intakes": (
        "intake",
        "SELECT request_id::text, source, request_key, event_id::text, maturity FROM truth.intake",
    ),
    "tasks": (
        "governance",
        "SELECT task_id::text, request_id::text, state, version, operator_id, requested_by FROM truth.task",
    ),
    "decisions": ("governance", "SELECT task_id::text, version, command, actor FROM truth.decision"),
    "creations": (
        "governance",
        "SELECT task_id::text, job_id::text, event_id::text, digest, actor FROM truth.job_creation",
    ),
    "jobs": (
        "execution",
        "SELECT job_id::text, task_id::text, request_id::text, state, claimed_by FROM truth.job",
    ),
    "commands": (
        "execution",
        "SELECT command_id::text, job_id::text, command, actor FROM truth.command",
    ),
    "service_events": (
        "execution",
        "SELECT service_event_id::text, job_id::text, state, outcome FROM truth.service_event",
    ),
    "completions": (
        "records",
        "SELECT record_id::text, request_id::text, service_event_id::text FROM truth.completion",
    ),
    "records": (
        "records",
        "SELECT idx, record_id::text, encode(sha256(body), 'hex') AS digest, encode(leaf, 'hex') AS leaf"
        " FROM truth.record ORDER BY idx",
    ),
    "checkpoints": (
        "records",
        "SELECT size, encode(root, 'hex') AS root FROM truth.checkpoint ORDER BY size",
    ),
    "verdicts": (
        "signals",
        "SELECT record_id::text, request_id::text, reasons FROM truth.decision",
    ),
    "signals": ("signals", "SELECT signal_id::text, record_id::text FROM truth.signal"),
}


@dataclass(frozen=True, slots=True)
class Lying:
    """A message as it lies on a topic. `key`, `source` and `event_id` are latin-1, so that any bytes fit."""

    topic: str
    partition: int
    offset: int
    key: str | None
    source: str | None
    event_id: str | None
    sha256: str

    @property
    def place(self) -> Place:
        """Where it lies."""
        return self.topic, self.partition, self.offset


@dataclass(frozen=True, slots=True)
class Entry:
    """A row that was committed to an outbox, in the order of its id."""

    id: int
    topic: str
    key: str | None
    event_id: str


@dataclass(frozen=True, slots=True)
class Evidence:
    """The end of a storm. Rows of tables by `_ROWS`' names; the rest by service."""

    rows: Mapping[str, list[Row]]
    log: Sequence[Lying] = ()
    ledger: Mapping[str, list[Entry]] = field(default_factory=dict[str, list[Entry]])
    unsent: Mapping[str, int] = field(default_factory=dict[str, int])
    inbox: Mapping[str, list[tuple[str, str]]] = field(default_factory=dict[str, list[tuple[str, str]]])
    dead: Mapping[str, list[tuple[str, int, int, str]]] = field(
        default_factory=dict[str, list[tuple[str, int, int, str]]]
    )
    """Places of dead letters, with their codes."""
    committed: Mapping[str, list[tuple[str, int, int]]] = field(
        default_factory=dict[str, list[tuple[str, int, int]]]
    )
    """Topic, partition and the offset that the group will read next."""
    unverified: Mapping[str, list[str]] = field(default_factory=dict[str, list[str]])
    """Published Records that a stranger with the policy and the keys cannot verify, and what does not hold."""


_ADAPTER = TypeAdapter(Evidence)


def save(evidence: Evidence, file: Path) -> None:
    """Keep it as JSON."""
    file.write_bytes(_ADAPTER.dump_json(evidence))


def load(file: Path) -> Evidence:
    """What `save` kept."""
    return _ADAPTER.validate_json(file.read_bytes())


def keep_ledgers(system: System) -> None:
    """From now on each database notes every row that is committed to its outbox: the relay deletes them."""

    async def keep() -> None:
        for service in SERVICES:
            conn = await asyncpg.connect(system.dsns[service].superuser)
            try:
                await conn.execute(_LEDGER)
            finally:
                await conn.close()

    asyncio.run(keep())


def gather(system: System) -> Evidence:
    """Everything, read as a superuser and as an administrator from a system that is at rest."""
    rows, kit = asyncio.run(_read_databases(system))
    console, offsets = login(system, "console"), Offsets(system)
    messages = [message for topic in TOPICS for message in read_topic(console, topic.name)]
    poisonless = [message for message in messages if not (message.key or b"").startswith(POISON)]
    return Evidence(
        rows=rows,
        log=[_lying(message) for message in messages],
        unverified=_unverified(system, [one for one in poisonless if one.topic == "records.sealed"]),
        ledger={service: [_entry(row) for row in found["ledger"]] for service, found in kit.items()},
        unsent={service: found["unsent"][0]["count"] for service, found in kit.items()},
        inbox={
            service: [(row["source"], row["event_id"]) for row in found["inbox"]]
            for service, found in kit.items()
        },
        dead={
            service: [(row["topic"], row["partition"], row["offset"], row["code"]) for row in found["dead"]]
            for service, found in kit.items()
        },
        committed={
            service: [(*place, offset) for place, offset in offsets.committed(service).items()]
            for service in SERVICES
        },
    )


def _unverified(system: System, sealed: Sequence[Published]) -> dict[str, list[str]]:
    layout = system.layout
    trust = Trust(parse_policy(layout.policy.read_bytes()), read_keyring(layout.keyring.read_bytes()))
    found: dict[str, list[str]] = {}
    for message in sealed:
        told: Row = json.loads(message.value or b"{}")
        shown = check(Bundle(record=told["record"], proof=told["proof"]), trust)
        if failures := shown.failures(("integrity", "logged", "path_signed")):
            found[told["record_id"]] = [f"{failure.name}: {failure.reason}" for failure in failures]
    return found


async def _read_databases(
    system: System,
) -> tuple[dict[str, list[Row]], dict[str, dict[str, list[Row]]]]:
    rows: dict[str, list[Row]] = {}
    kit: dict[str, dict[str, list[Row]]] = {}
    for service in SERVICES:
        conn = await asyncpg.connect(system.dsns[service].superuser)
        try:
            for name, (owner, query) in _ROWS.items():
                if owner == service:
                    rows[name] = [dict(row) for row in await conn.fetch(query)]
            kit[service] = {
                name: [dict(row) for row in await conn.fetch(query)] for name, query in _KIT.items()
            }
        finally:
            await conn.close()
    return rows, kit


_KIT = {
    "ledger": "SELECT id, topic, key, headers FROM storm.ledger ORDER BY id",
    "unsent": "SELECT count(*) FROM truth.outbox",
    "inbox": "SELECT source, event_id FROM truth.inbox",
    "dead": 'SELECT topic, partition, "offset", code FROM truth.dead_letter',
}


def _entry(row: Row) -> Entry:
    event_id = _event_id(dict(unpack_headers(row["headers"])))
    return Entry(row["id"], row["topic"], _text(row["key"]), event_id or "")


def _lying(message: Published) -> Lying:
    headers = dict(message.headers)
    return Lying(
        message.topic,
        message.partition,
        message.offset,
        _text(message.key),
        _text(headers.get("ce_source")),
        _event_id(headers),
        hashlib.sha256(message.value or b"").hexdigest(),
    )


def _event_id(headers: Mapping[str, bytes]) -> str | None:
    """The event's id; of what is told on a dead-letter topic the place of the refused message."""
    if "dl_topic" in headers:
        return "/".join(headers[f"dl_{part}"].decode() for part in ("topic", "partition", "offset"))
    return _text(headers.get("ce_id"))


def _text(octets: bytes | None) -> str | None:
    return None if octets is None else octets.decode("latin-1")


def repeats_dropped(system: System) -> int:
    """How many messages the services met again and dropped, by their own logs."""
    dropped = 0
    for name in system.replica_urls:
        log = system.layout.log(name)
        for line in log.read_text(errors="replace").splitlines() if log.exists() else ():
            if '"batch.committed"' in line:
                dropped += int(json.loads(line).get("repeated", 0))
    return dropped
