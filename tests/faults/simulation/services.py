"""Kafka in, as the five services do it: the real checks and decisions, over tables in memory."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any

from truth_contracts.envelope import Received
from truth_contracts.ids import RecordId, RequestId, TaskId
from truth_contracts.refusals import Refusal
from truth_execution.consumer import routes as execution_routes
from truth_execution.domain.arrival import Queued, queue_job
from truth_execution.domain.work import Work
from truth_governance.consumer import routes as governance_routes
from truth_governance.domain.opening import Opening, open_task
from truth_governance.domain.task import Move
from truth_governance.domain.watching import newest
from truth_intake.consumer import routes as intake_routes
from truth_intake.domain.intake import Accepted, Fresh, KnownIntakes, Sealed, accept, seal
from truth_intake.domain.submission import Submission, submission_by_kafka
from truth_intake.domain.tracker import seen_of
from truth_kit import outbox
from truth_kit.dead_letters import DeadLetter
from truth_kit.subscribe import AnyRoute
from truth_records.consumer import routes as records_routes
from truth_records.domain.path import CompletedPath, read_path
from truth_records.domain.record import Draft, draw_up, values_to_commit
from truth_sealing.signal import sign_envelope
from truth_sealing.steps import history_of
from truth_signals.consumer import routes as signals_routes
from truth_signals.domain.decision import Decision, decide, emitted, stated
from truth_signals.domain.sealed import read as read_sealed

from tests.faults.simulation.fixed import KEYS, MEANS, NOW, SIGNERS, SURFACE, once, salt_of, uuid_of
from tests.faults.simulation.store import ConflictError, Tx

Batch = Sequence[Received[Any]]


class Fresher:
    """Ids that only an edge may make: the same for the n-th attempt at the same thing in every run."""

    def __init__(self) -> None:
        self._attempts: dict[tuple[object, ...], int] = {}

    def attempt(self, *what: object) -> int:
        """How often this was attempted before."""
        self._attempts[what] = self._attempts.get(what, 0) + 1
        return self._attempts[what]


async def insert_or_conflict(tx: Tx, table: str, key: object, value: object) -> None:
    """An INSERT without ON CONFLICT."""
    if not await tx.insert(table, key, value):
        raise ConflictError(f"{table} {key}")


async def admit(tx: Tx, submissions: Sequence[Submission], fresher: Fresher) -> list[Refusal | None]:
    """Intake's decision for each of these, as both doors take it; a twin that was faster is met."""
    outcome: dict[int, Refusal | None] = {}
    left = list(range(len(submissions)))
    while left:
        known = KnownIntakes(
            row for n in left for row in (tx.get("of_key", submissions[n].key), tx.get("of_event", _event(submissions[n]))) if row
        )  # fmt: skip
        lost: list[int] = []
        new: list[tuple[int, Sealed]] = []
        for n in left:
            submission = submissions[n]
            attempt = fresher.attempt("intake", submission.key)
            verdict = accept(submission, known.standing(submission, SURFACE), _fresh(submission, attempt))
            if isinstance(verdict, Accepted):
                known.add(verdict.known)
                key = ("intake", submission.key, submission.entrance.door, attempt)
                new.append((n, once(key, lambda verdict=verdict: seal(verdict, SIGNERS["intake"]))))
            outcome[n] = verdict if isinstance(verdict, Refusal) else None
        for n, sealed in sorted(new, key=lambda one: one[1].accepted.submission.key):
            row = sealed.accepted.known
            if not await tx.insert("of_key", submissions[n].key, row):
                lost.append(n)
                continue
            await insert_or_conflict(tx, "of_event", _event(submissions[n]), row)
            tx.set("intake", row.request_id, sealed)
            await outbox.add(tx.as_connection(), [sealed.event])
        keys = {submissions[n].key for n in lost}
        left = [n for n in left if submissions[n].key in keys]
    return [outcome[n] for n in range(len(submissions))]


def _event(submission: Submission) -> tuple[str, str]:
    return submission.entrance.source, submission.event_id


def _fresh(submission: Submission, attempt: int) -> Fresh:
    what = (submission.key, attempt)
    return Fresh(
        RequestId(uuid_of("request", *what)), salt_of("request", *what), salt_of("intake", *what), NOW
    )


class Services:
    """The handlers of one run."""

    def __init__(self, fresher: Fresher) -> None:
        self._fresher = fresher

    def routes(self) -> dict[str, tuple[AnyRoute, ...]]:
        """Each service's own routes with their real checks; what they do is done in memory."""
        return {
            "intake": self._over(intake_routes(SIGNERS["intake"]), self._submitted, *[self._told] * 5),
            "governance": self._over(
                [r for r in governance_routes(KEYS) if r.topic.name != "intakes.answered"],
                self._accepted, self._shown, self._shown),
            "execution": self._over(execution_routes(KEYS), self._created),
            "records": self._over(records_routes(KEYS, ()), self._completed),
            "signals": self._over(signals_routes(MEANS), self._sealed),
        }  # fmt: skip

    def _over(self, routes: Sequence[AnyRoute], *handlers: Any) -> tuple[AnyRoute, ...]:
        return tuple(_checked_once(replace(r, on=on)) for r, on in zip(routes, handlers, strict=True))

    async def _submitted(self, tx: Tx, batch: Batch, now: datetime) -> list[DeadLetter]:
        refusals = await admit(tx, [submission_by_kafka(received, now) for received in batch], self._fresher)
        pairs = zip(batch, refusals, strict=True)
        return [DeadLetter.of(received, refusal) for received, refusal in pairs if refusal is not None]

    async def _told(self, tx: Tx, batch: Batch, now: datetime) -> list[DeadLetter]:
        del now
        for received in sorted(batch, key=lambda received: received.event.request_id):
            seen = seen_of(received.event)
            before = await tx.lock("seen", (seen.request_id, seen.step))
            if before is None or seen.version > before.version:
                tx.set("seen", (seen.request_id, seen.step), seen)
        return []

    async def _accepted(self, tx: Tx, batch: Batch, now: datetime) -> list[DeadLetter]:
        opened: list[Move] = []
        dead: list[DeadLetter] = []
        existing = {r.event.request_id: tx.get("task_of", r.event.request_id) for r in batch}
        for received in batch:
            accepted = received.event
            attempt = self._fresher.attempt("task", accepted.request_id)
            task_id = TaskId(uuid_of("task", accepted.request_id, attempt))
            opening = Opening(accepted, history_of(received.body), task_id, now)
            key = ("open", received.message.value, attempt, existing[accepted.request_id])
            match once(key, partial(open_task, existing[accepted.request_id], opening)):
                case Move() as move:
                    existing[accepted.request_id] = move.task.task_id
                    opened.append(move)
                case Refusal() as refusal:
                    dead.append(DeadLetter.of(received, refusal))
        for move in sorted(opened, key=lambda move: move.task.request_id):
            await insert_or_conflict(tx, "task_of", move.task.request_id, move.task.task_id)
            tx.set("task", move.task.task_id, move.task)
        await outbox.add(tx.as_connection(), [move.told for move in opened])
        return dead

    async def _shown(self, tx: Tx, batch: Batch, now: datetime) -> list[DeadLetter]:
        del now
        for event in newest([received.event for received in batch]):
            before = await tx.lock("shown", (event.request_id, event.type))
            if before is None or event.version > before.version:
                tx.set("shown", (event.request_id, event.type), event)
        return []

    async def _created(self, tx: Tx, batch: Batch, now: datetime) -> list[DeadLetter]:
        queued: list[Queued] = []
        dead: list[DeadLetter] = []
        known: dict[object, Any] = {}
        for received in batch:
            frozen = received.event.job
            ids = (frozen.job_id, frozen.task_id, frozen.request_id)
            existing = next(
                (found for one in ids if (found := known.get(one) or tx.get("job_of", one))), None
            )
            key = ("queue", received.message.value, existing)
            match once(key, lambda r=received, e=existing: queue_job(e, r.event, history_of(r.body), now)):
                case Queued() as one:
                    known |= dict.fromkeys(ids, frozen.job_id)
                    queued.append(one)
                case Refusal() as refusal:
                    dead.append(DeadLetter.of(received, refusal))
        for one in sorted(queued, key=lambda one: one.job.job_id):
            for key in (one.job.job_id, one.job.frozen.task_id, one.job.request_id):
                await insert_or_conflict(tx, "job_of", key, one.job.job_id)
            tx.set("work", one.job.job_id, once(("work", id(one)), lambda one=one: Work(one.job)))
        await outbox.add(tx.as_connection(), [one.told for one in queued])
        return dead

    async def _completed(self, tx: Tx, batch: Batch, now: datetime) -> list[DeadLetter]:
        dead: list[DeadLetter] = []
        for received in sorted(batch, key=lambda received: received.event.request_id):
            event = received.event
            keys = (event.request_id, event.service_event_id)
            if any(tx.get("completion", key) for key in keys):
                dead.append(DeadLetter.of(received, Refusal("record_exists", "It has its Record.")))
                continue
            attempt = self._fresher.attempt("record", event.request_id)
            drawn = once(
                ("draft", received.message.value, attempt), lambda r=received, n=attempt: _drawn(r, n, now)
            )
            if isinstance(drawn, Refusal):
                dead.append(DeadLetter.of(received, drawn))
                continue
            for key in keys:
                await insert_or_conflict(tx, "completion", key, drawn.record_id)
            tx.set("draft", drawn.record_id, drawn)
        return dead

    async def _sealed(self, tx: Tx, batch: Batch, now: datetime) -> list[DeadLetter]:
        dead: list[DeadLetter] = []
        for received in sorted(batch, key=lambda received: received.event.record_id):
            record_id = received.event.record_id
            if tx.get("decision", record_id) is not None:
                dead.append(DeadLetter.of(received, Refusal("signal_exists", "It was decided on.")))
                continue
            decision, signal = once(("signal", received.message.value), lambda r=received: _decided(r, now))
            await insert_or_conflict(tx, "decision", record_id, decision)
            if signal is not None:
                tx.set("signal", record_id, signal)
                await outbox.add(tx.as_connection(), [signal])
        return dead


def _checked_once(route: AnyRoute) -> AnyRoute:
    check = route.check
    if check is None:
        return route

    def checked(received: Received[Any]) -> Refusal | None:
        return once(("check", route.topic.name, received.message.value), lambda: check(received))

    return replace(route, check=checked)


def _drawn(received: Received[Any], attempt: int, now: datetime) -> Draft | Refusal:
    path = read_path(history_of(received.body))
    if not isinstance(path, CompletedPath):
        return path
    what = (received.event.request_id, attempt)
    salts = {name: salt_of(name, *what) for name in values_to_commit(path)}
    return draw_up(path, RecordId(uuid_of("record", *what)), salts, now)


def _decided(received: Received[Any], now: datetime) -> tuple[Decision, Any]:
    decision = decide(read_sealed(received.event, MEANS.pinned), MEANS.policy)
    if decision.reasons:
        return decision, None
    envelope = sign_envelope(stated(decision, MEANS.signer.name, now), MEANS.signer, MEANS.key_id)
    return decision, emitted(decision, envelope, now)
