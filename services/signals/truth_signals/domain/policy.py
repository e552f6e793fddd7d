"""The Signal policy: a versioned file, and what its rules say of a verified Record."""

from dataclasses import dataclass
from typing import Literal, cast

from pydantic import BaseModel, ConfigDict, Field
from truth_contracts.signals import Policy
from truth_contracts.steps import Outcome
from truth_sealing.canonical import Json, sha256_hex
from truth_sealing.path import duties_separated
from truth_sealing.shown import Shown
from truth_sealing.steps import STEPS

from truth_signals.domain.sealed import Sealed


class Rules(BaseModel, frozen=True):
    """What a Record must be to earn a Signal, beside verified: all answerable from RecordSealed alone."""

    model_config = ConfigDict(extra="forbid")

    maturity: Literal["live"]
    """The only one for which there is a level to attest."""
    outcome: tuple[Outcome, ...] = Field(min_length=1)
    evidence_missing_at_most: int = Field(ge=0)
    duties_separated: Literal[True]
    """Requester is not approver, claimer is assignee, people approve and create."""
    witnesses_at_least: int = Field(ge=0)
    """Known witnesses that cosigned the checkpoint."""


class PolicyFile(BaseModel, frozen=True):
    """The file as written."""

    model_config = ConfigDict(extra="forbid")

    format: Literal["runtime-truth/signal-policy/v1"]
    name: str = Field(pattern=r"^[a-z0-9][a-z0-9.-]{0,63}$")
    version: str = Field(pattern=r"^[0-9]{1,6}(\.[0-9]{1,6}){0,2}$")
    rules: Rules


@dataclass(frozen=True, slots=True)
class SignalPolicy:
    """A policy in force: which one, its rules, and its bytes as published."""

    reference: Policy
    rules: Rules
    octets: bytes

    @property
    def uri(self) -> str:
        """How a Signal names it, beside its digest."""
        return f"urn:runtime-truth:signal-policy:{self.reference.name}:{self.reference.version}"


@dataclass(frozen=True, slots=True)
class Answer:
    """What one rule says. `reason` is None when it passed, else a code and a sentence."""

    rule: str
    required: Json
    found: Json
    reason: str | None

    @property
    def told(self) -> Json:
        """The form in which a Signal tells of a rule that passed."""
        return {"rule": self.rule, "required": self.required, "found": self.found}


def read_policy(octets: bytes) -> SignalPolicy:
    """Read a policy file; raises pydantic.ValidationError. Its digest is over the bytes as they are."""
    file = PolicyFile.model_validate_json(octets)
    return SignalPolicy(
        Policy(name=file.name, version=file.version, sha256=sha256_hex(octets)), file.rules, octets
    )


def ask(sealed: Sealed, policy: SignalPolicy) -> list[Answer]:
    """What every rule says of a verified Record, in a fixed order; none is skipped after one that fails."""
    record, rules = sealed.record, policy.rules
    maturity, outcome, witnesses = record["maturity"], record["outcome"], sealed.witnesses
    missing = len(cast(list[str], record.link("service_event_completed")["facts"]["evidence_missing"]))
    duties = duties_separated(record, Shown(), frozenset(STEPS))  # every signature was verified on arrival
    failed = {
        "maturity": maturity != rules.maturity and f"the surface's maturity is {maturity}",
        "outcome": outcome not in rules.outcome and f"the outcome is {outcome}",
        "evidence_missing": missing > rules.evidence_missing_at_most
        and f"stages without their required evidence: {missing}",
        "duties_separated": duties.answer == "no" and duties.reason,
        "witnesses": witnesses < rules.witnesses_at_least and f"known witnesses that cosigned: {witnesses}",
    }
    asked: list[tuple[str, Json, Json]] = [
        # These two were verified on arrival, or there would be nothing to ask about.
        ("logged", True, {"origin": sealed.checkpoint.origin, "index": sealed.event.index}),
        ("path_signed", True, len(record.chain)),
        ("maturity", rules.maturity, maturity),
        ("outcome", list(rules.outcome), outcome),
        ("evidence_missing", rules.evidence_missing_at_most, missing),
        ("duties_separated", True, duties.answer),
        ("witnesses", rules.witnesses_at_least, witnesses),
    ]
    return [Answer(rule, wanted, found, _reason(rule, failed.get(rule))) for rule, wanted, found in asked]


def _reason(rule: str, failed: str | bool | None) -> str | None:
    return f"{rule}: {failed}" if failed else None
