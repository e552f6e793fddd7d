"""Intakes: what submissions meet, and inserting new ones with their sealed steps."""

import json
from collections.abc import Sequence

from sqlalchemy import ARRAY, Column, Select, Text, bindparam, func, select
from sqlalchemy.ext.asyncio import AsyncConnection
from truth_contracts.ids import RequestId
from truth_contracts.steps import Maturity
from truth_kit.columns import insert_arrays

from truth_intake.domain.intake import Known, Sealed
from truth_intake.domain.submission import Submission
from truth_intake.tables import intake, step

_INSERT_INTAKES = insert_arrays(intake).on_conflict_do_nothing().returning(intake.c.request_id)
_INSERT_STEPS = insert_arrays(step)


def _known_by(column: Column[str]) -> Select[RequestId, str, str, str, str, str, Maturity]:
    arrays = [bindparam(name, type_=ARRAY(Text)) for name in ("sources", "texts")]
    given = func.unnest(*arrays).table_valued("source", "text").render_derived(name="given")
    c = intake.c
    return select(
        c.request_id, c.source, c.request_key, c.received_event_id, c.content_sha256, c.surface, c.maturity
    ).join(given, (c.source == given.c.source) & (column == given.c.text))


_KNOWN_BY_KEY = _known_by(intake.c.request_key)
_KNOWN_BY_EVENT = _known_by(intake.c.received_event_id)


async def list_known(tx: AsyncConnection, submissions: Sequence[Submission]) -> list[Known]:
    """The Intakes that these submissions meet, by their request key or by their event's id."""
    sources = [submission.entrance.source for submission in submissions]
    keys = [submission.submitted.request_key for submission in submissions]
    event_ids = [submission.event_id for submission in submissions]
    known: list[Known] = []
    for query, texts in ((_KNOWN_BY_KEY, keys), (_KNOWN_BY_EVENT, event_ids)):
        rows = await tx.execute(query, {"sources": sources, "texts": texts})
        known += [
            Known(request_id, source, request_key, event_id, content, surface, maturity)
            for request_id, source, request_key, event_id, content, surface, maturity in rows
        ]
    return known


async def insert_intakes(tx: AsyncConnection, sealed: Sequence[Sealed]) -> set[RequestId]:
    """Insert these with their steps; returns the ids of those that are in.

    Waits for a concurrent twin: one that is missing from the answer has met an Intake committed meanwhile.
    """
    if not sealed:
        return set()
    rows = sorted(map(_row, sealed), key=lambda row: (row["source"], row["request_key"]))  # one lock order
    arrays = {name: [row[name] for row in rows] for name in rows[0]}
    inserted = {request_id for (request_id,) in await tx.execute(_INSERT_INTAKES, arrays)}
    steps = [
        (one.event.request_id, link["step"], body.encode(), json.dumps(link))
        for one in sealed
        if one.event.request_id in inserted
        for body, link in zip(one.history.steps, one.history.chain, strict=True)
    ]
    if steps:
        request_ids, names, bodies, links = zip(*steps, strict=True)
        arrays = {"request_id": request_ids, "step": names, "body": bodies, "link": links}
        await tx.execute(_INSERT_STEPS, {name: list(array) for name, array in arrays.items()})
    return inserted


def _row(sealed: Sealed) -> dict[str, str | object]:
    submission, event = sealed.accepted.submission, sealed.event
    place = submission.coordinates
    source, request_key = submission.key
    return {
        "request_id": event.request_id,
        "source": source,
        "request_key": request_key,
        "received_event_id": submission.event_id,
        "content_sha256": submission.content_sha256,
        "event_id": event.event_id,
        "door": submission.entrance.door,
        "actor": submission.entrance.actor,
        "surface": event.surface,
        "surface_version": sealed.accepted.surface.version,
        "maturity": event.maturity,
        "received_at": submission.received_at,
        "accepted_at": event.at,
        "kafka_partition": place.partition if place else None,
        "kafka_offset": place.offset if place else None,
        "tracker_sha256": sealed.tracker_sha256,
    }
