"""`python -m tests.security.hostile`: hostile messages in rounds, on a system of its own; `make hostile`.

Prints the seed, what became of all messages by topic and reader, why they were refused, and the memory of each
service after each round. Exit code 1 when anything is wrong, and then the first things that are.
"""

import argparse
import secrets
import shutil
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from rich.console import Console
from rich.table import Table
from truth_local import ports
from truth_local.starting import start_infrastructure, start_services, stop_all
from truth_local.system import System, describe
from truth_local.watch import Watch

from tests.security.hostile.account import Account
from tests.security.hostile.attack import Outcome, attack, make_past

_ROUND = 5_000
_UNREADABLE_A_ROUND = 2
_WARM_ROUNDS = 2
"""Rounds after which memory is compared: caches and pools have filled by then."""
_GROWTH_MAX = 1.25
"""Most that a service's resident memory may grow by after the warm rounds, as a ratio."""
_SHOWN = 20
_MIB = 1024 * 1024


def main() -> int:
    """All rounds."""
    parser = argparse.ArgumentParser(prog="python -m tests.security.hostile", description=__doc__)
    parser.add_argument("--messages", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=secrets.randbelow(1_000_000))
    arguments = parser.parse_args()
    console = Console(width=130)
    console.print(f"Seed {arguments.seed}. Starting a system …")
    folder = Path(tempfile.mkdtemp(prefix="truth-hostile-"))
    system = describe(folder, ports.free())
    try:
        start_infrastructure(system, Watch())
        start_services(system, Watch())
        outcomes = _rounds(system, arguments.messages, arguments.seed, console)
    finally:
        stop_all(system, lambda _part, _what: None)
        shutil.rmtree(folder, ignore_errors=True)
    return _judge(outcomes, console)


def _rounds(system: System, messages: int, seed: int, console: Console) -> list[Outcome]:
    past = make_past(system)
    outcomes: list[Outcome] = []
    started = time.monotonic()
    for number in range(0, messages, _ROUND):
        count = min(_ROUND, messages - number)
        outcome = attack(system, past, count, seed + len(outcomes), _UNREADABLE_A_ROUND)
        outcomes.append(outcome)
        memory = " ".join(f"{name} {size / _MIB:.0f}" for name, size in outcome.after.memory_bytes.items())
        told = f"{number + count:>7} messages, {time.monotonic() - started:5.0f} s, MiB: {memory}"
        console.print(told + (f", {len(outcome.wrong)} WRONG" if outcome.wrong else ""))
    return outcomes


def _judge(outcomes: list[Outcome], console: Console) -> int:
    whole = Account()
    for outcome in outcomes:
        whole.fates.update(outcome.account.fates)
        whole.codes.update(outcome.account.codes)
    console.print(_fates(whole), _codes(whole))
    wrong = [line for outcome in outcomes for line in outcome.wrong] + _growth(outcomes)
    for line in wrong[:_SHOWN]:
        console.print(line, markup=False)
    console.print(f"{sum(map(_sent, outcomes))} messages, {len(wrong)} things wrong")
    return 1 if wrong else 0


def _sent(outcome: Outcome) -> int:
    return outcome.sent.total()


def _fates(account: Account) -> Table:
    table = Table("topic", "reader", "acted on", "duplicate", "refused", "dead")
    for topic, service in sorted({(topic, service) for topic, service, _ in account.fates}):
        fates = (account.fates[topic, service, fate] for fate in ("acted on", "duplicate", "refused", "dead"))
        table.add_row(topic, service, *(f"{count:,}" for count in fates))
    return table


def _codes(account: Account) -> Table:
    table = Table("refused for", "messages")
    by_code: Counter[str] = Counter()
    for (_, code), count in account.codes.items():
        by_code[code] += count
    for code, count in by_code.most_common():
        table.add_row(code, f"{count:,}")
    return table


def _growth(outcomes: list[Outcome]) -> list[str]:
    if len(outcomes) <= _WARM_ROUNDS + 1:
        return []
    warm, last = outcomes[_WARM_ROUNDS].after.memory_bytes, outcomes[-1].after.memory_bytes
    return [
        f"{name} grew from {warm[name] / _MIB:.0f} to {size / _MIB:.0f} MiB"
        for name, size in last.items()
        if size > warm[name] * _GROWTH_MAX
    ]


if __name__ == "__main__":
    sys.exit(main())
