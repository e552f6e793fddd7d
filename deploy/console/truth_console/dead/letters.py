"""Dead letters as the services list them, grouped by what they have in common. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from pydantic import BaseModel


class Letter(BaseModel, frozen=True):
    """A dead letter without what its sender wrote, as its service lists it."""

    id: UUID
    state: str
    topic: str
    partition: int
    offset: int
    type: str | None
    request_id: UUID | None
    code: str
    detail: str
    field: str | None
    first_at: datetime
    attempts: int


class Listed(BaseModel, frozen=True):
    """A page of them, newest first."""

    dead_letters: Sequence[Letter]


@dataclass(frozen=True, slots=True)
class Group:
    """Dead letters of one service with one cause, on one topic, of one contract."""

    service: str
    code: str
    topic: str
    type: str | None
    count: int
    first_at: datetime
    last_at: datetime
    sample: UUID  # the newest


def groups(letters: Mapping[str, Sequence[Letter]]) -> list[Group]:
    """By service in the given order, then the largest first."""
    made: list[Group] = []
    for service, own in letters.items():
        kinds = {(letter.code, letter.topic, letter.type) for letter in own}
        of_service = [_group(service, [one for one in own if _kind(one) == kind]) for kind in kinds]
        made += sorted(of_service, key=lambda group: (-group.count, group.code, group.topic))
    return made


def chosen(letters: Iterable[Letter], code: str, topic: str | None) -> list[Letter]:
    """Those with this cause, in the order in which they came: a later one may rest on an earlier."""
    found = [one for one in letters if one.code == code and topic in (None, one.topic)]
    return sorted(found, key=lambda one: (one.topic, one.partition, one.offset))


def _kind(letter: Letter) -> tuple[str, str, str | None]:
    return letter.code, letter.topic, letter.type


def _group(service: str, letters: Sequence[Letter]) -> Group:
    times = [letter.first_at for letter in letters]
    newest = max(letters, key=lambda letter: letter.first_at)
    code, topic, kind = _kind(newest)
    return Group(service, code, topic, kind, len(letters), min(times), max(times), newest.id)
