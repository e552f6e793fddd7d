"""Which steps of the path an event is the first to tell of, and how long each took: for whoever counts."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise

from pydantic_core import from_json
from truth_sealing.steps import STEP_OWNERS, STEPS

from truth_contracts.base import Contract
from truth_contracts.ids import RequestId
from truth_contracts.records import RecordSealed
from truth_contracts.signals import SignalEmitted
from truth_contracts.steps import HandOff, Link

_TELLS_TIME = 7
_MILLISECONDS_MAX = 253_402_300_799_000
"""What a datetime can hold."""

RECORD, SIGNAL = "record", "signal"
"""The two steps after the seven that are signed as links."""


@dataclass(frozen=True, slots=True)
class Reached:
    """A request has come to this step, `seconds` since the step `after`; None where that is not told."""

    step: str
    after: str | None = None
    seconds: float = 0.0


def reached(event: Contract) -> Sequence[Reached]:
    """In the order of the path; nothing for an event that is no step.

    A hand-off tells of its owner's steps since the hand-off before it. A Signal is told from the request on:
    that is the whole path. The event has passed its check on arrival.
    """
    match event:
        case HandOff(chain=chain):
            return _own(chain)
        case RecordSealed(record=record, at=at):
            completed = datetime.fromisoformat(from_json(record)["chain"][-1]["at"])
            return (Reached(RECORD, STEPS[-1], (at - completed).total_seconds()),)
        case SignalEmitted(request_id=request_id, at=at):
            born = _born(request_id)
            return (Reached(SIGNAL, STEPS[0], (at - born).total_seconds()) if born else Reached(SIGNAL),)
        case _:
            return ()


def _own(chain: Sequence[Link]) -> list[Reached]:
    owner = STEP_OWNERS[chain[-1].step]
    first = [Reached(chain[0].step)] if STEP_OWNERS[chain[0].step] == owner else []
    return first + [
        Reached(link.step, before.step, _seconds(before, link))
        for before, link in pairwise(chain)
        if STEP_OWNERS[link.step] == owner
    ]


def _seconds(before: Link, link: Link) -> float:
    return (datetime.fromisoformat(link.at) - datetime.fromisoformat(before.at)).total_seconds()


def _born(request_id: RequestId) -> datetime | None:
    """The first 48 bits of a UUIDv7 are milliseconds since 1970 (RFC 9562 section 5.7); None past year 9999.

    What the writer of `signals.emitted` tells is shown and not proved, so its request may be any UUID.
    """
    milliseconds = request_id.int >> 80
    if request_id.version != _TELLS_TIME or milliseconds > _MILLISECONDS_MAX:
        return None
    return datetime.fromtimestamp(milliseconds / 1000, UTC)
