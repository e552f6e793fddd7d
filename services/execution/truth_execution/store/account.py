"""What a ServiceEvent tells: completed stages, notes and evidence. Rows are only ever added."""

from typing import cast

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection
from truth_contracts.ids import ServiceEventId
from truth_contracts.service_events import CompletedStage, Evidence, Note, Origin
from truth_contracts.steps import Outcome
from truth_kit.columns import insert_arrays

from truth_execution.domain.work import ServiceEvent
from truth_execution.tables import blob, completed_stage, evidence, note

_INSERT_STAGES = insert_arrays(completed_stage)
_INSERT_NOTES = insert_arrays(note)
_INSERT_EVIDENCE = insert_arrays(evidence)


async def list_stages(conn: AsyncConnection, of: ServiceEventId) -> tuple[CompletedStage, ...]:
    """In the order in which they were completed."""
    c = completed_stage.c
    rows = await conn.execute(select(c.name, c.completed_at).where(c.service_event_id == of).order_by(c.n))
    return tuple(CompletedStage(name=name, completed_at=completed_at) for name, completed_at in rows)


async def list_notes(conn: AsyncConnection, of: ServiceEventId) -> tuple[Note, ...]:
    """In the order in which they came."""
    c = note.c
    query = select(c.n, c.text, c.stage, c.device_at).where(c.service_event_id == of).order_by(c.n)
    rows = await conn.execute(query)
    return tuple(Note(n=n, text=text, stage=stage, device_at=device_at) for n, text, stage, device_at in rows)


async def list_evidence(conn: AsyncConnection, of: ServiceEventId) -> tuple[Evidence, ...]:
    """In the order in which it was attached, with what is known of the bytes."""
    c, b = evidence.c, blob.c
    query = (
        select(c.n, c.sha256, b.media_type, b.bytes, c.stage, c.origin, c.device_at, b.received_at)
        .join_from(evidence, blob, c.sha256 == b.sha256)
        .where(c.service_event_id == of)
        .order_by(c.n)
    )
    return tuple(
        Evidence(
            n=n, sha256=sha256, media_type=media_type, bytes=size, stage=stage, origin=cast(Origin, origin),
            device_at=device_at, received_at=received_at,
        )
        for n, sha256, media_type, size, stage, origin, device_at, received_at in await conn.execute(query)
    )  # fmt: skip


def read_outcome(outcome: str | None) -> Outcome | None:
    """As the database's constraint lets it be."""
    return cast("Outcome | None", outcome)


async def insert_new(tx: AsyncConnection, before: ServiceEvent | None, after: ServiceEvent) -> None:
    """What `after` tells more than `before`."""
    known = (len(before.stages), len(before.notes), len(before.evidence)) if before else (0, 0, 0)
    await _insert_stages(tx, after, known[0])
    await _insert_notes(tx, after, known[1])
    await _insert_evidence(tx, after, known[2])


async def _insert_stages(tx: AsyncConnection, of: ServiceEvent, known: int) -> None:
    new = of.stages[known:]
    if new:
        rows = {
            "service_event_id": [of.service_event_id] * len(new),
            "n": list(range(known + 1, len(of.stages) + 1)),
            "name": [one.name for one in new],
            "completed_at": [one.completed_at for one in new],
        }
        await tx.execute(_INSERT_STAGES, rows)


async def _insert_notes(tx: AsyncConnection, of: ServiceEvent, known: int) -> None:
    new = of.notes[known:]
    if new:
        rows = {
            "service_event_id": [of.service_event_id] * len(new),
            "n": [one.n for one in new],
            "text": [one.text for one in new],
            "stage": [one.stage for one in new],
            "device_at": [one.device_at for one in new],
        }
        await tx.execute(_INSERT_NOTES, rows)


async def _insert_evidence(tx: AsyncConnection, of: ServiceEvent, known: int) -> None:
    new = of.evidence[known:]
    if new:
        rows = {
            "service_event_id": [of.service_event_id] * len(new),
            "n": [one.n for one in new],
            "sha256": [one.sha256 for one in new],
            "stage": [one.stage for one in new],
            "origin": [one.origin for one in new],
            "device_at": [one.device_at for one in new],
        }
        await tx.execute(_INSERT_EVIDENCE, rows)
