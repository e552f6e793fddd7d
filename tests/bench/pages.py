"""`python -m tests.bench.pages`: write what the committed results tell into the pages that show it, between marks."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.bench import scaling
from tests.bench.goals import BY_PART, GOALS
from tests.bench.results import RESULTS, Measured, Results, read, rows_of
from tests.bench.rows import Row

ROOT = Path(__file__).parents[2]
BENCH, SCALING = ROOT / "tests/bench/README.md", ROOT / "deploy/SCALING.md"


def blocks(results: Results) -> Mapping[Path, Mapping[str, str]]:
    """By page and mark, what stands there; of other sizes something can be told when every part was measured."""
    pages = {
        BENCH: {
            "machine": "\n".join(f"- {part}: {_machine(results[part])}" for part in results),
            "goals": markdown([row for row in rows_of(results) if row.measure in GOALS]),
            "rest": markdown([row for row in rows_of(results) if row.measure not in GOALS]),
        }
    }
    if set(BY_PART) <= set(results):
        costs = scaling.costs(results)
        pages[SCALING] = {"sizes": scaling.table(costs), "limits": scaling.limits(costs)}
    return pages


def written(page: str, marked: Mapping[str, str]) -> str:
    """The page with other text between its marks; KeyError if it lacks one."""
    for mark, told in marked.items():
        between = re.compile(rf"(<!-- {mark} -->\n).*?(\n<!-- end of {mark} -->)", re.DOTALL)
        if not between.search(page):
            raise KeyError(mark)
        page = between.sub(lambda found, told=told: f"{found[1]}{told}{found[2]}", page)
    return page


def markdown(rows: Sequence[Row]) -> str:
    """A table; the extremes are the ratio's where there is one."""
    lines = [
        "| measure | ours | beside | ratio | min … max | goal |",
        "| --- | ---: | ---: | ---: | --- | --- |",
    ]
    for row in rows:
        beside = "" if row.beside is None else _figure(row.beside)
        ratio = "" if row.ratio is None else f"{row.ratio:.2f}"
        goal = GOALS[row.measure].told(row) if row.measure in GOALS else ""
        spread = f"{_figure(row.lowest)} … {_figure(row.highest)}" if row.lowest != row.highest else ""
        lines.append(
            f"| {row.measure}, {row.unit} | {_figure(row.ours)} | {beside} | {ratio} | {spread} | {goal} |"
        )
    return "\n".join(lines)


def _machine(measured: Measured) -> str:
    return "; ".join(" ".join(told) for told in measured.machine.items())


def _figure(value: float) -> str:
    """Three digits that count."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def main() -> None:
    """Write them."""
    for file, marked in blocks(read(RESULTS)).items():
        file.write_text(written(file.read_text(), marked))


if __name__ == "__main__":
    main()
