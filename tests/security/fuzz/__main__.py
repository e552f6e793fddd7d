"""`python -m tests.security.fuzz`: invented requests to every operation, on a system of its own; `make fuzz`.

Prints the seed and what came back, by service and caller. Exit code 1 when an answer is a failure, or is not what
the document says, and then the first of each kind.
"""

import argparse
import secrets
import shutil
import sys
import tempfile
import time
from pathlib import Path

from rich.console import Console
from rich.table import Table
from truth_contracts.topics import SERVICES
from truth_local import ports
from truth_local.starting import start_infrastructure, start_services, stop_all
from truth_local.system import describe
from truth_local.watch import Watch

from tests.security.fuzz.asking import make_known
from tests.security.fuzz.trying import Tried, try_all


def main() -> int:
    """One round."""
    parser = argparse.ArgumentParser(prog="python -m tests.security.fuzz", description=__doc__)
    parser.add_argument("--cases", type=int, default=40, help="requests of each operation")
    parser.add_argument("--seed", type=int, default=secrets.randbelow(1_000_000))
    arguments = parser.parse_args()
    console = Console(width=130)
    console.print(f"Seed {arguments.seed}. Starting a system …")
    folder = Path(tempfile.mkdtemp(prefix="truth-fuzz-"))
    system = describe(folder, ports.free())
    try:
        start_infrastructure(system, Watch())
        start_services(system, Watch())
        started = time.monotonic()
        tried = try_all(system, make_known(system), arguments.cases, arguments.seed)
        seconds = time.monotonic() - started
    finally:
        stop_all(system, lambda _part, _what: None)
        shutil.rmtree(folder, ignore_errors=True)
    console.print(_answers(tried))
    for told in tried.wrong.values():
        console.print(told, markup=False)
    console.print(f"{tried.statuses.total()} requests in {seconds:.0f} s, {len(tried.wrong)} things wrong")
    return 1 if tried.wrong else 0


def _answers(tried: Tried) -> Table:
    statuses = sorted({status for _, _, status in tried.statuses})
    table = Table("service", "caller", *map(str, statuses))
    for service in SERVICES:
        for who in sorted({who for name, who, _ in tried.statuses if name == service}):
            table.add_row(service, who, *(str(tried.statuses[service, who, status]) for status in statuses))
    return table


if __name__ == "__main__":
    sys.exit(main())
