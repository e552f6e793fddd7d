"""What sealing, proving and auditing cost, each beside a floor in the same run."""

import asyncio
import statistics
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack

from truth_kit.connections import KafkaConnection
from truth_local.services import migrate
from truth_local.system import System

from tests.bench import audits, proofs
from tests.bench.hop import HopRow
from tests.bench.logs import Log, empty, grow, new_log, queue
from tests.bench.proofs import Proved
from tests.bench.sealer import Sealed, insert_rows, prepare, seal_queue

GOALS = {
    "sealing, batch 100: rate": "≥ 0.60",
    "sealing, batch 250: rate": "≥ 0.60",
    "sealing, batch 500: rate": "≥ 0.60, aim 0.75",
    "client CPU a Record, at 10^6 beside 10^3": "≤ 1.30",
    **{f"inclusion proof at 10^{power}: wall p50": "≤ 5 ms" for power in (3, 5, 6)},
}
POWERS = (3, 5, 6)
_RECORDS = 4000
_FEWER = 2000
_PROOFS = 300
Tell = Callable[[str], None]


def measure(system: System, rounds: int, tell: Tell) -> list[HopRow]:
    """All of it, in paired rounds; about three minutes with three of them."""
    migrate(system.layout, system.ports, "records")
    return asyncio.run(_measure(system, rounds, tell))


async def _measure(system: System, rounds: int, tell: Tell) -> list[HopRow]:
    rows: list[HopRow] = []
    async with new_log(system, "bench_sealing") as log:
        for batch in (100, 250, 500):
            tell(f"Sealing {_RECORDS} Records in batches of {batch} …")
            rows += await _rates(log, batch, rounds)
        tell("Auditing them …")
        rows.append(await _audits(system, log, rounds))
    async with AsyncExitStack() as stack:
        logs = [await stack.enter_async_context(new_log(system, f"bench_{power}")) for power in POWERS]
        for power, log in zip(POWERS, logs, strict=True):
            tell(f"Growing a log to 10^{power} …")
            await grow(log, 10**power)
        tell("Proving inclusion …")
        for power, log in zip(POWERS, logs, strict=True):
            rows += await _proofs(log, power, rounds)
        tell("Sealing Records in the small and in the large log …")
        rows.append(await _growth(logs[0], logs[-1], rounds))
    return rows


async def _rates(log: Log, batch: int, rounds: int) -> list[HopRow]:
    """Ours beside both floors, always over an emptied log and the same drafts."""
    ours, bare, taking = list[Sealed](), list[Sealed](), list[Sealed]()
    for _ in range(rounds):
        await _refill(log)
        prepared = await prepare(log, batch)
        bare.append(await insert_rows(log, prepared, _RECORDS))
        await _refill(log)
        taking.append(await insert_rows(log, prepared, _RECORDS, from_drafts=batch))
        await _refill(log)
        ours.append(await seal_queue(log, _RECORDS, batch))
    told = f"sealing, batch {batch}"
    return [
        row(f"{told}: rate", _paired(ours, bare, "per_second"), "Records/s"),
        row(f"{told}: rate, floor takes drafts too", _paired(ours, taking, "per_second"), "Records/s"),
        row(f"{told}: client CPU", _paired(ours, bare, "cpu_us"), "µs/Record"),
    ]


async def _refill(log: Log) -> None:
    await empty(log)
    await queue(log, range(_RECORDS))


async def _audits(system: System, log: Log, rounds: int) -> HopRow:
    principal = system.principals["records"]
    kafka = KafkaConnection(
        bootstrap=system.bootstrap, username=principal.username, password_file=principal.password_file
    )
    pairs = [(await audits.audit_us(log, kafka), await audits.read_us(log)) for _ in range(rounds)]
    return row("audit, beside reading and hashing", pairs, "µs/Record")


async def _proofs(log: Log, power: int, rounds: int) -> list[HopRow]:
    await proofs.check(log, 20)
    measured = [
        (await proofs.prove(log, _PROOFS), await proofs.read_rows(log, _PROOFS)) for _ in range(rounds)
    ]
    return [
        row(f"inclusion proof at 10^{power}: {told} {name}", _quantiles(measured, kind, share), "ms")
        for kind, told in (("wall", "wall"), ("cpu", "CPU"))
        for name, share in (("p50", 0.5), ("p99", 0.99))
    ]


async def _growth(small: Log, large: Log, rounds: int) -> HopRow:
    pairs: list[tuple[float, float]] = []
    for number in range(rounds * 2 + 1):
        pair = (large, small) if number % 2 else (small, large)
        cpu: dict[int, float] = {}
        for log in pair:
            await queue(log, range(number * _FEWER, (number + 1) * _FEWER))
            cpu[id(log)] = (await seal_queue(log, _FEWER, 500)).cpu_us
        pairs.append((cpu[id(large)], cpu[id(small)]))
    return row("client CPU a Record, at 10^6 beside 10^3", pairs[1:], "µs/Record")  # the first warmed up


def row(measure: str, pairs: Sequence[tuple[float, float]], unit: str) -> HopRow:
    """A line of the table from paired rounds of (ours, floor)."""
    ratios = [ours / floor for ours, floor in pairs]
    return HopRow(
        measure,
        statistics.median(ours for ours, _ in pairs),
        statistics.median(floor for _, floor in pairs),
        statistics.median(ratios),
        min(ratios),
        max(ratios),
        unit,
    )


def _paired(ours: Sequence[Sealed], floor: Sequence[Sealed], name: str) -> list[tuple[float, float]]:
    return [(getattr(a, name), getattr(b, name)) for a, b in zip(ours, floor, strict=True)]


def _quantiles(
    measured: Sequence[tuple[Proved, Proved]], kind: str, share: float
) -> list[tuple[float, float]]:
    return [(_quantile(getattr(a, kind), share), _quantile(getattr(b, kind), share)) for a, b in measured]


def _quantile(milliseconds: list[float], share: float) -> float:
    ordered = sorted(milliseconds)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
