"""A Signal, or why there is none, for anyone with the id. Drawn from our own tables; nobody else is asked."""

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response
from truth_contracts.ids import RecordId, SignalId
from truth_contracts.refusals import Refusal
from truth_kit.database import DatabaseDependency
from truth_kit.pages import FrameDependency, limited
from truth_kit.problems import Refused

from truth_signals import store

router = APIRouter(
    include_in_schema=False, dependencies=[Depends(limited("signals", per_minute=120, burst=60))]
)


@router.get("/signals")
async def show_decisions(
    request: Request, record: RecordId, database: DatabaseDependency, frame: FrameDependency
) -> Response:
    """What the policy said of a Record, newest first: a Signal, withheld with reasons, or nothing so far."""
    async with database.connect() as conn:
        decisions = await store.list_by_record(conn, record)
    return frame.show(request, "signal.html", record_id=record, decisions=decisions)


@router.get("/signals/{signal_id}")
async def show_signal(
    request: Request, signal_id: SignalId, database: DatabaseDependency, frame: FrameDependency
) -> Response:
    """One Signal."""
    async with database.connect() as conn:
        found = await store.find_signal(conn, signal_id)
    if found is None:
        raise Refused(Refusal("signal_unknown", "There is no such Signal."))
    return frame.show(request, "signal.html", record_id=found.record_id, decisions=[found])
