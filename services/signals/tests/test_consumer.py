"""records.sealed in, Signals and withheld decisions out, on a real PostgreSQL."""

import json

import pytest
from sqlalchemy.exc import IntegrityError
from truth_contracts.records import RecordSealed
from truth_contracts.signals import SignalEmitted
from truth_kit.database import Database
from truth_kit.dead_letters.store import list_letters
from truth_kit.subscribe import Decided, decide
from truth_kit.testing import arrival, published
from truth_sealing.signal import open_envelope
from truth_signals import store
from truth_signals.consumer import routes
from truth_signals.domain.policy import SignalPolicy, read_policy

from services.signals.tests.builders import (
    KEYS,
    NOW,
    POLICY,
    means,
    partial_surface,
    record_sealed,
    uuid_of,
)


async def take(
    database: Database, *events: RecordSealed, policy: SignalPolicy = POLICY, at: int = 0
) -> Decided:
    told = [arrival(event, offset=at + number) for number, event in enumerate(events)]
    return await decide(database, "signals", routes(means(policy)), told, NOW)


async def codes(database: Database) -> list[str]:
    async with database.connect() as conn:
        return [letter.code for letter in await list_letters(conn, state="open", before=None, limit=10)]


async def test_a_sealed_record_earns_one_signal(database: Database) -> None:
    event = record_sealed()
    decided = await take(database, event, event)
    assert (decided.acted_on, decided.repeated, decided.refused) == (1, 1, 0)
    (message,) = await published(database)
    signal = SignalEmitted.model_validate_json(message.value or b"")
    assert (message.topic, message.key) == ("signals.emitted", str(event.request_id).encode())
    statement, _ = open_envelope(signal.envelope, [KEYS.signal.verify_key])
    assert statement["subject"] == [{"name": "record.json", "digest": {"sha256": event.sha256}}]
    async with database.connect() as conn:
        (kept,) = await store.list_by_record(conn, event.record_id)
        found = await store.find_signal(conn, signal.signal_id)
        assert await store.list_by_request(conn, event.request_id) == [kept]
    assert found == kept
    assert (kept.signal_id, kept.envelope, kept.reasons) == (signal.signal_id, signal.envelope, [])


async def test_a_withheld_signal_is_kept_with_its_reasons_and_not_published(database: Database) -> None:
    event = record_sealed(steps=partial_surface())
    await take(database, event)
    assert await published(database) == []
    async with database.connect() as conn:
        (kept,) = await store.list_by_record(conn, event.record_id)
    assert (kept.signal_id, kept.reasons) == (None, ["maturity: the surface's maturity is partial"])


async def test_a_record_has_at_most_one_signal_under_whatever_policy(database: Database) -> None:
    event = record_sealed()
    newer = read_policy(json.dumps({**json.loads(POLICY.octets), "version": "2.0"}).encode())
    await take(database, event)
    again = record_sealed(event_id=uuid_of("another event"))
    decided = await take(database, again, policy=newer, at=1)
    assert (decided.refused, await codes(database)) == (1, ["signal_exists"])


async def test_a_newer_policy_may_decide_on_what_an_older_one_withheld(database: Database) -> None:
    rules = {**json.loads(POLICY.octets)["rules"], "outcome": ["fulfilled", "partially_fulfilled"]}
    newer = read_policy(json.dumps({**json.loads(POLICY.octets), "version": "2.0", "rules": rules}).encode())
    steps = {"service_event_completed": {"outcome": "partially_fulfilled"}}
    await take(database, record_sealed(steps=steps))
    await take(database, record_sealed(steps=steps, event_id=uuid_of("another event")), policy=newer, at=1)
    async with database.connect() as conn:
        kept = await store.list_by_record(conn, record_sealed().record_id)
    assert {one.policy.version: one.signal_id is not None for one in kept} == {"1.0": False, "2.0": True}


async def test_what_does_not_verify_is_a_dead_letter_and_no_decision(database: Database) -> None:
    forged = record_sealed(members={"outcome": "not_fulfilled"})
    decided = await take(database, forged, record_sealed(2))
    assert (decided.acted_on, decided.refused) == (1, 1)
    assert await codes(database) == ["record_unverified"]
    assert {message.topic for message in await published(database)} == {
        "signals.dead-letters",
        "signals.emitted",
    }


async def test_a_second_signal_over_a_record_is_impossible(database: Database) -> None:
    event = record_sealed()
    await take(database, event)
    (message,) = await published(database)
    signal = SignalEmitted.model_validate_json(message.value or b"")
    second = SignalEmitted.model_validate(signal.model_dump() | {"signal_id": uuid_of("second")})
    with pytest.raises(IntegrityError, match="signal_record_id_key"):
        async with database.begin() as tx:
            await store.insert_signals(tx, [second])
