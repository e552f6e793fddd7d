"""What a service tells ops of its own tables: queries. The kit runs them and names no table of a service."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Invariant:
    """A promise of the path as a query: `count` finds what breaks it, so it is 0."""

    rule: str
    promise: str
    count: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Ops:
    """A service's queries, each in plain SQL.

    `find`: `:ref`, any id that this service gave or was given → `request_id`; no row when it knows none.
    `steps`: `:request_id` → `step, id, state, at, actor, waits_for`, in the order of the path; `waits_for` is
    null when the step is done.
    `waiting`: → `step, state, count, oldest_at` of what stands here, by state.
    """

    find: str
    steps: str
    waiting: str | None = None
    invariants: Sequence[Invariant] = ()


NOTHING = Ops(
    find="SELECT CAST(NULL AS uuid) WHERE CAST(:ref AS uuid) IS NULL",
    steps="SELECT NULL WHERE CAST(:request_id AS uuid) IS NULL",
)
"""Of a service that tells nothing."""
