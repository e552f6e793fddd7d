"""`python -m truth_local.demo`: start everything, walk three requests, verify them, stop everything.

Exit codes: 0 all verified, 1 not, 130 Ctrl-C.
"""

import argparse
import os
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from rich.console import Console
from rich.table import Table
from truth_topology.connection import Login

from truth_local import show
from truth_local.commands import down, up
from truth_local.demo import checking, doors, walk
from truth_local.demo.acting import RefusedError
from truth_local.demo.checking import Kept, UnverifiedError
from truth_local.demo.walk import People, Walked
from truth_local.failures import FAILURES
from truth_local.system import System
from truth_local.watch import Watch

_INTERRUPTED = 130


def main() -> None:
    """Run the demo."""
    parser = argparse.ArgumentParser(prog="python -m truth_local.demo", description=__doc__)
    parser.add_argument("--keep", action="store_true", help="leave the system running")
    folder = Path(os.environ.get("TRUTH_FOLDER") or ".truth")
    parser.add_argument("--folder", type=Path, default=folder, help="where the system lives")
    arguments = parser.parse_args()
    console = Console(width=None if sys.stdout.isatty() else 150)
    # SIGINT too: whoever is started in the background by a shell inherits it ignored.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    try:
        run(arguments.folder, console, keep=arguments.keep)
    except KeyboardInterrupt:
        console.print("Given up.")
        sys.exit(_INTERRUPTED)
    except (*FAILURES, RefusedError, UnverifiedError, TimeoutError) as failure:
        console.print(str(failure), style="red", markup=False, highlight=False)
        sys.exit(1)


def run(folder: Path, console: Console, *, keep: bool) -> None:
    """The whole demo. What it started it stops, unless `keep`; what was up before stays up."""
    with show.board(console) as board:
        came = up(folder, 1, os.environ, Watch(board.tell))
    leave = keep or came.was_up
    try:
        walked = _walk_all(came.system, console)
        for each in walked:
            checking.check_published(came.system, each)
        console.print("Published messages checked again: every digest, link and signature holds.")
        kept = [_keep(came.system, each) for each in walked]
    except BaseException:
        if not leave:
            down(folder, lambda _part, _what: None)
        raise
    if not leave:
        with show.board(console) as board:
            down(folder, board.tell)
    _verify_all(came.system, walked, kept, console)
    if leave:
        console.print(show.links(came.system))


def _walk_all(system: System, console: Console) -> list[Walked]:
    who, started = walk.people(system), time.monotonic()

    def tell(label: str, step: str, what_id: str, what: str) -> None:
        at = f"{time.strftime('%H:%M:%S')} {time.monotonic() - started:6.2f} s"
        console.print(f"{at}  {label:<8} {step:<13} {what_id:<38} {what}", highlight=False, soft_wrap=True)

    console.print()
    login = Login(system.bootstrap, "upstream-acme", system.principals["upstream-acme"].password)
    tap = doors.request("kitchen-repairs", "The tap drips", "It drips all night long.")
    door = doors.request("kitchen-repairs", "A cupboard door hangs", "The upper hinge is loose.")
    ridge = doors.request("roof-inspections", "Look at the ridge", "After the storm of last week.")
    walked = [
        walk.walk("kafka", doors.over_kafka("kafka", tap, login, who, tell), who, tell),
        walk.walk("http", doors.over_http("http", door, who, tell), who, tell),
        walk.walk("partial", doors.over_http("partial", ridge, who, tell), who, tell),
    ]
    console.print()
    return walked


def _keep(system: System, walked: Walked) -> Kept:
    who: People = walk.people(system)
    bundle = who.auditor.raw("GET", "records", f"/records/{walked.record_id}/bundle")
    if not bundle.is_success:
        raise RefusedError(bundle)
    envelope: str | None = None
    if walked.signal_id:
        envelope = who.auditor.get("signals", f"/api/signals/{walked.signal_id}")["envelope"]
    return checking.keep(system.layout.folder / "demo", walked, bundle.content, envelope)


def _verify_all(system: System, walked: Sequence[Walked], kept: Sequence[Kept], console: Console) -> None:
    """With the files alone: the services need not run."""
    table = Table("request", "surface", "maturity", "outcome", "Record", "Signal")
    lines: list[str] = []
    for each, files in zip(walked, kept, strict=True):
        checking.verify_files(files, system.layout.policy)
        decided = each.signal_id or f"withheld: {', '.join(each.reasons)}"
        table.add_row(each.label, each.surface, each.maturity, each.outcome, each.record_id, decided)
        if each.signal_id:
            lines.append(f"record={each.record_id} signal={each.signal_id} verified")
    console.print(table)
    console.print(f"The files that were verified: {kept[0].bundle.parent.parent}", soft_wrap=True)
    for line in lines:
        console.print(line, highlight=False, soft_wrap=True)


def _interrupt(_number: int, _frame: object) -> NoReturn:
    raise KeyboardInterrupt


if __name__ == "__main__":
    main()
