"""The tracker's projection, and the answers that requesters gave."""

from collections.abc import Collection, Sequence

from sqlalchemy import ARRAY, Uuid, bindparam, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection
from truth_contracts.ids import RequestId
from truth_contracts.intakes import IntakeAnswered
from truth_kit.columns import insert_arrays

from truth_intake.domain.question import Answer
from truth_intake.domain.tracker import Seen, SeenStep
from truth_intake.tables import answer, projection

_INSERT = insert_arrays(projection)
_SET_SEEN = _INSERT.on_conflict_do_update(
    index_elements=["request_id", "step"],
    set_={name: _INSERT.excluded[name] for name in ("id", "version", "state", "at", "message")},
    where=_INSERT.excluded.version > projection.c.version,
)


async def set_seen(tx: AsyncConnection, seen: Sequence[Seen]) -> None:
    """Keep the higher version of each step, in whatever order they come."""
    highest: dict[tuple[RequestId, SeenStep], Seen] = {}
    for one in seen:
        before = highest.setdefault((one.request_id, one.step), one)
        if one.version > before.version:
            highest[one.request_id, one.step] = one
    if not highest:
        return
    rows = [one for _, one in sorted(highest.items())]  # one lock order for all replicas
    names = ("request_id", "step", "id", "version", "state", "at", "message")
    await tx.execute(_SET_SEEN, {name: [getattr(row, name) for row in rows] for name in names})


async def list_seen(
    conn: AsyncConnection, request_ids: Collection[RequestId]
) -> dict[RequestId, dict[SeenStep, Seen]]:
    """What was seen of each of these requests, by step."""
    c = projection.c
    given = c.request_id == bindparam("request_ids", list(request_ids), type_=ARRAY(Uuid)).any_()
    query = select(c.request_id, c.step, c.id, c.version, c.state, c.at, c.message).where(given)
    seen: dict[RequestId, dict[SeenStep, Seen]] = {request_id: {} for request_id in request_ids}
    for request_id, step, step_id, version, state, at, message in await conn.execute(query):
        seen[request_id][step] = Seen(request_id, step, step_id, version, state, at, message)
    return seen


async def lock_task(tx: AsyncConnection, request_id: RequestId) -> Seen | None:
    """What was seen of a request's Task, locked until the transaction ends: one answer at a time."""
    c = projection.c
    query = select(c.id, c.version, c.state, c.at, c.message).where(
        c.request_id == request_id, c.step == "task"
    )
    for step_id, version, state, at, message in await tx.execute(query.with_for_update()):
        return Seen(request_id, "task", step_id, version, state, at, message)
    return None


async def find_last_answer(conn: AsyncConnection, request_id: RequestId) -> Answer | None:
    """The answer to the latest question that was answered."""
    c = answer.c
    query = select(c.question_version, c.answer, c.at, c.actor).where(c.request_id == request_id)
    for version, given, at, actor in await conn.execute(query.order_by(c.question_version.desc()).limit(1)):
        return Answer(version, given, at, actor)
    return None


async def insert_answer(tx: AsyncConnection, answered: IntakeAnswered) -> None:
    """Keep an answer; a second one to the same question is an error of ours."""
    row = {
        "request_id": answered.request_id,
        "question_version": answered.question_version,
        "answer": answered.answer,
        "event_id": answered.event_id,
        "at": answered.at,
        "actor": answered.actor,
    }
    await tx.execute(insert(answer), row)
