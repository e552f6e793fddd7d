"""HTTP in: Signals and withheld decisions, for anyone with an id. Nothing here makes or changes one."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel
from truth_contracts.ids import RecordId, RequestId, SignalId
from truth_contracts.refusals import Refusal
from truth_contracts.signals import Policy
from truth_kit.database import DatabaseDependency
from truth_kit.problems import Refused

from truth_signals import store
from truth_signals.domain.policy import SignalPolicy
from truth_signals.store import StoredDecision

router = APIRouter(tags=["signals"])


class DecisionView(BaseModel, frozen=True):
    """What the policy said of a Record: a Signal, or why none. None is promised."""

    record_id: RecordId
    request_id: RequestId
    record_sha256: str
    policy: Policy
    rules: list[object]
    reasons: list[str]
    decided_at: datetime
    signal_id: SignalId | None
    envelope: str | None


class DecisionsView(BaseModel, frozen=True):
    """Newest first."""

    decisions: list[DecisionView]


async def _policy(request: Request) -> SignalPolicy:
    policy: SignalPolicy = request.app.state.policy
    return policy


@router.get("/api/signals")
async def list_signals(
    database: DatabaseDependency, record: RecordId | None = None, request_id: RequestId | None = None
) -> DecisionsView:
    """Decisions over one Record, or over the Record of one request."""
    async with database.connect() as conn:
        if record is not None:
            found = await store.list_by_record(conn, record)
        elif request_id is not None:
            found = await store.list_by_request(conn, request_id)
        else:
            raise Refused(Refusal("body_malformed", "Name a record or a request_id.", field="query.record"))
    return DecisionsView(decisions=[_view(decision) for decision in found])


@router.get("/api/signals/{signal_id}")
async def find_signal(signal_id: SignalId, database: DatabaseDependency) -> DecisionView:
    """One Signal: its DSSE envelope is all that a verifier needs beside the Record."""
    async with database.connect() as conn:
        found = await store.find_signal(conn, signal_id)
    if found is None:
        raise Refused(Refusal("signal_unknown", "There is no such Signal."))
    return _view(found)


@router.get("/.well-known/runtime-truth/signal-policy.json")
async def find_policy(policy: Annotated[SignalPolicy, Depends(_policy)]) -> Response:
    """The policy in force, byte for byte: its SHA-256 is in every Signal it earned."""
    return Response(policy.octets, media_type="application/json")


def _view(found: StoredDecision) -> DecisionView:
    return DecisionView(
        record_id=found.record_id,
        request_id=found.request_id,
        record_sha256=found.record_sha256,
        policy=found.policy,
        rules=found.rules,
        reasons=found.reasons,
        decided_at=found.decided_at,
        signal_id=found.signal_id,
        envelope=found.envelope,
    )
