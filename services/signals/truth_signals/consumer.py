"""Kafka in: sealed Records become decisions, and Signals where the policy says so."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from sqlalchemy.ext.asyncio import AsyncConnection
from truth_contracts.envelope import Received
from truth_contracts.records import RecordSealed
from truth_contracts.refusals import Refusal
from truth_contracts.signals import SignalEmitted
from truth_contracts.topics import RECORDS_SEALED
from truth_kit import outbox
from truth_kit.dead_letters import DeadLetter
from truth_kit.subscribe import AnyRoute, Route
from truth_sealing.keys import Signer
from truth_sealing.logged import Trust
from truth_sealing.signal import sign_envelope

from truth_signals import store
from truth_signals.domain.decision import Decision, decide, emitted, stated
from truth_signals.domain.policy import SignalPolicy
from truth_signals.domain.sealed import read, verify


@dataclass(frozen=True, slots=True)
class Means:
    """What a decision needs beside the Record: what is pinned, the policy in force, the Signals' own key."""

    pinned: Trust
    policy: SignalPolicy
    signer: Signer
    key_id: bytes


def routes(means: Means) -> tuple[AnyRoute, ...]:
    """What signals consumes: nothing but sealed Records."""
    on = partial(on_record_sealed, means=means)
    return (Route(RECORDS_SEALED, on, check=partial(verified, pinned=means.pinned)),)


def verified(received: Received[RecordSealed], *, pinned: Trust) -> Refusal | None:
    """Whether the Record is whole, in the log, and every step of its path signed."""
    return verify(received.event, pinned)


async def on_record_sealed(
    tx: AsyncConnection, batch: Sequence[Received[RecordSealed]], now: datetime, *, means: Means
) -> list[DeadLetter]:
    """records.sealed → a Signal, or a withheld one with its reasons; once for a Record and policy version."""
    record_ids = [received.event.record_id for received in batch]
    decided = await store.find_decided(tx, record_ids, means.policy.reference)
    decisions: list[Decision] = []
    dead: list[DeadLetter] = []
    for received in batch:
        if received.event.record_id in decided:
            refusal = Refusal("signal_exists", "The Signal over this Record was decided on already.")
            dead.append(DeadLetter.of(received, refusal))
            continue
        decided.add(received.event.record_id)
        decisions.append(decide(read(received.event, means.pinned), means.policy))
    signals = [_signal(decision, means, now) for decision in decisions if not decision.reasons]
    await store.insert_decisions(tx, decisions, now)
    await store.insert_signals(tx, signals)
    await outbox.add(tx, signals)
    return dead


def _signal(decision: Decision, means: Means, now: datetime) -> SignalEmitted:
    statement = stated(decision, means.signer.name, now)
    return emitted(decision, sign_envelope(statement, means.signer, means.key_id), now)
