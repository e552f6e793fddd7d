"""`make crash-points`: kill every service at every point, one round after the other, and print the table."""

import argparse
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path

from truth_local import ports
from truth_local.starting import start_infrastructure, start_services, stop_all
from truth_local.system import System, describe
from truth_local.watch import Watch

from tests.faults.crash.checking import ends
from tests.faults.crash.points import Case, cases
from tests.faults.crash.rounds import Done, Round, Verdict, plan, run, wait_until_settled, wrong_at_the_end
from tests.faults.crash.woven import woven

AT_ONCE = 3


def main() -> int:
    """Run the rounds; 1 when anything was wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.crash", description=__doc__)
    parser.add_argument("--only", default="", help="only cases whose `service: point` holds this")
    parser.add_argument("--at-once", type=int, default=AT_ONCE, help="points of each service in a round")
    given = parser.parse_args()
    # SIGINT too: whoever is started in the background by a shell inherits it ignored.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)
    chosen = [case for case in cases() if given.only in case.name]
    rounds = plan(chosen, given.at_once)
    tell(f"{len(chosen)} cases in {len(rounds)} rounds")
    began = time.monotonic()
    with system_of_its_own() as system:
        since, done = ends(system), Done()
        verdicts = [_told(run(system, tried, done), number) for number, tried in enumerate(rounds, start=1)]
        verdicts += _alone(system, verdicts, done)
        wait_until_settled(system)
        at_the_end = wrong_at_the_end(system, since, done)
    _print_table(chosen, verdicts)
    for wrong in at_the_end:
        tell(f"at the end: {wrong}")
    failed = at_the_end or any(verdict.wrong for verdict in verdicts)
    tell(
        f"\n{len(chosen)} cases, {sum(v.deaths for v in verdicts)} kills, {len(done.finished)} walks,"
        f" {len(done.poisoned)} poisons, {time.monotonic() - began:.0f} s: {'FAILED' if failed else 'all passed'}"
    )
    return 1 if failed else 0


@contextmanager
def system_of_its_own() -> Generator[System]:
    """A woven system in a temporary folder; second replicas are described, not started."""
    folder = Path(tempfile.mkdtemp(prefix="truth-crash-"))
    system = woven(describe(folder, ports.free(), replicas=2))
    try:
        start_infrastructure(system, Watch())
        start_services(woven(describe(folder, system.ports)), Watch())
        yield system
    finally:
        stop_all(system, lambda _part, _what: None)
        shutil.rmtree(folder, ignore_errors=True)


def _alone(system: System, verdicts: Sequence[Verdict], done: Done) -> list[Verdict]:
    """The cases of failed rounds once more, one by one, to name the guilty."""
    suspects = [case for verdict in verdicts if verdict.wrong for case in verdict.tried.cases]
    return [
        _told(run(system, Round(case.point.trigger, [case]), done), number)
        for number, case in enumerate(suspects, start=1)
    ]


def _told(verdict: Verdict, number: int) -> Verdict:
    outcome = "; ".join(verdict.wrong) or "well"
    tell(
        f"round {number} ({verdict.tried.trigger}): {verdict.deaths} kills, {verdict.seconds:.1f} s: {outcome}"
    )
    if verdict.wrong:
        tell(f"  with {', '.join(case.name for case in verdict.tried.cases)}")
    return verdict


def _print_table(chosen: Sequence[Case], verdicts: Sequence[Verdict]) -> None:
    services = ("intake", "governance", "execution", "records", "signals")
    passed = {case.name for verdict in verdicts if not verdict.wrong for case in verdict.tried.cases}
    tell(f"\n| killed at | {' | '.join(services)} |\n|---|{'---|' * len(services)}")
    have = {case.name for case in chosen}
    for point in dict.fromkeys(case.point.name for case in chosen):
        names = [f"{service}: {point}" for service in services]
        cells = ["" if name not in have else "well" if name in passed else "WRONG" for name in names]
        tell(f"| {point} | {' | '.join(cells)} |")


def tell(line: str) -> None:
    """One line, at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
