"""A message in the making: a body that is still JSON, and what will be done to its octets."""

# JSON of any shape: isinstance() of an Any leaves its members unknown to the type checker.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any

from truth_contracts.topics import Topic

Json = Any
Node = tuple[Any, Any]  # a container, and the name or place of a member in it
Edit = Callable[[bytes], bytes | None]


@dataclass(slots=True)
class Draft:
    """A message in the making. `edits` change its octets after the body was written as JSON."""

    topic: Topic
    body: Json
    headers: list[tuple[str, bytes]]
    key: bytes | None
    other: Mapping[str, Json] = field(default_factory=dict[str, Json])
    """The body of another message of this topic, of which parts may be taken."""
    edits: list[Edit] = field(default_factory=list[Edit])

    @property
    def value(self) -> bytes | None:
        """The octets as they will be sent."""
        octets: bytes | None = json.dumps(self.body).encode()
        for edit in self.edits:
            octets = edit(octets) if octets is not None else None
        return octets


def nodes(value: Json) -> Iterator[Node]:
    """Every member and element below `value`, at any depth."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield value, name
            yield from nodes(inner)
    elif isinstance(value, list):
        for place, inner in enumerate(value):
            yield value, place
            yield from nodes(inner)


def any_node(draft: Draft, random: Random) -> Node:
    """One of them; one that belongs to nothing if there is none."""
    return random.choice([*nodes(draft.body)] or [([None], 0)])
