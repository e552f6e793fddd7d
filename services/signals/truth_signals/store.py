"""Queries, each a function of a connection."""

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection
from truth_contracts.ids import RecordId, RequestId, SignalId
from truth_contracts.signals import Policy, SignalEmitted
from truth_kit.columns import insert_arrays

from truth_signals.domain.decision import Decision
from truth_signals.tables import decision, signal

_ADD_DECISIONS = insert_arrays(decision)
_ADD_SIGNALS = insert_arrays(signal)


@dataclass(frozen=True, slots=True)
class StoredDecision:
    """A decision, with its Signal if that was earned."""

    record_id: RecordId
    request_id: RequestId
    record_sha256: str
    policy: Policy
    rules: list[object]
    reasons: list[str]
    decided_at: datetime
    signal_id: SignalId | None
    envelope: str | None


async def find_decided(
    tx: AsyncConnection, record_ids: Collection[RecordId], policy: Policy
) -> set[RecordId]:
    """Records that have their Signal, or on which this version of the policy has decided."""
    d, s = decision.c, signal.c
    key = tuple_(d.policy_name, d.policy_version) == (policy.name, policy.version)
    decided = select(d.record_id).where(d.record_id.in_(record_ids), key)
    rows = await tx.execute(decided.union(select(s.record_id).where(s.record_id.in_(record_ids))))
    return {record_id for (record_id,) in rows}


async def insert_decisions(tx: AsyncConnection, decisions: Sequence[Decision], now: datetime) -> None:
    """Keep decisions for good, whatever they were."""
    rows = [
        {
            "event_id": one.sealed.event.event_id,
            "record_id": one.sealed.event.record_id,
            "request_id": one.sealed.event.request_id,
            "record_sha256": one.sealed.event.sha256,
            "policy_name": one.policy.reference.name,
            "policy_version": one.policy.reference.version,
            "policy_sha256": one.policy.reference.sha256,
            "rules": json.dumps([answer.told for answer in one.answers]),
            "reasons": json.dumps(one.reasons),
            "decided_at": now,
        }
        for one in decisions
    ]
    if rows:
        await tx.execute(_ADD_DECISIONS, {name: [row[name] for row in rows] for name in rows[0]})


async def insert_signals(tx: AsyncConnection, signals: Sequence[SignalEmitted]) -> None:
    """Keep Signals for good. A second one over a Record is an IntegrityError."""
    if signals:
        await tx.execute(
            _ADD_SIGNALS,
            {
                "signal_id": [one.signal_id for one in signals],
                "record_id": [one.record_id for one in signals],
                "policy_name": [one.policy.name for one in signals],
                "policy_version": [one.policy.version for one in signals],
                "envelope": [one.envelope for one in signals],
                "emitted_at": [one.at for one in signals],
            },
        )


async def list_by_record(conn: AsyncConnection, record_id: RecordId) -> list[StoredDecision]:
    """Every decision over a Record, newest first."""
    return await _list(conn, decision.c.record_id == record_id)


async def list_by_request(conn: AsyncConnection, request_id: RequestId) -> list[StoredDecision]:
    """Every decision over the Record of a request, newest first."""
    return await _list(conn, decision.c.request_id == request_id)


async def find_signal(conn: AsyncConnection, signal_id: SignalId) -> StoredDecision | None:
    """One Signal, with the decision that earned it."""
    found = await _list(conn, signal.c.signal_id == signal_id)
    return found[0] if found else None


async def _list(conn: AsyncConnection, condition: ColumnElement[bool]) -> list[StoredDecision]:
    d, s = decision.c, signal.c
    same = (s.record_id == d.record_id) & (s.policy_name == d.policy_name)
    query = (
        select(
            d.record_id, d.request_id, d.record_sha256, d.policy_name, d.policy_version, d.policy_sha256,
            d.rules, d.reasons, d.decided_at, s.signal_id, s.envelope,
        )
        .outerjoin_from(decision, signal, same & (s.policy_version == d.policy_version))
        .where(condition)
        .order_by(d.decided_at.desc())
    )  # fmt: skip
    return [
        StoredDecision(
            record_id, request_id, record_sha256, Policy(name=name, version=version, sha256=sha256),
            json.loads(rules), json.loads(reasons), decided_at, signal_id, envelope,
        )
        for record_id, request_id, record_sha256, name, version, sha256, rules, reasons, decided_at,
        signal_id, envelope in await conn.execute(query)
    ]  # fmt: skip
