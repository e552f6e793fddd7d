"""How much is measured: meant for twenty minutes on a quiet machine, and for four as a quick look."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Sizes:
    """Of one run."""

    rounds: int
    batches: Sequence[int]
    messages: int
    """Of a hop's loop; a twentieth at batch 1."""
    latencies: Sequence[tuple[int, int]]
    """(messages a second, how many)."""
    clients: Sequence[int]
    rows: int
    """That pass an outbox."""
    powers: Sequence[int]
    """Of ten, the sizes of logs."""
    idle_seconds: float
    processes: Sequence[int]
    """Of one service, how many share a backlog; the first count is what the others are beside."""


WHOLE = Sizes(
    rounds=3,
    batches=(1, 10, 100, 500),
    messages=5_000,
    latencies=((20, 150), (500, 2_000)),
    clients=(1, 8, 64),
    rows=1_000_000,
    powers=(3, 5, 6),
    idle_seconds=10,
    processes=(1, 2, 4),
)
QUICK = Sizes(
    rounds=1,
    batches=(100,),
    messages=3_000,
    latencies=((20, 80),),
    clients=(1, 64),
    rows=20_000,
    powers=(3, 5),
    idle_seconds=5,
    processes=(),
)
