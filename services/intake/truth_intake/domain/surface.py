"""Surfaces: the channels that requests come through, with maturity, stages and required evidence."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, TypeAlias

from pydantic import Field, StringConstraints
from truth_contracts.base import Contract, text
from truth_contracts.refusals import Refusal
from truth_contracts.steps import Maturity, Stage

STAGES_MAX = 20
"""Stages of one surface; more would not leave the later messages of the path their room."""

RegistrableName: TypeAlias = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,63}$")]
"""A name to register: it stands in addresses and in sources."""

_CONTROL_CHARACTERS = frozenset(map(chr, (*range(0x20), 0x7F)))


class RegisterSurface(Contract, frozen=True):
    """The command: what a surface shall be from now on."""

    title: Annotated[str, text(longest=200, shortest=1)]
    maturity: Maturity
    stages: Annotated[tuple[Stage, ...], Field(max_length=STAGES_MAX)]


@dataclass(frozen=True, slots=True)
class Surface:
    """One version of a registered surface. A change is a new version; versions never change."""

    name: str
    version: int
    title: str
    maturity: Maturity
    stages: tuple[Stage, ...]
    registered_at: datetime
    registered_by: str


def register_surface(
    name: str, current: Surface | None, command: RegisterSurface, actor: str, now: datetime
) -> Surface | Refusal:
    """The next version, or the current one if nothing would change."""
    if (refusal := _check_stages(command.stages)) is not None:
        return refusal
    wanted = (command.title, command.maturity, command.stages)
    if current is not None and wanted == (current.title, current.maturity, current.stages):
        return current
    version = 1 if current is None else current.version + 1
    return Surface(name, version, *wanted, registered_at=now, registered_by=actor)


def _check_stages(stages: tuple[Stage, ...]) -> Refusal | None:
    names = Counter(stage.name for stage in stages)
    if any(count > 1 for count in names.values()):
        return Refusal("body_invalid", "Two stages have the same name.", "stages", "distinct names")
    if any(not _CONTROL_CHARACTERS.isdisjoint(name) for name in names):
        detail = "A stage's name holds a control character."
        return Refusal("body_invalid", detail, "stages", "names without control characters")
    return None
