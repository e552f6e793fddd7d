"""`python -m tests.faults.chaos`: storms over the local system, one for each seed; what `make chaos` runs.

Exit codes: 0 every checker passed in every storm, 1 some violation or no storm, 130 Ctrl-C. Histories stay in the folder.
"""

import argparse
import signal
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import NoReturn

from truth_local.failures import FAILURES

from tests.faults.chaos.evidence import load
from tests.faults.chaos.history import read
from tests.faults.chaos.people import WORKERS
from tests.faults.chaos.report import Report, keep, kept, lines, report, table, write_table
from tests.faults.chaos.storm import Aftermath, storm


def main() -> None:
    """Storm, or look again at what storms left."""
    arguments = _parser().parse_args()
    commands: dict[str, Callable[[argparse.Namespace], int]] = {
        "run": _storms,
        "check": _check,
        "table": _table,
    }
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    try:
        sys.exit(commands[arguments.command](arguments))
    except KeyboardInterrupt:
        _say("Given up; nothing was left running.")
        sys.exit(130)


def _interrupt(_number: int, _frame: object) -> NoReturn:
    raise KeyboardInterrupt


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.faults.chaos", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    run = commands.add_parser("run", help="storms with seeds first, first + 1, …")
    run.add_argument("--seeds", type=int, default=1, metavar="N", help="how many storms")
    run.add_argument("--minutes", type=float, default=3.0, help="how long each")
    run.add_argument("--first", type=int, default=None, metavar="SEED", help="default: by the clock")
    run.add_argument("--workers", type=int, default=WORKERS, metavar="N", help="how many act at once")
    run.add_argument("--folder", type=Path, default=Path(".truth/chaos"), help="where histories are left")
    check = commands.add_parser("check", help="check a storm's history and evidence again")
    check.add_argument("folder", type=Path)
    told = commands.add_parser("table", help="print the table of all storms in a folder, or write it")
    told.add_argument("folder", type=Path)
    told.add_argument("--write", metavar="COMMAND", help="into tests/faults/README.md, naming this command")
    return parser


def _storms(arguments: argparse.Namespace) -> int:
    first = arguments.first if arguments.first is not None else int(time.time()) % 1_000_000
    folder: Path = arguments.folder / f"{datetime.now(UTC):%Y%m%d-%H%M%S}"
    _say(f"seeds {first} to {first + arguments.seeds - 1}, {arguments.minutes:g} minutes each, in {folder}")
    reports: list[Report] = []
    for seed in range(first, first + arguments.seeds):
        own, seconds = folder / f"seed-{seed}", arguments.minutes * 60
        try:
            one = report(
                seconds, storm(seed, seconds, own, lambda what: _say(f"  {what}"), arguments.workers)
            )
        except FAILURES as failure:  # the system did not come up: no storm, and no verdict
            _say(f"seed {seed}: no storm: {failure}")
            continue
        keep(one, own)
        reports.append(one)
        _say("\n".join(lines(one)))
    clean = {one.seed for one in reports if one.is_clean}
    bad = sorted(set(range(first, first + arguments.seeds)) - clean)
    _say(table(reports))
    _say(f"Not clean: the storms with seeds {bad}." if bad else "Every checker passed in every storm.")
    return 1 if bad else 0


def _check(arguments: argparse.Namespace) -> int:
    folder: Path = arguments.folder
    before = Report.model_validate_json((folder / "report.json").read_text())
    aftermath = Aftermath(read(folder / "history.jsonl"), load(folder / "evidence.json"), before.dropped)
    again = report(before.seconds, aftermath)
    _say("\n".join(lines(again)))
    return 0 if again.is_clean else 1


def _table(arguments: argparse.Namespace) -> int:
    reports = kept(arguments.folder)
    if arguments.write:
        write_table(reports, arguments.write)
    else:
        _say(table(reports))
    return 0


def _say(what: str) -> None:
    sys.stdout.write(what + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
