"""Forty changes of a contract whose consequences are known, both ways.

Each change makes the next version's model from the one below. `backward`: a new reader reads what old writers
wrote. `forward`: an old reader reads what new writers write.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Optional, cast

from pydantic import Field, StringConstraints, create_model
from truth_contracts.base import Contract, Digest, Instant, text
from truth_contracts.ids import TaskId
from truth_contracts.steps import Link

Members = dict[str, Any]
ASK = ...  # required


class Part(Contract, frozen=True):
    """A part, so that changes happen at depth too."""

    label: Annotated[str, text(longest=10)]
    count: int


PART: Members = {"label": (Annotated[str, text(longest=10)], ASK), "count": (int, ASK)}
BASE: Members = {
    "type": (Literal["truth.things.changed.v1"], "truth.things.changed.v1"),
    "name": (Annotated[str, text(longest=64, shortest=1)], ASK),
    "note": (Optional[Annotated[str, text(longest=100)]], ASK),  # noqa: UP045 the type checker knows no | for Annotated
    "remark": (Optional[Annotated[str, text(longest=100)]], None),  # noqa: UP045 the type checker knows no | for Annotated
    "amount": (Annotated[int, Field(ge=0, le=100)], ASK),
    "at": (Instant, ASK),
    "kind": (Literal["red", "green"], ASK),
    "id": (TaskId, ASK),
    "digest": (Digest, ASK),
    "tags": (tuple[Annotated[str, text(longest=10)], ...], ASK),
    "parts": (tuple[Part, ...], ASK),
    "open": (bool, ASK),
    "chain": (tuple[Link, ...], ASK),
    "facts": (dict[str, str], ASK),
}


def model(members: Members, parts: Members | None = None) -> type[Contract]:
    """A contract with these members; `parts` are the members of its part."""
    create = cast("Any", create_model)  # its overloads take any member for one of its own arguments
    part: Any = create("Part", __base__=Contract, **(parts or PART))
    changed = {name: told if name != "parts" else (tuple[part, ...], ASK) for name, told in members.items()}
    return create("Thing", __base__=Contract, **changed)


@dataclass(frozen=True, slots=True)
class Change:
    """A change and what is known of it."""

    name: str
    make: Callable[[], type[Contract]]
    backward: bool
    forward: bool


def with_(name: str, annotation: Any, default: Any = ASK) -> Callable[[], type[Contract]]:
    """A member added, or another in its place."""
    return lambda: model(BASE | {name: (annotation, default)})


def without(name: str) -> Callable[[], type[Contract]]:
    """A member dropped."""
    return lambda: model({key: told for key, told in BASE.items() if key != name})


def renamed(old: str, new: str) -> Callable[[], type[Contract]]:
    """A member under another name."""
    return lambda: model({new if key == old else key: told for key, told in BASE.items()})


def part(**changed: Any) -> Callable[[], type[Contract]]:
    """The part with members added or in another's place; None drops one."""
    told = {k: v for k, v in (PART | changed).items() if v is not None}
    return lambda: model(BASE, told)


def link_with_more() -> type[Contract]:
    """A link with another member: exact on arrival, so no reader takes it."""
    longer = create_model("Link", __base__=Link, more=(str, "x"))
    return model(BASE | {"chain": (tuple[longer, ...], ASK)})


YES, NO = True, False
CHANGES = [
    Change("nothing changes", lambda: model(BASE), YES, YES),
    Change("an optional member is added", with_("extra", str | None, None), YES, YES),
    Change("a member with a default is added", with_("extra", str, "none"), YES, YES),
    Change("a required member is added", with_("extra", str), NO, YES),
    Change("a required member that may be null is added", with_("extra", str | None), NO, YES),
    Change("an optional member is dropped", without("remark"), YES, YES),
    Change("a required member is dropped", without("amount"), YES, NO),
    Change("a required member that may be null is dropped", without("note"), YES, NO),
    Change("a required member is renamed", renamed("amount", "quantity"), NO, NO),
    Change("an optional member is renamed", renamed("remark", "comment"), YES, YES),
    Change("a text becomes a number", with_("name", int), NO, NO),
    Change("a number becomes a text", with_("amount", str), NO, NO),
    Change("a yes-or-no becomes a text", with_("open", str), NO, NO),
    Change("a number loses its upper limit", with_("amount", Annotated[int, Field(ge=0)]), YES, NO),
    Change("a number gains a tighter limit", with_("amount", Annotated[int, Field(ge=0, le=50)]), NO, YES),
    Change("a number may be negative", with_("amount", Annotated[int, Field(ge=-5, le=100)]), YES, NO),
    Change("a text may be longer", with_("name", Annotated[str, text(longest=128, shortest=1)]), YES, NO),
    Change("a text must be shorter", with_("name", Annotated[str, text(longest=32, shortest=1)]), NO, YES),
    Change("a text may be empty", with_("name", Annotated[str, text(longest=64)]), YES, NO),
    Change("a text gains a pattern", with_("name", Annotated[str, StringConstraints(pattern=r"^[a-z]+$", max_length=64, min_length=1)]), NO, YES),
    Change("a digest becomes any text", with_("digest", str), YES, NO),
    Change("a digest becomes a longer one", with_("digest", Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{128}$")]), NO, NO),
    Change("a value is added to an enum", with_("kind", Literal["red", "green", "blue"]), YES, NO),
    Change("a value is taken from an enum", with_("kind", Literal["red"]), NO, YES),
    Change("a value of an enum is renamed", with_("kind", Literal["red", "lime"]), NO, NO),
    Change("an enum becomes an open text", with_("kind", str), YES, NO),
    Change("a time becomes any text", with_("at", str), YES, NO),
    Change("a text becomes a time", with_("name", Instant), NO, NO),
    Change("an id becomes any text", with_("id", str), YES, NO),
    Change("a text becomes an id", with_("name", TaskId), NO, NO),
    Change("a required member may now be null", with_("name", Optional[Annotated[str, text(longest=64, shortest=1)]]), YES, NO),  # noqa: UP045 the type checker knows no | for Annotated
    Change("a member may no longer be null", with_("note", Annotated[str, text(longest=100)]), NO, YES),
    Change("a list gets an upper limit", with_("tags", Annotated[tuple[Annotated[str, text(longest=10)], ...], Field(max_length=3)]), NO, YES),
    Change("a list's texts become numbers", with_("tags", tuple[int, ...]), NO, NO),
    Change("the type's major version is raised", with_("type", Literal["truth.things.changed.v2"], "truth.things.changed.v2"), NO, NO),
    Change("a part gets an optional member", part(more=(str | None, None)), YES, YES),
    Change("a part gets a required member", part(more=(str, ASK)), NO, YES),
    Change("a part loses a member", part(count=None), YES, NO),
    Change("a link gets a member", link_with_more, NO, NO),
    Change("a map's texts become numbers", with_("facts", dict[str, int]), NO, NO),
]  # fmt: skip
