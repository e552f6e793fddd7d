"""What the terminal shows: a live board of parts while they start, plain lines where there is no terminal."""

import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field

from rich.console import Console
from rich.live import Live
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text
from truth_issuer.people import PEOPLE

from truth_local import processes
from truth_local.starting import READY, STOPPED
from truth_local.system import System

_MIB = 1024 * 1024
PAGES = (
    (None, "ask for work", "intake", "/request/kitchen-repairs"),
    ("olga", "the inbox, enter for a caller", "intake", "/intakes"),
    ("ada", "review, Create Job", "governance", "/tasks"),
    ("olga", "the Desk", "execution", "/desk"),
    ("vera", "Records and their Signals", "records", "/records"),
    (None, "check a Record", "records", "/verify"),
    ("paul", "what was refused, and putting it right", "intake", "/ops/dead-letters"),
)
"""Where people begin: who signs in there, or anyone; what for; the page."""


@dataclass(slots=True)
class Board:
    """The parts, what each is at, and since when the whole has been going on."""

    console: Console
    started: float = field(default_factory=time.monotonic)
    _rows: dict[str, str] = field(default_factory=dict[str, str])
    _spinners: dict[str, Spinner] = field(default_factory=dict[str, Spinner])
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def tell(self, part: str, what: str) -> None:
        """Note what a part is at; called from several threads."""
        with self._lock:
            self._rows[part] = what
            self._spinners.setdefault(part, Spinner("dots"))
        if not self.console.is_terminal:
            self.console.print(f"{self._seconds:5.1f} s  {part}: {what}", highlight=False, soft_wrap=True)

    def __rich__(self) -> Table:
        """Every part told of so far, in the order in which they came."""
        table = Table.grid(padding=(0, 1))
        with self._lock:
            for part, what in self._rows.items():
                mark = Text("✓", style="green") if what in {READY, STOPPED} else self._spinners[part]
                table.add_row(mark, part, Text(what, style="dim"))
        table.add_row("", Text(f"{self._seconds:.0f} s", style="dim"))
        return table

    @property
    def _seconds(self) -> float:
        return time.monotonic() - self.started


@contextmanager
def board(console: Console) -> Generator[Board]:
    """A board that is drawn anew while the block runs."""
    shown = Board(console)
    if console.is_terminal:
        with Live(shown, console=console, refresh_per_second=10):
            yield shown
    else:
        yield shown


def links(system: System) -> Table:
    """Where to look and what to join in with."""
    table = Table.grid(padding=(0, 2))
    for service, url in system.urls.items():
        table.add_row(service, url)
    for name, what, service, path in PAGES:
        table.add_row(f"{_who(name)}: {what}", system.urls[service] + path)
    table.add_row("sign-in", system.issuer)
    table.add_row("Kafka", f"{system.bootstrap} (SASL_PLAINTEXT, SCRAM-SHA-512)")
    table.add_row("PostgreSQL", f"127.0.0.1:{system.ports.of['postgres']}")
    table.add_row("to join in", str(system.layout.facts))
    table.add_row("logs", str(system.layout.logs))
    return table


def _who(name: str | None) -> str:
    return "anyone" if name is None else f"{name}, {', '.join(PEOPLE[name].roles)}"


def states(system: System) -> tuple[Table, bool]:
    """A table of all parts, and whether every one is there and ready."""
    table = Table("part", "process", "memory", "port", "state")
    whole = True
    for name, part in system.parts.items():
        process = processes.find(part)
        ready = process is not None and part.ready()
        whole = whole and ready
        memory = "" if process is None else f"{process.memory_info().rss // _MIB} MiB"
        state = "ready" if ready else "not ready" if process is not None else "down"
        number = "" if process is None else str(process.pid)
        table.add_row(name, number, memory, str(system.ports.of[name]), state)
    return table, whole
