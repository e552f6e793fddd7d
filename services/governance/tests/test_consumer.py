"""From Kafka to Tasks: what arrives, arrives twice, arrives late, or is not whole."""

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from truth_contracts.envelope import Message, to_kafka
from truth_contracts.steps import Event
from truth_contracts.tasks import TaskChanged
from truth_governance.consumer import routes
from truth_governance.domain.review import Ask, ask
from truth_governance.domain.task import Task, TaskState
from truth_governance.store import tasks, watched
from truth_kit.database import Database
from truth_kit.dead_letters.store import list_letters
from truth_kit.subscribe import Decided, decide
from truth_kit.testing import arrival, published
from truth_sealing.keys import FileSigner

from services.governance.tests import making
from services.governance.tests.making import (
    KEYS,
    NOW,
    answered,
    intake_accepted,
    job_changed,
    occasion,
    request_body,
    service_event_changed,
)


class Feed:
    """Sends events as Kafka would, each at an offset of its own."""

    def __init__(self, database: Database) -> None:
        self._database, self._offset = database, 0

    async def send(self, *events: Event | Message) -> Decided:
        """One batch."""
        arrivals = [arrival(event, offset=self._offset + n) for n, event in enumerate(events)]
        arrivals.sort(key=lambda one: one.coordinates.topic)
        self._offset += len(events)
        return await decide(self._database, "governance", routes(KEYS), arrivals, NOW)

    async def refusals(self) -> list[str]:
        """Codes of the dead letters, oldest first."""
        async with self._database.connect() as conn:
            letters = await list_letters(conn, state=None, before=None, limit=100)
        return [letter.code for letter in reversed(letters)]


@pytest.fixture
def feed(database: Database) -> Feed:
    return Feed(database)


async def task_of(database: Database, request_id: Any) -> Task:
    async with database.begin() as tx:
        return (await tasks.lock_tasks_of(tx, {request_id}))[request_id]


async def told(database: Database) -> list[TaskChanged]:
    messages = [message for message in await published(database) if message.topic == "tasks.changed"]
    return [TaskChanged.model_validate_json(message.value or b"") for message in messages]


async def asked(database: Database, request_id: Any) -> Task:
    """The Task after a question to its requester."""
    async with database.begin() as tx:
        task = (await tasks.lock_tasks_of(tx, {request_id}))[request_id]
        task = making.carried(ask(task, Ask(version=task.version, question="Which tap?"), occasion()))
        await tasks.set_moved(tx, [task])
    return task


def changed(event: Event, **members: Any) -> Message:
    """The event's message with other members in its body."""
    message = to_kafka(event)
    body = json.loads(message.value or b"")
    return replace(message, value=json.dumps(body | members).encode())


async def test_an_accepted_intake_opens_one_task_and_watchers_are_told(
    database: Database, feed: Feed
) -> None:
    accepted = intake_accepted(request_body(actor="person:rita"))
    assert (await feed.send(accepted)).acted_on == 1
    task = await task_of(database, accepted.request_id)
    assert (task.state, task.version, task.requested_by) == (TaskState.PENDING_REVIEW, 1, "person:rita")
    (fact,) = await told(database)
    assert (fact.id, fact.version, fact.state, fact.actor) == (
        task.task_id,
        1,
        "pending_review",
        "service:governance",
    )


async def test_a_repeat_opens_nothing_more(database: Database, feed: Feed) -> None:
    accepted = intake_accepted()
    await feed.send(accepted, accepted)
    assert (await feed.send(accepted)).repeated == 1
    assert len(await told(database)) == 1
    assert await feed.refusals() == []


async def test_a_second_intake_of_a_request_is_a_dead_letter(database: Database, feed: Feed) -> None:
    body = request_body()
    await feed.send(intake_accepted(body), intake_accepted(body))
    await feed.send(intake_accepted(body))
    assert await feed.refusals() == ["task_exists", "task_exists"]
    assert len(await told(database)) == 1


async def test_many_intakes_are_one_batch(database: Database, feed: Feed) -> None:
    batch = [intake_accepted() for _ in range(120)]
    assert (await feed.send(*batch)).acted_on == 120
    assert {fact.request_id for fact in await told(database)} == {accepted.request_id for accepted in batch}


async def test_what_is_not_whole_opens_nothing(database: Database, feed: Feed) -> None:
    good, other = intake_accepted(), intake_accepted()
    foreign = FileSigner.generate("intake")
    stranger = json.loads(to_kafka(other).value or b"")
    broken: Sequence[Message] = [
        changed(intake_accepted(), maturity="partial"),
        changed(intake_accepted(), steps=stranger["steps"]),
        changed(intake_accepted(), chain=stranger["chain"]),
        changed(intake_accepted(), steps=[]),
    ]
    assert (await feed.send(*broken, good)).refused == 4
    assert await feed.refusals() == ["chain_broken"] * 4
    assert [fact.request_id for fact in await told(database)] == [good.request_id]
    forged = await decide(
        database, "governance", routes({"intake": (foreign.verify_key,)}), [arrival(other, offset=99)], NOW
    )
    assert forged.refused == 1


async def test_a_requester_that_the_database_cannot_keep_opens_nothing(
    database: Database, feed: Feed
) -> None:
    # Signed by an intake that still took U+0000 in a subject.
    poison = request_body()
    asker = poison.requester.model_copy(update={"subject": "a\0b"})
    accepted = intake_accepted(poison.model_copy(update={"requester": asker}))
    good = intake_accepted()
    assert (await feed.send(accepted, good)).refused == 1
    assert await feed.refusals() == ["body_invalid"]
    assert [fact.request_id for fact in await told(database)] == [good.request_id]


async def test_a_planned_surface_opens_nothing(feed: Feed) -> None:
    await feed.send(intake_accepted(maturity="planned"))
    assert await feed.refusals() == ["surface_planned"]


async def test_an_answer_brings_the_task_back_once(database: Database, feed: Feed) -> None:
    accepted = intake_accepted()
    await feed.send(accepted)
    task = await asked(database, accepted.request_id)
    event = answered(accepted.request_id, task.version)
    late = answered(accepted.request_id, task.version, answer="No, the right one.")
    assert (await feed.send(event, late)).acted_on == 2
    task = await task_of(database, accepted.request_id)
    assert (task.state, task.version) == (TaskState.PENDING_REVIEW, 3)
    assert "The left one." in task.last.content
    assert (await feed.send(event)).repeated == 1
    assert [fact.version for fact in await told(database)] == [1, 3]
    assert await feed.refusals() == []


async def test_an_answer_to_nothing_is_a_dead_letter(feed: Feed) -> None:
    accepted = intake_accepted()
    await feed.send(accepted)
    await feed.send(answered(accepted.request_id, 2), answered(request_body().request_id, 1))
    assert sorted(await feed.refusals()) == ["nothing_asked", "task_unknown"]


async def test_what_execution_tells_is_kept_by_version_and_moves_nothing(
    database: Database, feed: Feed
) -> None:
    accepted = intake_accepted()
    await feed.send(accepted)
    request_id = accepted.request_id
    job, service_event = (
        job_changed(request_id, 2, "claimed"),
        service_event_changed(request_id, 1, "started"),
    )
    await feed.send(job_changed(request_id, 1, "queued"), job, service_event)
    await feed.send(job_changed(request_id, 1, "queued"), service_event_changed(request_id, 2, "in_progress"))
    async with database.connect() as conn:
        seen_job = await watched.find_job(conn, request_id)
        seen_event = await watched.find_service_event(conn, request_id)
    assert seen_job is not None
    assert (seen_job.job_id, seen_job.version, seen_job.state) == (job.id, 2, "claimed")
    assert seen_event is not None
    assert (seen_event.version, seen_event.state) == (2, "in_progress")
    assert (await task_of(database, request_id)).version == 1
    assert await feed.refusals() == []


async def test_no_consumed_event_publishes_a_job(database: Database, feed: Feed) -> None:
    accepted = intake_accepted()
    request_id = accepted.request_id
    await feed.send(accepted)
    await feed.send(answered(request_id, 1), job_changed(request_id, 1, "queued"))
    await feed.send(service_event_changed(request_id, 1, "started"))
    assert {message.topic for message in await published(database)} == {"tasks.changed"}
