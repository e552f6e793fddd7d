"""Signals: what the system says, by policy, of a sealed Record."""

from typing import Literal

from truth_contracts.base import Contract, Digest
from truth_contracts.ids import RecordId, SignalId
from truth_contracts.steps import PathEvent


class Policy(Contract, frozen=True):
    """Which policy decided."""

    name: str
    version: str
    sha256: Digest


class SignalEmitted(PathEvent, frozen=True):
    """A Signal over a sealed Record: by policy, never by hand, at most one. Written by signals."""

    type: Literal["truth.signals.emitted.v1"] = "truth.signals.emitted.v1"
    signal_id: SignalId
    record_id: RecordId
    record_sha256: Digest
    policy: Policy
    envelope: str
    """DSSE envelope (JSON text) around an in-toto Statement, signed by the signals service's own key."""
