"""Eight steps from what five services know, and where the request stands. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, TypeAlias
from uuid import UUID

from truth_contracts.ops import Step, Trace

from truth_console.asking import Silence

Told: TypeAlias = Trace | Silence | None
"""What a service says of a request; None: it knows nothing of it."""


@dataclass(frozen=True, slots=True)
class Place:
    """A step of the path: who owns it, and the topic that carries it on, if one does."""

    step: str
    title: str
    owner: str
    topic: str | None
    body: str | None = None
    """The signed step that the topic's messages end with."""


PATH = (
    Place("request", "Request", "intake", None),
    Place("intake", "Intake", "intake", "intakes.accepted", "intake"),
    Place("task", "Task", "governance", None),
    Place("create_job", "Create Job", "governance", "jobs.created", "job_created"),
    Place("job", "Job", "execution", None),
    Place(
        "service_event",
        "ServiceEvent",
        "execution",
        "service-events.completed",
        "service_event_completed",
    ),
    Place("record", "Record", "records", "records.sealed"),
    Place("signal", "Signal", "signals", "signals.emitted"),
)
"""The eight steps, in order."""

_ENDS = {("task", "declined"), ("signal", "emitted"), ("signal", "withheld")}
"""Where a request has come to its end."""

StandsFor: TypeAlias = Literal[
    "the end", "a person", "a hop", "missing bytes", "somebody to redrive it", "unknown"
]


_KINDS: Mapping[str, StandsFor] = {"a person": "a person", "missing bytes": "missing bytes"}


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a request is, whom it waits for, and since when."""

    service: str
    waits_for: StandsFor
    words: str
    since: datetime | None


def request_of(told: Mapping[str, Told]) -> UUID | None:
    """The request that the services agree they were asked about: the first in the order of the path."""
    return next((trace.request_id for trace in told.values() if isinstance(trace, Trace)), None)


def steps_of(told: Mapping[str, Told]) -> dict[str, Step]:
    """By step, in the order of the path."""
    found = {step.step: step for trace in told.values() if isinstance(trace, Trace) for step in trace.steps}
    return {place.step: found[place.step] for place in PATH if place.step in found}


def standing(told: Mapping[str, Told]) -> Standing:
    """Where the request stands: at its last step, or on the hop after it."""
    steps = steps_of(told)
    last = max((n for n, place in enumerate(PATH) if place.step in steps), default=-1)
    if last < 0:
        return _before_the_path(told)
    place, step = PATH[last], steps[PATH[last].step]
    if step.waits_for is not None:
        return _waiting(place, step)
    if (step.step, step.state) in _ENDS:
        return Standing(place.owner, "the end", f"{place.title} {step.state}", step.at)
    return _between(place, PATH[last + 1], step, told)


def _waiting(place: Place, step: Step) -> Standing:
    kind, _, what = (step.waits_for or "").partition(": ")
    return Standing(
        place.owner, _KINDS.get(kind, "a hop"), f"{place.title} waits for {what or kind}", step.at
    )


def _between(place: Place, following: Place, step: Step, told: Mapping[str, Told]) -> Standing:
    """On the way from one owner to the next: unsent, refused, not read yet, or nobody can say."""
    writer, reader = told.get(place.owner), told.get(following.owner)
    unsent = [one for one in _unsent(writer) if one[0] == place.topic]
    if unsent:
        words = f"{place.topic} waits in {place.owner}'s outbox for Kafka"
        return Standing(place.owner, "a hop", words, unsent[0][1])
    if isinstance(reader, Trace) and reader.dead_letters:
        letter = reader.dead_letters[0]
        words = f"{following.owner} refused {letter.topic} ({letter.code}): dead letter {letter.id}"
        return Standing(following.owner, "somebody to redrive it", words, letter.first_at)
    if isinstance(reader, Silence):
        words = f"{following.owner} {reader.reason}; the {following.title} comes next there"
        return Standing(following.owner, "unknown", words, step.at)
    words = f"{following.owner} has not acted on {place.topic or place.title} yet"
    return Standing(following.owner, "a hop", words, step.at)


def _before_the_path(told: Mapping[str, Told]) -> Standing:
    silent = [f"{name} {one.reason}" for name, one in told.items() if isinstance(one, Silence)]
    return Standing("intake", "unknown", "; ".join(silent) or "no step is known", None)


def _unsent(told: Told) -> Sequence[tuple[str, datetime]]:
    return [(one.topic, one.since) for one in told.unsent] if isinstance(told, Trace) else []
