"""What one measured loop is told and what it tells; both loops are processes of their own."""

import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True)
class Trial:
    """What is tried: so many messages of `intakes.accepted`, at most `batch` in one transaction."""

    messages: int
    batch: int
    checks: bool = False
    """Whether chains and signatures are checked; the floor never does."""
    handler: str = "rows"
    """`rows` writes what the floor writes, `governance` decides as the service does; the floor has its own."""

    @property
    def name(self) -> str:
        """As the table names it."""
        checks = ", chain checks on" if self.checks else ""
        return f"{'hop' if self.handler == 'rows' else self.handler}, batch {self.batch}{checks}"


@dataclass(frozen=True, slots=True)
class Order:
    """What a loop is told: where everything is, and the trial's members."""

    bootstrap: str
    password_file: str
    dsn: str
    keys_file: str
    messages: int
    batch: int
    checks: bool
    handler: str


@dataclass(frozen=True, slots=True)
class Measured:
    """From the first batch's transaction to the last published message."""

    messages: int
    seconds: float
    cpu_seconds: float


@dataclass(slots=True)
class Clock:
    """Starts with the first batch's transaction."""

    started: float = 0.0
    cpu_started: float = 0.0

    def start_once(self) -> None:
        """Begin, unless it has begun."""
        if not self.started:
            self.started, self.cpu_started = time.perf_counter(), time.process_time()

    def read(self, messages: int) -> Measured:
        """What has passed since the start."""
        return Measured(messages, time.perf_counter() - self.started, time.process_time() - self.cpu_started)


def run_loop(loop: Callable[[Order], Awaitable[Measured]]) -> None:
    """Read the order from the first argument, run, print what was measured as JSON."""

    async def main() -> Measured:
        return await loop(Order(**json.loads(sys.argv[1])))

    sys.stdout.write(json.dumps(asdict(asyncio.run(main()))) + "\n")
