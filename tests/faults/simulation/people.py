"""People and upstreams: they look, command, and say the same again when no answer comes."""

import json
from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from truth_contracts.base import read
from truth_contracts.envelope import Message
from truth_contracts.ids import CommandId, EventId, JobId, ServiceEventId, TaskId
from truth_contracts.jobs import JobCreated
from truth_contracts.refusals import Refusal
from truth_contracts.requests import RequestSubmitted
from truth_contracts.service_events import ServiceEventCompleted, ServiceEventCompletedBody
from truth_execution.domain.claim import Claim, claim
from truth_execution.domain.command import Command as WorkCommand
from truth_execution.domain.command import Occasion as WorkOccasion
from truth_execution.domain.completion import Complete, complete
from truth_execution.domain.service_event import AttachEvidence, Blob, Start, attach_evidence, start
from truth_execution.domain.work import Move as WorkMove
from truth_execution.domain.work import Work
from truth_governance.domain.assignment import Assign, assign
from truth_governance.domain.authenticator import Site
from truth_governance.domain.commanding import Command, Occasion, Person, first_answer
from truth_governance.domain.create_job import CreateJob, Creation, Known, Promotion, create_job
from truth_governance.domain.preparation import Preparation, PrepareJob, prepare_job
from truth_governance.domain.proof import Proving
from truth_governance.domain.review import Approve, approve
from truth_governance.domain.task import Move, Task, TaskState
from truth_intake.domain.submission import entrance_of_client, submission_by_http
from truth_kit import outbox
from truth_sealing.steps import hand_off, seal_step

from tests.faults.simulation.fixed import NOW, OPERATOR, PHOTO, SIGNERS, once, salt_of, uuid_of
from tests.faults.simulation.scheduler import step, until
from tests.faults.simulation.services import admit
from tests.faults.simulation.store import Store, Tx

if TYPE_CHECKING:
    from tests.faults.simulation.world import World

SOURCE = "/upstreams/acme"
PROVING = Proving("optional", Site("localhost", "http://localhost"))


def submitted_as_message(number: int) -> Message:
    """Request `number` as an upstream publishes it; the same bytes each time."""
    return once(("message", number), lambda: _message(number))


def _message(number: int) -> Message:
    headers = {
        "ce_specversion": "1.0", "ce_id": f"event-{number}", "ce_source": SOURCE,
        "ce_type": "truth.requests.submitted.v1", "content-type": "application/json",
    }  # fmt: skip
    encoded = tuple((name, value.encode()) for name, value in headers.items())
    return Message("requests.submitted", f"key-{number}".encode(), _octets(number), encoded)


def _octets(number: int) -> bytes:
    asked = {
        "request_key": f"key-{number}", "surface": "kitchen-repairs", "summary": "Tap drips",
        "description": "All night.", "requester": {"name": "Rita Ramos"},
    }  # fmt: skip
    return json.dumps(asked).encode()


async def publish(world: "World", number: int) -> None:
    """An upstream on Kafka; it may repeat itself."""
    for _ in range(world.die.randint(1, 2)):
        await step()
        world.log.append(submitted_as_message(number))


async def post(world: "World", number: int) -> None:
    """The same upstream at the other door."""

    async def submit(store: Store) -> Refusal | None:
        octets = _octets(number)
        entrance = entrance_of_client("acme")
        assert not isinstance(entrance, Refusal)
        submission = submission_by_http(read(RequestSubmitted, octets), octets, entrance, NOW)
        async with store.begin() as tx:
            (refusal,) = await admit(tx, [submission], world.fresher)
        return refusal

    await call(world, "intake", submit)


async def call(world: "World", service: str, handle: Callable[[Store], Awaitable[Any]]) -> Any:
    """Ask one replica after the other, word for word, until an answer comes back."""
    while True:
        process = world.die.choice(world.processes[service])
        asked = world.scheduler.spawn(f"{process.name} http", _answer(handle, world.stores[service]), process)
        await until(lambda asked=asked: asked.is_over)
        if asked.error is None and world.die.random() > world.loss:
            return asked.result


async def _answer(handle: Callable[[Store], Awaitable[Any]], store: Store) -> Any:
    return await handle(store)


async def review(world: "World", number: int, person: Person) -> None:
    """An admin takes a request's Task from review to Create Job, perhaps with another at the same time."""
    tasks = world.stores["governance"]
    await until(lambda: world.task_of(number) is not None)
    while True:
        task: Task = tasks.table("task")[world.task_of(number)]
        match task.state:
            case TaskState.PENDING_REVIEW:
                await _decide(world, task, Approve(version=task.version), person)
            case TaskState.APPROVED:
                await _decide(world, task, Assign(version=task.version, operator_id="olga"), person)
            case TaskState.ASSIGNED:
                await _create(world, task, person)
            case _:
                return


async def _decide(world: "World", task: Task, command: Command, person: Person) -> None:
    async def carry_out(store: Store) -> None:
        async with store.begin() as tx:
            now: Task = await tx.lock("task", task.task_id)
            if first_answer(now, command, person.reference) is not None:
                return
            attempt = world.fresher.attempt(command.NAME, person.subject, id(now))
            key = (command.NAME, id(now), person.subject, attempt)
            moved = once(key, lambda: _moved(now, command, _occasion(person, key[0], now, attempt)))
            if isinstance(moved, Move):
                await _write(tx, moved)

    await call(world, "governance", carry_out)


def _moved(task: Task, command: Command, occasion: Occasion) -> Move | Refusal:
    match command:
        case Approve():
            outcome = approve(task, command, occasion)
        case Assign():
            outcome = assign(task, OPERATOR, command, occasion)
        case _:
            raise TypeError(command)
    if isinstance(outcome, Refusal) or outcome.body is None:
        return outcome
    history = seal_step(outcome.body.model_dump(mode="json"), outcome.task.history, SIGNERS["governance"])
    return replace(outcome, task=replace(outcome.task, history=history))


async def _write(tx: Tx, moved: Move) -> None:
    tx.set("task", moved.task.task_id, moved.task)
    await outbox.add(tx.as_connection(), [moved.told])


async def _create(world: "World", task: Task, person: Person) -> None:
    """Prepare, then create with the digest that came back; twice now and then, as an impatient finger does."""

    async def prepare(store: Store) -> Preparation | Refusal:
        async with store.begin() as tx:
            now: Task = await tx.lock("task", task.task_id)
            attempt = world.fresher.attempt("prepare", task.task_id)
            key = ("prepare", id(now), person.subject, attempt)
            command = PrepareJob(version=task.version)
            job_id = JobId(uuid_of("job", task.task_id, attempt))
            prepared = once(
                key,
                lambda: prepare_job(
                    now, OPERATOR, command, _occasion(person, "prepare", now, attempt), job_id
                ),
            )
            if isinstance(prepared, Preparation):
                await tx.insert("preparation", prepared.digest, prepared)
        return prepared

    prepared = await call(world, "governance", prepare)
    if isinstance(prepared, Preparation):
        for _ in range(world.die.randint(1, 2)):
            await call(
                world, "governance", lambda store: _create_once(world, store, task.task_id, prepared, person)
            )


async def _create_once(
    world: "World", store: Store, task_id: TaskId, prepared: Preparation, person: Person
) -> None:
    async with store.begin() as tx:
        now: Task = await tx.lock("task", task_id)
        creation: Creation | None = tx.get("creation", task_id)
        kept: Preparation | None = tx.get("preparation", prepared.digest)
        attempt = world.fresher.attempt("create", task_id)
        key = ("create", id(now), creation, prepared.digest, person.subject, attempt)
        match once(
            key, lambda: _created(now, creation, kept, prepared, _occasion(person, "create", now, attempt))
        ):
            case (Promotion() as promotion, moved, event):
                tx.set("task", task_id, moved)
                await tx.insert("creation", task_id, promotion.creation)
                await outbox.add(tx.as_connection(), [promotion.move.told, event])
            case _:
                pass


def _created(
    task: Task, creation: Creation | None, kept: Preparation | None, prepared: Preparation, occasion: Occasion
) -> tuple[Promotion, Task, JobCreated] | Creation | Refusal:
    outcome = create_job(
        task, Known(creation, kept, OPERATOR), CreateJob(digest=prepared.digest), occasion, PROVING
    )
    if not isinstance(outcome, Promotion):
        return outcome
    history = seal_step(outcome.body.model_dump(mode="json"), task.history, SIGNERS["governance"])
    moved = replace(outcome.move.task, history=history)
    return outcome, moved, JobCreated.model_validate(hand_off(history))


def _occasion(person: Person, what: str, task: Task, attempt: int) -> Occasion:
    words = (what, task.task_id, task.version, person.subject, attempt)
    return Occasion(person, NOW, EventId(uuid_of(*words)), salt_of(*words))


async def work(world: "World", number: int, device: str) -> None:
    """The operator at one of her devices: claim, start, a photo, complete."""
    jobs = world.stores["execution"]
    await until(lambda: world.job_of(number) is not None)
    while True:
        job_id: JobId = world.job_of(number)
        now: Work = jobs.table("work")[job_id]
        command = _next_command(
            now, uuid_of("command", device, number, world.fresher.attempt("command", number))
        )
        if command is None:
            return
        for _ in range(world.die.randint(1, 2)):
            await call(world, "execution", partial(_command, world, job_id, command))


def _next_command(now: Work, command_id: Any) -> WorkCommand | None:
    one = CommandId(command_id)
    if now.job.state == "queued":
        return Claim(command_id=one)
    if now.job.state == "closed":
        return None
    if now.service_event is None:
        return Start(command_id=one)
    if not now.service_event.evidence:
        return AttachEvidence(command_id=one, sha256=PHOTO, stage="repair", origin="captured")
    return Complete(command_id=one, outcome="fulfilled")


async def _command(world: "World", job_id: JobId, command: WorkCommand, store: Store) -> None:
    async with store.begin() as tx:
        now: Work = await tx.lock("work", job_id)
        if tx.get("command", command.command_id) is not None:
            return
        attempt = world.fresher.attempt(command.NAME, command.command_id)
        words = (command.NAME, job_id, command.command_id, attempt)
        occasion = WorkOccasion("olga", NOW, EventId(uuid_of(*words)), salt_of(*words))
        done = once((*words, id(now)), lambda: _worked(now, command, occasion))
        if isinstance(done, Refusal):
            return
        moved, events = done
        tx.set("work", job_id, moved)
        await tx.insert("command", command.command_id, command.NAME)
        await outbox.add(tx.as_connection(), events)


def _worked(now: Work, command: WorkCommand, occasion: WorkOccasion) -> tuple[Work, list[Any]] | Refusal:
    outcome = _decided(now, command, occasion)
    if isinstance(outcome, Refusal):
        return outcome
    if outcome.body is None:
        return outcome.work, [*outcome.told]
    job = outcome.work.job
    history = seal_step(outcome.body.model_dump(mode="json"), job.history, SIGNERS["execution"])
    moved = replace(outcome.work, job=replace(job, history=history))
    if isinstance(outcome.body, ServiceEventCompletedBody):
        return moved, [ServiceEventCompleted.model_validate(hand_off(history)), *outcome.told]
    return moved, [*outcome.told]


def _decided(now: Work, command: WorkCommand, occasion: WorkOccasion) -> WorkMove | Refusal:
    match command:
        case Claim():
            return claim(now, command, occasion)
        case Start():
            return start(now, command, occasion, ServiceEventId(uuid_of("service event", occasion.event_id)))
        case AttachEvidence():
            return attach_evidence(
                now, command, Blob(PHOTO, "image/jpeg", 1000, NOW, "person:olga"), occasion
            )
        case Complete():
            return complete(now, command, occasion)
        case _:
            raise TypeError(command)
