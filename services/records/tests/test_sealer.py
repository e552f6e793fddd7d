"""The sealer's task on a real PostgreSQL and Kafka: one owner, restarts, kills, refusals."""

import asyncio
import random

import asyncpg
import pytest
from truth_contracts.envelope import Coordinates, Received, from_kafka
from truth_contracts.records import CheckpointSigned, RecordSealed
from truth_contracts.topics import RECORDS_CHECKPOINTS, RECORDS_SEALED
from truth_kit.connections import KafkaConnection
from truth_kit.database import Database
from truth_kit.testing import published
from truth_local import ports
from truth_records import sealer
from truth_records.domain.log import LogStoppedError
from truth_records.sealer import NOTE
from truth_sealing.bundle import Bundle
from truth_sealing.checkpoint import Checkpoint
from truth_sealing.logged import Trust
from truth_sealing.policy import Policy
from truth_sealing.verify import check

from services.records.tests.builders import NOW, drafts
from services.records.tests.logs import Grown, as_superuser, published_outside
from services.records.tests.running import Running, count, fetch, insert, until

KILL = """
    CREATE SEQUENCE truth.kills;
    GRANT SELECT ON SEQUENCE truth.kills TO records_app;
    CREATE FUNCTION truth.kill() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$ BEGIN
        IF nextval('truth.kills') <= 2 THEN PERFORM pg_terminate_backend(pg_backend_pid()); END IF;
        RETURN NULL;
    END $$;
"""

OWNER = """
    SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND objid = 7003 AND granted
       AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""


@pytest.fixture
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    """Several batches from a few drafts: the next is read and hashed while one is written, or killed."""
    monkeypatch.setattr(sealer, "BATCH_MAX", 3)


async def sealed(database: Database, records: int) -> None:
    async def are_there() -> bool:
        return await count(database, "record") == records

    await until(are_there, f"{records} Records")


async def told(database: Database) -> tuple[list[RecordSealed], list[CheckpointSigned]]:
    events: list[object] = []
    for message in await published(database):
        topic = RECORDS_SEALED if message.topic == RECORDS_SEALED.name else RECORDS_CHECKPOINTS
        received = from_kafka(topic, message, Coordinates(topic.name, 0, 0), NOW)
        assert isinstance(received, Received), received
        events.append(received.event)
    return (
        [event for event in events if isinstance(event, RecordSealed)],
        [event for event in events if isinstance(event, CheckpointSigned)],
    )


async def check_whole(database: Database, grown: Grown, records: int) -> None:
    """Each draft sealed once, in a log that restores, and told with a proof that verifies."""
    events, heads = await told(database)
    assert [event.index for event in events] == list(range(records))
    assert len({event.record_id for event in events}) == records
    assert await count(database, "draft") == 0
    restored = await grown.restored()
    assert (restored.size, max(head.size for head in heads)) == (records, records)
    trust = Trust(Policy(logs=list(grown.key.pinned), quorum="none"))
    for event in events:
        report = check(Bundle(record=event.record, proof=event.proof), trust)
        assert [report[name].answer for name in ("integrity", "logged")] == ["yes", "yes"], report


async def test_drafts_are_sealed_in_order_and_told(
    database: Database, kafka: KafkaConnection, running: Running
) -> None:
    grown, told_before = Grown(database), drafts(range(5))
    await insert(database, told_before)
    running.start(grown.sealer(kafka).run)
    await sealed(database, 5)
    await check_whole(database, grown, 5)
    events, (head,) = await told(database)
    assert [event.record_id for event in events] == [draft.record_id for draft in told_before]
    assert [event.record.encode() for event in events] == [draft.body for draft in told_before]
    assert (head.origin, head.size) == (grown.key.origin, 5)
    assert (await published(database))[-1].key == grown.key.origin.encode()


async def test_two_sealers_at_once_one_seals_and_the_other_takes_over(
    database: Database, kafka: KafkaConnection, running: Running, superuser: str
) -> None:
    grown = Grown(database)
    replicas = [running.start(grown.sealer(kafka).run) for _ in range(2)]
    waves = drafts(range(12))
    for wave in range(0, 12, 3):
        await insert(database, waves[wave : wave + 3])
        await sealed(database, wave + 3)
        await as_superuser(
            superuser,
            "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND objid = 7003 AND granted"
            " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
        )
    await check_whole(database, grown, 12)
    assert not any(task.done() for _, task in replicas)


async def test_of_two_sealers_one_says_that_it_stands_by(
    database: Database, kafka: KafkaConnection, running: Running
) -> None:
    grown = Grown(database)
    runtimes = [running.start(grown.sealer(kafka).run)[0] for _ in range(2)]

    def doings() -> list[str]:
        return sorted(runtime.notes.get(NOTE, "").partition(" ")[0] for runtime in runtimes)

    async def are_told() -> bool:
        return doings() == ["seals", "stands"]

    await until(are_told, "one that seals and one that stands by")
    await insert(database, drafts(range(3)))
    await sealed(database, 3)
    assert doings() == ["seals", "stands"]


async def test_an_owner_at_rest_stays_the_owner(
    database: Database, kafka: KafkaConnection, running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sealer, "FROZEN_SECONDS", 2)  # one that still restores asks every second
    grown = Grown(database)
    owner = grown.sealer(kafka)
    running.start(owner.run)
    await insert(database, drafts(range(1)))
    await sealed(database, 1)
    first = await fetch(database, OWNER)
    for _ in range(10):  # for longer than it may say nothing
        await asyncio.sleep(0.3)
        assert await fetch(database, OWNER) == first
    await insert(database, drafts(range(1, 2)))
    await sealed(database, 2)
    assert (await fetch(database, OWNER), owner.failures) == (first, 0)


@pytest.mark.usefixtures("small_batches")
@pytest.mark.parametrize(
    "trigger",
    [
        "AFTER INSERT ON truth.record FOR EACH STATEMENT",
        "AFTER INSERT ON truth.tile FOR EACH STATEMENT",
        "AFTER INSERT ON truth.checkpoint FOR EACH STATEMENT",
        "AFTER INSERT ON truth.outbox FOR EACH STATEMENT",
        "AFTER DELETE ON truth.draft FOR EACH STATEMENT",
    ],
)
async def test_a_backend_killed_inside_the_sealing_statement_loses_and_doubles_nothing(
    database: Database, kafka: KafkaConnection, running: Running, superuser: str, trigger: str
) -> None:
    await _kill_in(superuser, f"CREATE TRIGGER kill {trigger} EXECUTE FUNCTION truth.kill()")
    await _seal_through_kills(database, kafka, running)


@pytest.mark.usefixtures("small_batches")
async def test_a_backend_killed_at_the_commit_loses_and_doubles_nothing(
    database: Database, kafka: KafkaConnection, running: Running, superuser: str
) -> None:
    await _kill_in(
        superuser,
        "CREATE CONSTRAINT TRIGGER zz_kill AFTER INSERT ON truth.checkpoint DEFERRABLE INITIALLY DEFERRED"
        " FOR EACH ROW EXECUTE FUNCTION truth.kill()",
    )
    await _seal_through_kills(database, kafka, running)


async def _kill_in(superuser: str, trigger: str) -> None:
    connection = await asyncpg.connect(superuser)
    await connection.execute(KILL)
    await connection.execute(trigger)
    await connection.close()


async def _seal_through_kills(database: Database, kafka: KafkaConnection, running: Running) -> None:
    grown = Grown(database)
    await insert(database, drafts(range(10)))
    running.start(grown.sealer(kafka).run)
    await sealed(database, 10)
    ((statements,),) = await fetch(database, "SELECT last_value FROM truth.kills")
    assert statements == 2 + 4, "two were killed, then four batches sealed"
    await check_whole(database, grown, 10)


@pytest.mark.usefixtures("small_batches")
async def test_a_backend_killed_at_any_moment_loses_and_doubles_nothing(
    database: Database, kafka: KafkaConnection, running: Running, superuser: str
) -> None:
    grown, chance = Grown(database), random.Random(7)  # noqa: S311 the same moments in every run
    running.start(grown.sealer(kafka).run)
    connection = await asyncpg.connect(superuser)
    waiting = drafts(range(400))
    for first in range(0, 400, 10):
        await insert(database, waiting[first : first + 10])
        await asyncio.sleep(chance.random() * 0.05)
        await connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE application_name = 'truth-records-sealer' AND datname = current_database()"
        )
    await connection.close()
    await sealed(database, 400)
    await check_whole(database, grown, 400)


@pytest.mark.parametrize(
    "statement",
    [
        pytest.param("DELETE FROM truth.record WHERE idx = 299", id="last Record gone"),
        pytest.param("UPDATE truth.record SET leaf = sha256('x') WHERE idx = 298", id="open leaf edited"),
        pytest.param("UPDATE truth.tile SET root = sha256('x')", id="tile root edited"),
        pytest.param("DELETE FROM truth.tile", id="tile gone"),
        pytest.param("DELETE FROM truth.checkpoint", id="no checkpoint"),
        pytest.param("DELETE FROM truth.checkpoint WHERE size = 300", id="last checkpoint gone"),
        pytest.param(
            "UPDATE truth.checkpoint SET note = replace(note, E'\\n300\\n', E'\\n299\\n')", id="note edited"
        ),
    ],
)
async def test_a_log_that_does_not_match_its_checkpoint_is_not_grown(
    database: Database, kafka: KafkaConnection, running: Running, superuser: str, statement: str
) -> None:
    grown = Grown(database)
    await grown.grow(290, 10)
    await as_superuser(superuser, statement)
    await insert(database, drafts(range(1000, 1001)))
    _, task = running.start(grown.sealer(kafka).run)
    with pytest.raises(LogStoppedError, match="log_does_not_match_its_checkpoint"):
        await asyncio.wait_for(asyncio.shield(task), 30)
    assert await count(database, "draft") == 1


@pytest.mark.parametrize(
    ("size", "root", "is_stopped"),
    [
        pytest.param(8, b"\1" * 32, True, id="ahead: a restored backup"),
        pytest.param(7, b"\1" * 32, True, id="same size, another root: a fork"),
        pytest.param(5, b"\1" * 32, True, id="smaller, another root"),
        pytest.param(6, None, True, id="smaller, never signed here"),
        pytest.param(7, None, False, id="the same"),
        pytest.param(5, None, False, id="smaller: the relay was behind"),
    ],
)
async def test_a_log_behind_or_beside_what_was_published_is_not_grown(
    database: Database,
    kafka: KafkaConnection,
    running: Running,
    size: int,
    root: bytes | None,
    *,
    is_stopped: bool,
) -> None:
    grown = Grown(database)
    heads = {head.size: head for head in [(await grown.grow(n)).checkpoint for n in (5, 2)]}
    outside = Checkpoint(grown.key.origin, size, root or (heads[size].root if size in heads else b"\2" * 32))
    await published_outside(kafka, grown, outside)
    await insert(database, drafts(range(1000, 1001)))
    runtime, task = running.start(grown.sealer(kafka).run)
    if is_stopped:
        with pytest.raises(LogStoppedError, match="log_behind_its_witness"):
            await asyncio.wait_for(asyncio.shield(task), 30)
        assert runtime.notes[NOTE].startswith("is stopped: log_behind_its_witness")
        assert await count(database, "record") == 7
    else:
        await sealed(database, 8)


async def test_without_kafka_nothing_is_sealed_and_the_note_says_so(
    database: Database, kafka: KafkaConnection, running: Running
) -> None:
    away = kafka.model_copy(update={"bootstrap": f"127.0.0.1:{ports.free().of['kafka']}"})
    grown = Grown(database)
    await insert(database, drafts(range(1)))
    runtime, _ = running.start(grown.sealer(away).run)

    async def is_waiting() -> bool:
        return "KafkaConnectionError" in runtime.notes.get(NOTE, "")

    await until(is_waiting, "note about Kafka")
    assert await count(database, "record") == 0


async def test_a_draft_that_was_changed_is_not_sealed_and_stops_no_other(
    database: Database, kafka: KafkaConnection, running: Running, superuser: str
) -> None:
    grown, (changed, *others) = Grown(database), drafts(range(3))
    await insert(database, [changed, *others])
    await as_superuser(superuser, "UPDATE truth.draft SET body = set_byte(body, 5, 65) WHERE n = 1")
    sealer = grown.sealer(kafka)
    runtime, _ = running.start(sealer.run)
    await sealed(database, 2)
    assert sealer.changed == {changed.record_id}
    assert "1 are not what they were" in runtime.notes["drafts"]
    assert await count(database, "draft") == 1


@pytest.mark.usefixtures("small_batches")
async def test_more_changed_drafts_than_a_batch_holds_stop_no_other_and_are_sealed_once_mended(
    database: Database,
    kafka: KafkaConnection,
    running: Running,
    superuser: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sealer, "_AGAIN_SECONDS", 0.5)
    grown, told_before = Grown(database), drafts(range(9))
    await insert(database, told_before)
    byte = told_before[0].body[5]
    await as_superuser(superuser, "UPDATE truth.draft SET body = set_byte(body, 5, 65) WHERE n < 8")
    one = grown.sealer(kafka)
    runtime, _ = running.start(one.run)
    await sealed(database, 2)
    await insert(database, drafts(range(9, 10)))
    await sealed(database, 3)
    await asyncio.sleep(1)  # looked at again meanwhile
    assert one.changed == {draft.record_id for draft in told_before[:7]}
    assert "7 are not what they were" in runtime.notes["drafts"]
    mend = f"UPDATE truth.draft SET body = set_byte(body, 5, {byte})"  # noqa: S608 a number
    await as_superuser(superuser, mend)
    await sealed(database, 10)
    await check_whole(database, grown, 10)

    async def is_forgotten() -> bool:
        return not one.changed and "drafts" not in runtime.notes

    await until(is_forgotten, "nothing changed any more")
