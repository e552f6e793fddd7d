"""Whether a sealed Record earns its Signal, and what that Signal states."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from truth_contracts.base import instant_text
from truth_contracts.envelope import source_of
from truth_contracts.ids import EventId, SignalId, derived_id
from truth_contracts.signals import SignalEmitted
from truth_sealing.canonical import Json
from truth_sealing.signal import PolicyReference, Verified, statement

from truth_signals.domain.policy import Answer, SignalPolicy, ask
from truth_signals.domain.sealed import Sealed

ACTOR = "service:signals"


@dataclass(frozen=True, slots=True)
class Decision:
    """What a policy said of a Record. A Signal is earned when no rule gave a reason."""

    sealed: Sealed
    policy: SignalPolicy
    answers: Sequence[Answer]

    @property
    def reasons(self) -> list[str]:
        """Why the Signal is withheld; none when it is earned."""
        return [answer.reason for answer in self.answers if answer.reason is not None]

    @property
    def signal_id(self) -> SignalId | None:
        """The Signal's id, derived from the sealing; None when it is withheld."""
        cause = str(self.sealed.event.event_id)
        return None if self.reasons else SignalId(derived_id(source_of("records"), cause, "signal"))


def decide(sealed: Sealed, policy: SignalPolicy) -> Decision:
    """Ask every rule of the policy. Nobody can ask for a Signal, or give a reason against one."""
    return Decision(sealed, policy, ask(sealed, policy))


def stated(decision: Decision, verifier: str, now: datetime) -> dict[str, Json]:
    """The Statement of an earned Signal, to be signed under the key named `verifier`."""
    sealed, policy = decision.sealed, decision.policy
    return statement(
        Verified(
            record_id=sealed.record["record_id"],
            record=sealed.event.record,
            proof=sealed.event.proof,
            origin=sealed.checkpoint.origin,
            index=sealed.event.index,
            size=sealed.checkpoint.size,
        ),
        verifier=verifier,
        at=instant_text(now),
        policy=PolicyReference(policy.uri, policy.reference.sha256),
        rules=[answer.told for answer in decision.answers],
    )


def emitted(decision: Decision, envelope: str, now: datetime) -> SignalEmitted:
    """The event over an earned Signal; raises ValueError for one that is withheld."""
    event, signal_id = decision.sealed.event, decision.signal_id
    if signal_id is None:
        raise ValueError("a withheld Signal is not emitted")
    return SignalEmitted(
        event_id=EventId(derived_id(source_of("records"), str(event.event_id), "signal_emitted")),
        at=now,
        actor=ACTOR,
        request_id=event.request_id,
        signal_id=signal_id,
        record_id=event.record_id,
        record_sha256=event.sha256,
        policy=decision.policy.reference,
        envelope=envelope,
    )
