"""Gathers a request's trace: the services first, who know when, then Kafka at those times."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from uuid import UUID

from truth_contracts.ops import Step
from truth_sealing.keys import KeyFormatError, StepKeys, read_vkeys

from truth_console.asking import Services, Silence
from truth_console.places import Places
from truth_console.trace.messages import Published, find_messages
from truth_console.trace.path import PATH, Place, Standing, Told, request_of, standing, steps_of
from truth_console.trace.seeking import NotReadError


@dataclass(frozen=True, slots=True)
class Line:
    """One of the eight steps. `step` is None when the request has not come there."""

    title: str
    owner: str
    step: Step | None
    seconds: float | None  # since the step before
    message: Published | None


@dataclass(frozen=True, slots=True)
class Traced:
    """One request."""

    request_id: UUID
    at: datetime
    lines: Sequence[Line]
    standing: Standing
    silent: Mapping[str, str]  # services that say nothing, and why
    kafka_silent: str | None


def trace(places: Places, services: Services, ref: UUID, now: datetime) -> Traced | Mapping[str, str] | None:
    """None when everybody answers and nobody knows `ref`; who is silent, when nobody else knows it."""
    told = services.traces(str(ref))
    request_id = request_of(told)
    if request_id is None:
        return _silent(told) or None
    if request_id != ref:  # only its owner knows a step's own id: ask the others by the request's
        told = services.traces(str(request_id))
    steps = steps_of(told)
    messages, kafka_silent = _messages(places, str(request_id), steps)
    return Traced(request_id, now, _lines(steps, messages), standing(told), _silent(told), kafka_silent)


def _messages(
    places: Places, request_id: str, steps: Mapping[str, Step]
) -> tuple[Mapping[str, Published], str | None]:
    try:
        return find_messages(places.login, request_id, steps, _keys(places.step_keys)), None
    except NotReadError as error:
        return {}, str(error)


def _keys(file: Path | None) -> StepKeys | None:
    try:
        return None if file is None else read_vkeys(file.read_text(encoding="ascii"))
    except (OSError, KeyFormatError):
        return None


def _lines(steps: Mapping[str, Step], messages: Mapping[str, Published]) -> list[Line]:
    lines: list[Line] = []
    before: datetime | None = None
    for place in PATH:
        step = steps.get(place.step)
        seconds = (step.at - before).total_seconds() if step and before else None
        lines.append(_line(place, step, seconds, messages))
        before = step.at if step else before
    return lines


def _line(place: Place, step: Step | None, seconds: float | None, messages: Mapping[str, Published]) -> Line:
    return Line(place.title, place.owner, step, seconds, messages.get(place.step))


def _silent(told: Mapping[str, Told]) -> dict[str, str]:
    return {name: one.reason for name, one in told.items() if isinstance(one, Silence)}
