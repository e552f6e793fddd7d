"""What a storm amounts to: figures, verdicts, and the table of many storms in tests/faults/README.md."""

import json
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from pydantic import BaseModel

from tests.faults.chaos.checkers import CHECKERS, check
from tests.faults.chaos.endurance import recoveries, slopes
from tests.faults.chaos.promises import command_of
from tests.faults.chaos.storm import Aftermath

README = Path(__file__).parents[1] / "README.md"
_BEGIN, _END = "<!-- storms: begin -->", "<!-- storms: end -->"
_SHOWN = 10  # violations of one checker


class Report(BaseModel, frozen=True):
    """One storm in figures. `violations` by checker; all of them are named, also those that found nothing."""

    seed: int
    seconds: float
    faults: dict[str, int]
    accepted: int
    records: int
    signals: int
    dropped: int
    recoveries: list[float]
    settled_seconds: float | None
    slope_mib_max: float
    violations: dict[str, list[str]]

    @property
    def is_clean(self) -> bool:
        """Whether no checker found anything."""
        return not any(self.violations.values())


def report(seconds: float, aftermath: Aftermath) -> Report:
    """Check what a storm left, and count."""
    told, rows = aftermath.told, aftermath.evidence.rows
    rested = None if told.settled is None or told.healed is None else round(told.settled - told.healed, 1)
    return Report(
        seed=told.seed,
        seconds=seconds,
        faults=dict(Counter(fault.kind for fault in told.faults)),
        accepted=sum(command_of(op) == "submit" and op.outcome == "ok" for op in told.ops),
        records=len(rows["records"]),
        signals=len(rows["signals"]),
        dropped=aftermath.dropped,
        recoveries=recoveries(told),
        settled_seconds=rested,
        slope_mib_max=max([0.0, *slopes(told).values()]),
        violations=check(told, aftermath.evidence),
    )


def lines(one: Report) -> list[str]:
    """A report for the terminal."""
    kinds = ", ".join(f"{kind} {count}" for kind, count in sorted(one.faults.items()))
    rest = "never" if one.settled_seconds is None else f"{one.settled_seconds:.1f} s"
    told = [
        f"seed {one.seed}: {sum(one.faults.values())} faults ({kinds})",
        f"  {one.accepted} requests accepted, {one.records} Records, {one.signals} Signals, {one.dropped} duplicates dropped",
        f"  recovery p50 {_percentile(one.recoveries, 50)}, p99 {_percentile(one.recoveries, 99)}; at rest after {rest}; "
        f"memory at most +{one.slope_mib_max:.1f} MiB/min",
    ]
    for name in CHECKERS:
        found = one.violations[name]
        told.append(f"  {name}: {'ok' if not found else f'{len(found)} VIOLATIONS'}")
        told += [f"    {violation}" for violation in found[:_SHOWN]]
    return told


def keep(one: Report, folder: Path) -> None:
    """Write report.json beside the history."""
    (folder / "report.json").write_text(one.model_dump_json(indent=1) + "\n")


def kept(folder: Path) -> list[Report]:
    """All reports below a folder, by seed."""
    found = [Report.model_validate(json.loads(file.read_text())) for file in folder.rglob("report.json")]
    return sorted(found, key=lambda one: one.seed)


def table(reports: Sequence[Report]) -> str:
    """The results of many storms as Markdown: one line each, the sum, and the faults by kind."""
    head = (
        "| seed | faults | accepted | Records | Signals | dropped | lost | doubled | skipped | other | "
        "recovery p50 / p99, s | at rest, s |\n" + "| ---: " * 12 + "|"
    )
    rows = [head, *(_row(str(one.seed), one) for one in reports), _row("**all**", _summed(reports))]
    kinds: Counter[str] = Counter()
    for one in reports:
        kinds.update(one.faults)
    by_kind = "\n".join(f"| {kind} | {count} |" for kind, count in kinds.most_common())
    return "\n".join(rows) + f"\n\n| fault | injected |\n| --- | ---: |\n{by_kind}\n"


def write_table(reports: Sequence[Report], command: str, file: Path = README) -> None:
    """Put the table between the marks of tests/faults/README.md, with the command that repeats it."""
    text = file.read_text()
    before, rest = text.split(_BEGIN)
    _, after = rest.split(_END)
    file.write_text(f"{before}{_BEGIN}\n\nRepeat with `{command}`.\n\n{table(reports)}\n{_END}{after}")


def _row(name: str, one: Report) -> str:
    lost, doubled, skipped = (_count(one.violations, number) for number in ("C1", "C2", "C3"))
    other = sum(map(len, one.violations.values())) - lost - doubled - skipped
    figures = (sum(one.faults.values()), one.accepted, one.records, one.signals, one.dropped)
    recovery = f"{_percentile(one.recoveries, 50)} / {_percentile(one.recoveries, 99)}"
    rest = "never" if one.settled_seconds is None else f"{one.settled_seconds:.0f}"
    cells = [name, *map(str, figures), *map(str, (lost, doubled, skipped, other)), recovery, rest]
    return f"| {' | '.join(cells)} |"


def _summed(reports: Sequence[Report]) -> Report:
    rests = [one.settled_seconds for one in reports]
    return Report(
        seed=0,
        seconds=sum(one.seconds for one in reports),
        faults={"all": sum(sum(one.faults.values()) for one in reports)},
        accepted=sum(one.accepted for one in reports),
        records=sum(one.records for one in reports),
        signals=sum(one.signals for one in reports),
        dropped=sum(one.dropped for one in reports),
        recoveries=[seconds for one in reports for seconds in one.recoveries],
        settled_seconds=None
        if None in rests
        else max([seconds for seconds in rests if seconds], default=0.0),
        slope_mib_max=max([0.0, *(one.slope_mib_max for one in reports)]),
        violations={name: [found for one in reports for found in one.violations[name]] for name in CHECKERS},
    )


def _count(violations: Mapping[str, list[str]], number: str) -> int:
    return sum(len(found) for name, found in violations.items() if name.split()[0] == number)


def _percentile(values: Sequence[float], percent: int) -> str:
    """The nearest rank; a dash when there is nothing to rank."""
    if not values:
        return "-"
    return f"{sorted(values)[math.ceil(percent / 100 * len(values)) - 1]:.1f}"
