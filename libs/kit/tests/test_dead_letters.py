"""Dead letters: kept whole, told on the topic, offered again once."""

from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from truth_contracts.envelope import Coordinates, Message, to_kafka
from truth_contracts.refusals import Refusal
from truth_contracts.topics import dead_letters
from truth_kit.database import Database
from truth_kit.dead_letters import DeadLetter
from truth_kit.dead_letters.redrive import Dismiss, Redrive, dismiss, redrive
from truth_kit.dead_letters.store import (
    Action,
    count_open,
    find_letter,
    list_actions,
    list_letters,
    lock_letter,
)
from truth_kit.dead_letters.topic import told
from truth_kit.outbox import message_bytes
from truth_kit.subscribe import decide
from truth_kit.testing import arrival, published

from libs.kit.tests.hop_sample import NOW, ROUTES, forbidden, job_changed, list_seen

PAUL = "person:paul"
REFUSAL = Refusal("body_invalid", "Wrong.", "data", "an object", "null")


def letter(**changes: object) -> DeadLetter:
    parts = {"topic": "jobs.changed", "key": b"k", "value": b"{}", "headers": ()} | changes
    return DeadLetter(Message(**parts), Coordinates("jobs.changed", 2, 77), NOW, REFUSAL)  # pyright: ignore[reportArgumentType] a builder


async def allow(database: Database, state: str) -> None:
    async with database.begin() as tx:
        await tx.execute(forbidden.delete().where(forbidden.c.state == state))


@pytest.fixture
async def refused(database: Database) -> UUID:
    """The id of a dead letter of an event in the forbidden state `odd`."""
    async with database.begin() as tx:
        await tx.execute(forbidden.insert().values(state="odd"))
    batch = [arrival(job_changed(state="odd"), offset=3)]
    await decide(database, "governance", ROUTES, batch, NOW)
    async with database.connect() as conn:
        (summary,) = await list_letters(conn, state="open", before=None, limit=9)
    return summary.id


async def redriven(database: Database, letter_id: UUID, *, dry_run: bool = False) -> str:
    match await redrive(database, ROUTES, Redrive(letter_id, PAUL, "fixed", dry_run), NOW):
        case Action() as action:
            return action.outcome
        case Refusal() as refusal:
            return refusal.code


async def test_a_redrive_has_one_effect_and_a_second_none(database: Database, refused: UUID) -> None:
    await allow(database, "odd")
    assert await redriven(database, refused) == "redriven"
    assert await redriven(database, refused) == "dead_letter_closed"
    assert len(await list_seen(database)) == 1
    assert [m.topic for m in await published(database)] == ["governance.dead-letters", "tasks.changed"]
    async with database.connect() as conn:
        summary = await find_letter(conn, refused)
        actions = await list_actions(conn, refused)
        assert await count_open(conn) == 0
    assert summary
    assert (summary.state, summary.attempts, summary.closed_at) == ("redriven", 1, NOW)
    assert [(a.what, a.by, a.reason, a.outcome, a.at) for a in actions] == [
        ("redrive", PAUL, "fixed", "redriven", NOW)
    ]


async def test_what_is_still_wrong_stays_open(database: Database, refused: UUID) -> None:
    assert [await redriven(database, refused) for _ in range(2)] == ["refused", "refused"]
    async with database.connect() as conn:
        summary = await find_letter(conn, refused)
    assert summary
    assert (summary.state, summary.code, summary.attempts) == ("open", "move_forbidden", 2)
    assert len(await published(database)) == 1  # told once, at the first refusal
    await allow(database, "odd")
    assert await redriven(database, refused) == "redriven"


@pytest.mark.parametrize(("is_fixed", "outcome"), [(True, "would_redrive"), (False, "would_refuse")])
async def test_a_dry_run_changes_nothing_and_is_noted(
    database: Database, refused: UUID, is_fixed: bool, outcome: str
) -> None:
    if is_fixed:
        await allow(database, "odd")
    assert await redriven(database, refused, dry_run=True) == outcome
    assert await list_seen(database) == []
    assert len(await published(database)) == 1
    async with database.connect() as conn:
        assert [action.what for action in await list_actions(conn, refused)] == ["dry_run"]
        summary = await find_letter(conn, refused)
    assert summary
    assert (summary.state, summary.attempts) == ("open", 0)


async def test_an_event_acted_on_through_another_copy_counts_as_redriven(
    database: Database, refused: UUID
) -> None:
    async with database.begin() as tx:
        stored = await lock_letter(tx, refused)
    assert stored
    await allow(database, "odd")
    await decide(database, "governance", ROUTES, [arrival(stored.message, offset=9)], NOW)
    assert await redriven(database, refused) == "redriven"
    assert len(await list_seen(database)) == 1


async def test_dismissing_closes_it(database: Database, refused: UUID) -> None:
    action = await dismiss(database, Dismiss(refused, PAUL, "a test"), NOW)
    assert isinstance(action, Action)
    again = await dismiss(database, Dismiss(refused, PAUL, "a test"), NOW)
    assert isinstance(again, Refusal)
    assert again.code == await redriven(database, refused) == "dead_letter_closed"


async def test_an_unknown_dead_letter_is_refused(database: Database) -> None:
    assert await redriven(database, uuid4()) == "dead_letter_unknown"


async def test_it_is_kept_byte_for_byte(database: Database) -> None:
    headers = (("ce_id", b"\xff\0"), ("n\0\N{SNOWMAN}", b""), ("ce_id", b"two"))
    poison = Message("jobs.changed", b"\0\xff", b"\0\xfe", headers)
    await decide(database, "governance", ROUTES, [arrival(poison)], NOW)
    async with database.begin() as tx:
        (summary,) = await list_letters(tx, state="open", before=None, limit=9)
        stored = await lock_letter(tx, summary.id)
    assert stored
    assert stored.message == poison


async def test_the_list_names_type_and_source_as_far_as_they_could_be_ours(database: Database) -> None:
    told = [(("ce_type", b"a.b.v1"), ("ce_source", b"/upstreams/acme")), (("ce_type", b"x" * 201),), ()]
    odd = (("ce_type", "Rita \N{SNOWMAN}".encode()), ("ce_source", b'"\\'))
    batch = [Message("jobs.changed", None, b"{}", headers) for headers in (*told, odd)]
    await decide(database, "governance", ROUTES, [arrival(m, offset=n) for n, m in enumerate(batch)], NOW)
    async with database.connect() as conn:
        listed = await list_letters(conn, state="open", before=None, limit=9)
    assert [(one.type, one.source) for one in sorted(listed, key=lambda one: one.offset)] == [
        ("a.b.v1", "/upstreams/acme"),
        (None, None),
        (None, None),
        (None, None),
    ]


async def test_the_list_is_paged_newest_first(database: Database) -> None:
    batch = [arrival(Message("jobs.changed", None, None, ()), offset=n) for n in range(5)]
    await decide(database, "governance", ROUTES, batch, NOW)
    async with database.connect() as conn:
        first = await list_letters(conn, state="open", before=None, limit=3)
        second = await list_letters(conn, state=None, before=first[-1].id, limit=3)
        none = await list_letters(conn, state="dismissed", before=None, limit=3)
    assert {summary.offset for summary in first + second} == set(range(5))
    assert (len(first), len(second), none) == (3, 2, [])


def test_it_is_told_with_all_that_came_and_why() -> None:
    message = to_kafka(job_changed())
    whole = told(DeadLetter(message, Coordinates("jobs.changed", 2, 77), NOW, REFUSAL), "governance", NOW)
    assert (whole.topic, whole.key, whole.value) == ("governance.dead-letters", message.key, message.value)
    assert whole.headers[: len(message.headers)] == message.headers
    assert dict(whole.headers[len(message.headers) :]) == {
        "dl_topic": b"jobs.changed",
        "dl_partition": b"2",
        "dl_offset": b"77",
        "dl_reason": b"body_invalid",
        "dl_detail": b"Wrong.",
        "dl_service": b"governance",
        "dl_version": b"1.0.0",
        "dl_at": b"2026-11-24T12:00:00.000Z",
    }


@pytest.mark.parametrize(
    "parts",
    [
        pytest.param({"value": b"v" * 1_000_000}, id="long value"),
        pytest.param({"headers": (("h", b"h" * 1_000_000),)}, id="long header"),
        pytest.param({"key": b"k" * 1_000_000}, id="long key"),
    ],
)
def test_what_the_topic_cannot_take_is_left_out(parts: dict[str, object]) -> None:
    slim = told(letter(**parts), "governance", NOW)
    assert message_bytes(slim) < dead_letters("governance").bytes_max
    assert int(dict(slim.headers)["dl_omitted"]) >= 1_000_000
    assert slim.key is not None


def test_a_long_message_without_a_key_can_be_told() -> None:
    slim = told(letter(key=None, value=b"v" * 1_000_000), "governance", NOW)
    assert (slim.key, slim.value) == (None, b"")  # with neither, the relay would stop at it for ever
    assert int(dict(slim.headers)["dl_omitted"]) >= 1_000_000


SIZES = st.sampled_from([0, 1, 1_000, 100_000, 300_000])


@given(
    key=st.none() | SIZES,
    value=st.none() | SIZES,
    headers=st.lists(st.tuples(st.text(max_size=99), SIZES), max_size=3),
)
def test_whatever_was_refused_can_be_published(
    key: int | None, value: int | None, headers: list[tuple[str, int]]
) -> None:
    refused = letter(
        key=None if key is None else bytes(key),
        value=None if value is None else bytes(value),
        headers=tuple((name, bytes(size)) for name, size in headers),
    )
    message = told(refused, "governance", NOW)
    assert message_bytes(message) <= dead_letters("governance").bytes_max
    assert message.key is not None or message.value is not None


def test_a_tombstone_without_a_key_can_be_told() -> None:
    assert told(letter(key=None, value=None), "governance", NOW).value == b""
