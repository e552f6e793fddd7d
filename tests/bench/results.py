"""Results as JSON, part by part, and as a table on the terminal."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.table import Table

from tests.bench.goals import GOALS
from tests.bench.rows import Row

RESULTS = Path(__file__).parent / "results.json"


@dataclass(frozen=True, slots=True)
class Measured:
    """One part, from one run."""

    machine: Mapping[str, str]
    rows: Sequence[Row]


Results = dict[str, Measured]
"""By part. A ratio's two sides are always of one run; two parts may be of two."""


def rows_of(results: Results) -> list[Row]:
    """All of them."""
    return [row for measured in results.values() for row in measured.rows]


def row(results: Results, measure: str) -> Row:
    """The row of that name; KeyError if it was not measured."""
    for found in rows_of(results):
        if found.measure == measure:
            return found
    raise KeyError(measure)


def write(results: Results, file: Path) -> None:
    """Write results, one row a line; parts that the file has and `results` has not stay."""
    merged = (read(file) if file.exists() else {}) | results
    told = [f"{json.dumps(part)}: {_told(measured)}" for part, measured in sorted(merged.items())]
    file.parent.mkdir(exist_ok=True)
    file.write_text("{\n" + ",\n".join(told) + "\n}\n")


def read(file: Path) -> Results:
    """What `write` wrote."""
    told = json.loads(file.read_text())
    return {
        part: Measured(found["machine"], [Row(**each) for each in found["rows"]])
        for part, found in told.items()
    }


def table(results: Results) -> Table:
    """Rows with a goal say whether it is met and by how much."""
    shown = Table("measure", "ours", "beside", "unit", "ratio", "min … max", "goal")
    for found in rows_of(results):
        spread = f"{found.lowest:,.2f} … {found.highest:,.2f}"
        beside = "" if found.beside is None else f"{found.beside:,.1f}"
        ratio = "" if found.ratio is None else f"{found.ratio:.2f}"
        goal = GOALS[found.measure].told(found) if found.measure in GOALS else ""
        shown.add_row(found.measure, f"{found.ours:,.1f}", beside, found.unit, ratio, spread, goal)
    return shown


def _told(measured: Measured) -> str:
    rows = ",\n".join(json.dumps(asdict(each), ensure_ascii=False) for each in measured.rows)
    return f'{{"machine": {json.dumps(measured.machine, ensure_ascii=False)},\n"rows": [\n{rows}\n]}}'
