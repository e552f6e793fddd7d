"""`truth flow` shows where work flows, where it waits, why and for how long.

Exit codes: 0 work flows; 1 something is late (over a minute), not ready or dead; 2 something is not known,
which is never taken for well.
"""

import sys
import time
from typing import Annotated

import typer
from pydantic_core import to_json
from rich.console import Console
from rich.live import Live

from truth_console.exits import Exit
from truth_console.flow.rows import Snapshot
from truth_console.flow.show import shown
from truth_console.flow.watch import TREND_SECONDS, Watch
from truth_console.options import LOCAL, AsJson, Where, opened

LATE_SECONDS_MAX = 60.0
"""From here on a row is late for the exit code and for the alerts."""

_WATCH_SECONDS = 1.0
_console = Console()


def flow(
    where: Where = LOCAL,
    as_json: AsJson = False,
    watch: Annotated[
        bool, typer.Option("--watch", help="go on, looking every second; Ctrl-C ends it")
    ] = False,
) -> None:
    """Where work flows, where it waits, why and for how long. Exit code 0: well, 1: not well, 2: unknown."""
    with opened(where) as console:
        watching = Watch(console.services, console.broker)
        snapshot = watching.snapshot()
        if watch:
            snapshot = _follow(watching, snapshot, as_json=as_json)
        else:
            time.sleep(TREND_SECONDS)  # a trend takes two looks
            snapshot = watching.snapshot()
            _tell(snapshot, as_json=as_json)
    raise typer.Exit(judged(snapshot))


def judged(snapshot: Snapshot) -> Exit:
    """What the process ends with."""
    rows, stands = snapshot.rows, snapshot.stands
    facts = [fact for row in rows for fact in (row.waiting, row.oldest_seconds, row.dead)]
    if snapshot.kafka_silent or any(stand.silent for stand in stands) or None in facts:
        return Exit.UNKNOWN
    is_late = any((row.oldest_seconds or 0) > LATE_SECONDS_MAX or row.dead for row in rows)
    return Exit.NOT_WELL if is_late or any(stand.failing for stand in stands) else Exit.WELL


def _follow(watching: Watch, snapshot: Snapshot, *, as_json: bool) -> Snapshot:
    try:
        if as_json or not _console.is_terminal:
            while True:
                _tell(snapshot, as_json=as_json)
                time.sleep(_WATCH_SECONDS)
                snapshot = watching.snapshot()
        with Live(shown(snapshot), console=_console, auto_refresh=False) as live:
            while True:
                time.sleep(_WATCH_SECONDS)
                snapshot = watching.snapshot()
                live.update(shown(snapshot), refresh=True)
    except KeyboardInterrupt:
        return snapshot


def _tell(snapshot: Snapshot, *, as_json: bool) -> None:
    if as_json:
        sys.stdout.write(to_json(snapshot).decode() + "\n")
        sys.stdout.flush()
    else:
        _console.print(shown(snapshot))
