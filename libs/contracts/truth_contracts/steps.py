"""Events and step bodies: what the signed steps of the path have in common, and their check on arrival."""

from collections.abc import Mapping
from typing import Annotated, Literal, TypeAlias

from pydantic import Field
from truth_sealing.canonical import Json
from truth_sealing.keys import StepKeys
from truth_sealing.steps import check_hand_off

from truth_contracts.base import ActorReference, Contract, Digest, Instant, Salt, text
from truth_contracts.ids import EventId, RequestId
from truth_contracts.refusals import Refusal

Maturity: TypeAlias = Literal["planned", "partial", "live"]
"""How far a surface is: accepts nothing, earns no Signal under the default policy, goes the whole way."""

Outcome: TypeAlias = Literal["fulfilled", "partially_fulfilled", "not_fulfilled"]

SurfaceName = Annotated[str, text(longest=64, shortest=1)]
StageName = Annotated[str, text(longest=64, shortest=1)]
StateName = Annotated[str, text(longest=64, shortest=1)]
"""A state as watchers are told it: an open vocabulary, documented at its event."""

Version = Annotated[int, Field(ge=1, le=2**31 - 1)]
"""How many times something has moved; it fits PostgreSQL's integer."""


class Stage(Contract, frozen=True):
    """A stage of the work under a surface, as in force when the Intake was accepted."""

    name: StageName
    evidence_required: bool


class Event(Contract, frozen=True):
    """Something that happened, told once and never changed."""

    event_id: EventId
    at: Instant
    """The owning service's clock at commit."""
    actor: ActorReference


class PathEvent(Event, frozen=True):
    """An event about one request on the path. Its Kafka key is `request_id`."""

    request_id: RequestId


class StepBody(Contract, frozen=True):
    """A step of the path as its owner tells it (the members that every step has).

    `salt` keeps the body's digest from telling anything once the body is erased. `prev` is the digest of the
    body before it: null in the first step, and only there.
    """

    request_id: RequestId
    at: Instant
    actor: ActorReference
    salt: Salt
    prev: Digest | None


class Link(Contract, frozen=True):
    """What stands for a step when its body is withheld: digest, opaque facts, its owner's signature."""

    step: Annotated[str, text(longest=64)]
    event_id: Annotated[str, text(longest=64)]
    at: Annotated[str, text(longest=32)]
    actor: ActorReference
    facts: dict[str, str | list[str]]
    sha256: Digest
    sig: Annotated[str, text(longest=88)]


class HandOff(PathEvent, frozen=True):
    """A step that is also the message to the next service: with all steps before it."""

    salt: Salt
    prev: Digest | None
    steps: tuple[str, ...]
    """The exact canonical texts of the bodies of all earlier steps."""
    chain: tuple[Link, ...]
    """One signed link for every step so far, this one last."""


def arrived(
    received: Mapping[str, Json], last: str, keys: StepKeys, *, every_signature: bool = False
) -> Refusal | None:
    """`chain_broken`, with the check that failed, unless the hand-off is whole and signed by its owner.

    `received` is the JSON as it came. `every_signature` checks those of all links, not of the last alone.
    What fails becomes a dead letter and is never repaired.
    """
    broken = check_hand_off(received, last, keys, every_signature=every_signature)
    return None if broken is None else Refusal("chain_broken", f"The chain is broken at {broken}.")
