"""Batches from Kafka, decided on a real PostgreSQL."""

import asyncio
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import text
from truth_contracts.envelope import Coordinates, Message, Received, from_kafka, to_kafka
from truth_contracts.intakes import IntakeAccepted
from truth_contracts.requests import RequestRefused
from truth_contracts.steps import arrived
from truth_contracts.topics import INTAKES_ACCEPTED, REQUESTS_REFUSED
from truth_intake.consumer import routes
from truth_intake.store import intakes, reading, surfaces, tracking
from truth_intake.store.reading import Scope, StoredIntake, Wanted
from truth_kit.database import Database
from truth_kit.dead_letters.redrive import Redrive, redrive
from truth_kit.dead_letters.store import Action, list_letters
from truth_kit.subscribe import Arrival, Decided, decide
from truth_kit.testing import arrival, published

from services.intake.tests import builders
from services.intake.tests.builders import KEYS, NOW, SIGNER, SOURCE, asked, published_request, surface

ROUTES = routes(SIGNER)


async def consume(database: Database, *messages: Message, first: int = 0) -> Decided:
    arrivals = [arrival(message, offset=first + n, at=NOW) for n, message in enumerate(messages)]
    return await decide(database, "intake", ROUTES, arrivals, NOW)


async def told(database: Database) -> list[Message]:
    return [message for message in await published(database) if message.topic == "requests.refused"]


async def accepted(database: Database) -> list[Received[Any]]:
    """What was published to intakes.accepted, as governance reads it; every hand-off must be whole."""
    found: list[Received[Any]] = []
    for message in await published(database):
        if message.topic == "intakes.accepted":
            came = from_kafka(INTAKES_ACCEPTED, message, Coordinates(message.topic, 0, len(found)), NOW)
            assert isinstance(came, Received)
            assert isinstance(came.event, IntakeAccepted)
            assert arrived(came.body, "intake", KEYS, every_signature=True) is None
            found.append(came)
    return found


async def kept(database: Database) -> list[StoredIntake]:
    async with database.connect() as conn:
        return await reading.list_intakes(conn, Wanted(scope=Scope()))


def refusal(message: Message) -> RequestRefused:
    came = from_kafka(REQUESTS_REFUSED, message, Coordinates(message.topic, 0, 0), NOW)
    assert isinstance(came, Received)
    assert isinstance(came.event, RequestRefused)
    return came.event


async def test_a_request_becomes_an_intake_and_is_handed_on(database: Database) -> None:
    members = asked(request_key="k-1", requester={"name": "Rita", "subject": "rita"})
    decided = await consume(database, published_request(members, event_id="e-1"))
    assert (decided.acted_on, decided.refused) == (1, 0)
    (event,) = await accepted(database)
    (intake,) = await kept(database)
    assert event.event.request_id == intake.request_id
    request = json.loads(event.event.steps[0])
    assert (request["event_id"], request["door"], request["actor"]) == ("e-1", "kafka", "upstream:acme")
    assert request["requester"] == {"name": "Rita", "contact": None, "subject": "rita"}
    assert (intake.source, intake.request_key, intake.maturity) == (SOURCE, "k-1", "live")


async def test_structured_and_plain_messages_are_the_same_request(database: Database) -> None:
    members = asked()
    structured = {"specversion": "1.0", "id": "e-1", "source": SOURCE, "type": "truth.requests.submitted.v1"}
    messages = (
        published_request(members),
        Message(
            "requests.submitted",
            None,
            json.dumps(structured | {"data": members}).encode(),
            (("content-type", b"application/cloudevents+json; charset=utf-8"),),
        ),
        Message("requests.submitted", None, json.dumps(members).encode(), ()),
    )
    decided = await consume(database, *messages)
    assert decided.acted_on == 3
    assert sorted(intake.source for intake in await kept(database)) == [SOURCE, "/upstreams/unnamed"]


async def test_repeats_are_the_same_intake_in_one_batch_and_in_the_next(database: Database) -> None:
    members = asked()
    same_event = published_request(members, event_id="e-1")
    decided = await consume(database, same_event, published_request(members), same_event)
    assert (decided.acted_on, decided.repeated) == (2, 1)
    again = await consume(database, same_event, published_request(members), first=3)
    assert (again.acted_on, again.repeated) == (1, 1)
    assert len(await accepted(database)) == 1
    assert await told(database) == []


async def test_a_reused_key_is_refused_and_the_batch_goes_on(database: Database) -> None:
    members = asked(request_key="k")
    decided = await consume(
        database,
        published_request(members),
        published_request(members | {"summary": "Roof leaks"}, event_id="e-2", key=b"mine"),
        published_request(asked()),
    )
    assert (decided.acted_on, decided.refused) == (2, 1)
    (message,) = await told(database)
    event = refusal(message)
    assert message.key == b"mine"
    assert (event.code, event.field, event.request_key) == ("request_key_reused", "request_key", "k")
    assert (event.source, event.refused_event_id, event.offset) == (SOURCE, "e-2", 1)


@pytest.mark.parametrize("apart", [False, True], ids=["in one batch", "in two"])
async def test_a_plain_request_with_a_known_key_and_other_content_is_refused(
    database: Database, apart: bool
) -> None:
    members = asked(request_key="17")
    bodies = (members, members | {"summary": "Roof leaks"}, members)
    messages = [Message("requests.submitted", None, json.dumps(body).encode(), ()) for body in bodies]
    if apart:
        for offset, message in enumerate(messages):
            await consume(database, message, first=offset)
    else:
        decided = await consume(database, *messages)
        assert (decided.acted_on, decided.refused, decided.repeated) == (1, 1, 1)
    (message,) = await told(database)
    event = refusal(message)
    assert (event.code, event.request_key, event.offset) == ("request_key_reused", "17", 1)
    assert len(await accepted(database)) == 1


async def test_an_id_that_both_doors_used_for_different_requests_is_refused_and_not_lost(
    database: Database,
) -> None:
    # Over HTTP the key stands for the event's id: both Intakes' events would have one derived id.
    decided = await consume(
        database,
        published_request(asked(request_key="42"), event_id="e-1"),
        published_request(asked(request_key="43"), event_id="e-1", source="/upstreams/other"),
    )
    assert decided.acted_on == 2
    async with database.begin() as tx:
        await tx.execute(text("DELETE FROM truth.outbox"))
    # The kit's inbox knows ids of messages only; an Intake of the other door stands for it here.
    by_http = builders.sealed(builders.submission(request_key="44"))
    async with database.begin() as tx:
        await intakes.insert_intakes(tx, [by_http])
    decided = await consume(database, published_request(asked(request_key="45"), event_id="44"), first=2)
    assert (decided.acted_on, decided.refused) == (0, 1)
    assert refusal((await told(database))[0]).field == "event_id"


REFUSED = {
    "planned surface": (published_request(asked(surface="garden-care")), "surface_planned", "surface"),
    "unknown surface": (published_request(asked(surface="no\nsuch")), "surface_unknown", "surface"),
    "a NUL": (published_request(asked(summary="a\0b")), "body_invalid", "summary"),
    "a NUL in the surface": (published_request(asked(surface="a\0b")), "body_invalid", "surface"),
    "a long key": (published_request(asked(request_key="k" * 65)), "body_invalid", "request_key"),
    "a long event id": (published_request(asked(), event_id="e" * 65), "envelope_invalid", "ce_id"),
    "a foreign source": (published_request(asked(), source="/intake-page"), "source_invalid", "ce_source"),
    "no JSON": (published_request(b"not json"), "body_invalid", "data"),
    "a duplicate member": (published_request(b'{"request_key":"a","request_key":"b"}'), "body_invalid", "data"),
    "a lone surrogate": (published_request(b'{"request_key":"\\ud800"}'), "body_invalid", "data"),
    "a tombstone": (Message("requests.submitted", b"k", None, ()), "envelope_invalid", "value"),
    "65 KiB": (published_request(asked(description="d" * 66_000)), "body_too_large", "value"),
    "too large a body": (published_request(asked(description="\u0001" * 8000)), "body_too_large", "description"),
    "a batch": (
        Message("requests.submitted", None, b"[]", (("content-type", b"application/cloudevents-batch+json"),)),
        "envelope_invalid",
        "content-type",
    ),
    "a large foreign key": (
        published_request(asked(surface="garden-care"), key=b"k" * 300_000),
        "surface_planned",
        "surface",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("message", "code", "field"), REFUSED.values(), ids=REFUSED.keys())
async def test_a_bad_message_is_refused_once_and_the_good_ones_around_it_go_on(
    database: Database, message: Message, code: str, field: str
) -> None:
    good = [published_request(asked()) for _ in range(2)]
    batch = (good[0], message, good[1])
    for _ in range(2):  # the second time is a re-read after a crash before the offsets were committed
        await consume(database, *batch)
    assert len(await accepted(database)) == 2
    (answer,) = await told(database)
    event = refusal(answer)
    assert (event.code, event.field, event.partition, event.offset) == (code, field, 0, 1)
    assert event.expected
    async with database.connect() as conn:
        (letter,) = await list_letters(conn, state="open", before=None, limit=10)
    assert letter.code == code
    assert all(m.topic != "intake.dead-letters" for m in await published(database))


async def test_a_dead_letter_is_redriven_once_the_surface_is_open(database: Database) -> None:
    await consume(database, published_request(asked(surface="garden-care")))
    async with database.connect() as conn:
        (letter,) = await list_letters(conn, state="open", before=None, limit=10)
    wish = Redrive(letter.id, "person:paul")
    refused_again = await redrive(database, ROUTES, wish, NOW)
    assert isinstance(refused_again, Action)
    assert refused_again.outcome == "refused"
    async with database.begin() as tx:
        await surfaces.insert_surface(tx, surface(name="garden-care", version=2, maturity="partial"))
    redriven = await redrive(database, ROUTES, wish, NOW)
    assert isinstance(redriven, Action)
    assert redriven.outcome == "redriven"
    (event,) = await accepted(database)
    assert event.event.maturity == "partial"


async def test_twins_in_batches_that_run_at_once_are_one_intake(database: Database) -> None:
    members = [asked() for _ in range(40)]  # enough for a thread to seal them

    def batch(partition: int) -> Sequence[Arrival]:
        messages = [published_request(one) for one in (members if partition % 2 else members[::-1])]
        return [arrival(m, offset=n, partition=partition, at=NOW) for n, m in enumerate(messages)]

    decided = await asyncio.gather(
        *(decide(database, "intake", ROUTES, batch(partition), NOW) for partition in range(4))
    )
    assert [one.acted_on for one in decided] == [40] * 4
    counted = Counter(event.event.request_id for event in await accepted(database))
    assert len(counted) == 40
    assert set(counted.values()) == {1}


async def test_a_twin_that_was_faster_through_another_batch_decides_what_its_followers_meet(
    database: Database,
) -> None:
    one, other = asked(request_key="k"), asked(request_key="k", summary="Roof leaks")

    def batch(partition: int, *members: dict[str, Any]) -> Sequence[Arrival]:
        messages = [published_request(asked_for) for asked_for in members]
        return [arrival(m, offset=n, partition=partition, at=NOW) for n, m in enumerate(messages)]

    decided = await asyncio.gather(
        decide(database, "intake", ROUTES, batch(0, one, other), NOW),
        decide(database, "intake", ROUTES, batch(1, other, one), NOW),
    )
    assert sorted((d.acted_on, d.refused) for d in decided) == [(1, 1), (1, 1)]
    assert len(await accepted(database)) == 1
    assert [refusal(m).code for m in await told(database)] == ["request_key_reused"] * 2


async def test_what_watchers_are_told_is_kept_whatever_its_order(database: Database) -> None:
    await consume(database, published_request(asked()))
    ((intake),) = await kept(database)
    request_id = intake.request_id
    events = [
        builders.signal_emitted(request_id),
        builders.record_sealed(request_id),
        builders.service_event_changed(request_id, 3, "completed"),
        builders.service_event_changed(request_id, 1, "started"),
        builders.job_changed(request_id, 2, "claimed"),
        builders.job_changed(request_id, 3, "closed"),
        builders.task_changed(request_id, 4, "promoted"),
        builders.task_changed(request_id, 1, "pending_review"),
        builders.task_changed(uuid4(), 1, "pending_review"),
    ]
    arrivals = [arrival(event, offset=n) for n, event in enumerate(events)]
    by_place = sorted(arrivals, key=lambda one: (one.coordinates.topic, one.coordinates.offset))
    decided = await decide(database, "intake", ROUTES, by_place, NOW)
    assert decided.acted_on == len(events)
    async with database.connect() as conn:
        seen = (await tracking.list_seen(conn, [request_id]))[request_id]
    assert {step: (one.state, one.version) for step, one in seen.items()} == {
        "task": ("promoted", 4),
        "job": ("closed", 3),
        "service_event": ("completed", 3),
        "record": ("sealed", 1),
        "signal": ("emitted", 1),
    }


@pytest.mark.parametrize("state", ["a\\u0000b", "s" * 65, ""])
async def test_a_state_that_cannot_be_kept_goes_to_our_dead_letters(database: Database, state: str) -> None:
    good = arrival(builders.task_changed(uuid4(), 2**31 - 1, "approved"), offset=9)
    whole = to_kafka(builders.task_changed(uuid4(), 1, "approved"))
    value = (whole.value or b"").replace(b"approved", state.encode())
    arrivals = [arrival(replace(whole, value=value)), good]
    decided = await decide(database, "intake", ROUTES, arrivals, NOW)
    assert (decided.acted_on, decided.refused) == (1, 1)
    (message,) = await published(database)
    assert message.topic == "intake.dead-letters"
