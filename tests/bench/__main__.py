"""`python -m tests.bench`: measure everything in one run, print a table of ratios, write them as JSON.

Each figure is ours beside a floor or a peer in the same run, since absolute figures say more of a machine than
of a program. Exit code 0 always: goals are shown beside the figures, for people to judge.
"""

import argparse
import json
import os
import platform
import shutil
import tempfile
from dataclasses import asdict
from pathlib import Path

from rich.console import Console
from rich.table import Table
from truth_local import ports
from truth_local.services import migrate
from truth_local.starting import start_infrastructure, stop_all
from truth_local.system import System, describe
from truth_local.watch import Watch

from tests.bench import hop, latency, sealing
from tests.bench.hop import HopRow
from tests.bench.loop import Trial

GOALS = {
    "hop, batch 100: rate": "≥ 0.70",
    "hop, batch 100, chain checks on: rate": "≥ 0.45",
    "hop, batch 1: rate": "≥ 0.60",
    "hop latency at 20/s: p50": "≤ 1.3",
    "hop latency at 20/s: p99": "≤ 1.5",
    **sealing.GOALS,
}
PARTS = ("hop", "sealing")


def main() -> None:
    """Run what was asked for."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--messages", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--part", choices=PARTS, help="measure only this")
    parser.add_argument("--json", type=Path, default=Path(".truth/bench.json"))
    arguments = parser.parse_args()
    console = Console(width=140)
    folder = Path(tempfile.mkdtemp(prefix="truth-bench-"))
    system = describe(folder, ports.free())
    try:
        console.print("Starting Kafka and PostgreSQL …")
        start_infrastructure(system, Watch())
        rows: list[HopRow] = []
        if arguments.part in (None, "hop"):
            rows += _measure_hop(system, arguments.messages, arguments.rounds, console)
        if arguments.part in (None, "sealing"):
            rows += sealing.measure(system, arguments.rounds, console.print)
    finally:
        stop_all(system, lambda _part, _what: None)
        shutil.rmtree(folder, ignore_errors=True)
    console.print(_table(rows))
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    machine = f"Python {platform.python_version()}, {os.cpu_count()} cores, load average {load}"
    console.print(machine)
    arguments.json.parent.mkdir(exist_ok=True)
    arguments.json.write_text(
        json.dumps({"machine": machine, "rows": [asdict(row) for row in rows]}, indent=2) + "\n"
    )


def _measure_hop(system: System, messages: int, rounds: int, console: Console) -> list[HopRow]:
    migrate(system.layout, system.ports, "governance")
    console.print(f"Putting {messages} Intakes on the topic …")
    hop.prepare(system, messages)
    rows: list[HopRow] = []
    trials = (
        Trial(messages, 100),
        Trial(messages, 100, checks=True),
        Trial(messages, 500),
        Trial(messages // 20, 1),
        Trial(messages, 100, checks=True, handler="governance"),
    )
    for trial in trials:
        console.print(f"{trial.name} …")
        rows += hop.measure(system, trial, rounds)
    console.print("Hop latency at 20/s …")
    return rows + latency.measure(system, 20, 300, rounds)


def _table(rows: list[HopRow]) -> Table:
    table = Table("measure", "ours", "floor", "unit", "ratio", "min … max", "goal")
    for row in rows:
        spread = f"{row.ratio_min:.2f} … {row.ratio_max:.2f}"
        goal = GOALS.get(row.measure, "")
        table.add_row(
            row.measure, f"{row.ours:,.1f}", f"{row.floor:,.1f}", row.unit, f"{row.ratio:.2f}", spread, goal
        )
    return table


if __name__ == "__main__":
    main()
