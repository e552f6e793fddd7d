"""A line of the table: what was measured, beside what, over how many rounds, and the goal it has."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Row:
    """Medians of the rounds. With something beside it, the extremes are the ratio's; alone, its own."""

    measure: str
    ours: float
    unit: str
    lowest: float
    highest: float
    beside: float | None = None
    ratio: float | None = None


@dataclass(frozen=True, slots=True)
class Goal:
    """What performance.md asks of a row's ratio, or of the figure itself where nothing stands beside it."""

    side: Literal["≥", "≤"]
    limit: float
    of: Literal["ratio", "ours"] = "ratio"

    def told(self, row: Row) -> str:
        """The goal, and by how much the row meets or misses it, as a share of the goal."""
        reached = row.ours if self.of == "ours" or row.ratio is None else row.ratio
        room = reached / self.limit - 1 if self.side == "≥" else 1 - reached / self.limit
        word = "met" if room >= 0 else "missed"
        return f"{self.side} {self.limit:.3g}: {word} by {abs(room):.0%}"


def paired(measure: str, pairs: Sequence[tuple[float, float]], unit: str) -> Row:
    """From paired rounds of (ours, what stands beside it)."""
    ratios = [ours / beside for ours, beside in pairs]
    return Row(
        measure,
        statistics.median(ours for ours, _ in pairs),
        unit,
        min(ratios),
        max(ratios),
        statistics.median(beside for _, beside in pairs),
        statistics.median(ratios),
    )


def alone(measure: str, values: Sequence[float], unit: str) -> Row:
    """From rounds with nothing beside them."""
    return Row(measure, statistics.median(values), unit, min(values), max(values))


def quantile(values: Sequence[float], share: float) -> float:
    """The value below which `share` of them lie, itself one of them."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
