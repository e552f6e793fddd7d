"""One Job with its ServiceEvent: locked for a decision, written after it."""

import json

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection
from truth_contracts.base import read
from truth_contracts.ids import JobId
from truth_contracts.jobs import HandBack, JobCreatedBody
from truth_kit.columns import insert_arrays

from truth_execution.domain.work import Job, JobState, ServiceEvent, ServiceEventState, Work
from truth_execution.store import account
from truth_execution.store.paths import pack_last, unpack
from truth_execution.tables import hand_back, job, service_event

_INSERT_HAND_BACKS = insert_arrays(hand_back)


async def lock_work(tx: AsyncConnection, job_id: JobId) -> Work | None:
    """The Job and its ServiceEvent, locked until the transaction ends; None if there is no such Job."""
    return await _find(tx, job_id, is_locked=True)


async def find_work(conn: AsyncConnection, job_id: JobId) -> Work | None:
    """The same as it is, for showing."""
    return await _find(conn, job_id, is_locked=False)


async def set_moved(tx: AsyncConnection, before: Work, after: Work) -> None:
    """What a decision made of locked work. The steps of `after` are sealed."""
    if after.job != before.job:
        await _set_job(tx, before.job, after.job)
    if after.service_event is None or after.service_event == before.service_event:
        return
    if before.service_event is None:
        await _insert_service_event(tx, after.job, after.service_event)
    elif after.service_event.version != before.service_event.version:
        await _set_service_event(tx, after.job, after.service_event)
    await account.insert_new(tx, before.service_event, after.service_event)


async def _find(conn: AsyncConnection, job_id: JobId, *, is_locked: bool) -> Work | None:
    c = job.c
    query = select(
        c.history, c.claim, c.state, c.version, c.changed_by, c.changed_at, c.claimed_by
    ).where(c.job_id == job_id)  # fmt: skip
    row = (await conn.execute(query.with_for_update() if is_locked else query)).one_or_none()
    if row is None:
        return None
    history, claim, state, version, changed_by, changed_at, claimed_by = row
    path = unpack(history, claim)
    created = read(JobCreatedBody, path.steps[4].encode())
    hand_backs = await _list_hand_backs(conn, job_id)
    found = Job(
        created.job, JobState(state), version, changed_by, changed_at, claimed_by, hand_backs, path
    )  # fmt: skip
    return Work(found, await _find_service_event(conn, job_id))


async def _list_hand_backs(conn: AsyncConnection, job_id: JobId) -> tuple[HandBack, ...]:
    c = hand_back.c
    rows = await conn.execute(select(c.actor, c.at, c.reason).where(c.job_id == job_id).order_by(c.n))
    return tuple(HandBack(actor=actor, at=at, reason=reason) for actor, at, reason in rows)


async def _find_service_event(conn: AsyncConnection, job_id: JobId) -> ServiceEvent | None:
    c = service_event.c
    query = select(
        c.service_event_id, c.state, c.version, c.started_at, c.changed_at, c.outcome, c.reason,
        c.evidence_missing, c.completed_at,
    ).where(c.job_id == job_id)  # fmt: skip
    row = (await conn.execute(query)).one_or_none()
    if row is None:
        return None
    service_event_id, state, version, started_at, changed_at, outcome, reason, missing, completed_at = row
    return ServiceEvent(
        service_event_id=service_event_id,
        state=ServiceEventState(state),
        version=version,
        started_at=started_at,
        changed_at=changed_at,
        stages=await account.list_stages(conn, service_event_id),
        notes=await account.list_notes(conn, service_event_id),
        evidence=await account.list_evidence(conn, service_event_id),
        outcome=account.read_outcome(outcome),
        reason=reason,
        evidence_missing=tuple(json.loads(missing)),
        completed_at=completed_at,
    )


async def _set_job(tx: AsyncConnection, before: Job, after: Job) -> None:
    claim = pack_last(after.history.until("job_claimed")) if after.claimed_by else None
    moved = {
        "state": after.state.value,
        "version": after.version,
        "changed_by": after.changed_by,
        "changed_at": after.changed_at,
        "claimed_by": after.claimed_by,
        "claim": claim,
    }
    await tx.execute(job.update().where(job.c.job_id == after.job_id).values(moved))
    new = after.hand_backs[len(before.hand_backs) :]
    if new:
        rows = {
            "job_id": [after.job_id] * len(new),
            "n": list(range(len(before.hand_backs) + 1, len(after.hand_backs) + 1)),
            "actor": [one.actor for one in new],
            "at": [one.at for one in new],
            "reason": [one.reason for one in new],
        }
        await tx.execute(_INSERT_HAND_BACKS, rows)


async def _insert_service_event(tx: AsyncConnection, of_job: Job, started: ServiceEvent) -> None:
    row = {
        "service_event_id": started.service_event_id,
        "job_id": of_job.job_id,
        "claimed_by": of_job.claimed_by,
        "state": started.state.value,
        "version": started.version,
        "started_at": started.started_at,
        "changed_at": started.changed_at,
        "evidence_missing": "[]",
    }
    await tx.execute(service_event.insert().values(row))


async def _set_service_event(tx: AsyncConnection, of_job: Job, moved: ServiceEvent) -> None:
    is_completed = moved.state is ServiceEventState.COMPLETED
    changes = {
        "state": moved.state.value,
        "version": moved.version,
        "changed_at": moved.changed_at,
        "outcome": moved.outcome,
        "reason": moved.reason,
        "evidence_missing": json.dumps(moved.evidence_missing),
        "completed_at": moved.completed_at,
        "completion": pack_last(of_job.history) if is_completed else None,
    }
    c = service_event.c
    await tx.execute(
        service_event.update().where(c.service_event_id == moved.service_event_id).values(changes)
    )
