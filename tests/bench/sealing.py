"""What sealing, proving and auditing cost, each beside a floor in the same run."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack

from truth_kit.connections import KafkaConnection
from truth_local.services import migrate
from truth_local.system import System

from tests.bench import audits, proofs
from tests.bench.logs import Log, empty, grow, new_log, queue
from tests.bench.proofs import Proved
from tests.bench.rows import Row, paired, quantile
from tests.bench.sealer import Sealed, insert_rows, prepare, seal_queue

_RECORDS = 4000
_FEWER = 2000
_PROOFS = 300
Tell = Callable[[str], None]


def measure(system: System, rounds: int, powers: Sequence[int], tell: Tell) -> list[Row]:
    """All of it, in paired rounds, over logs of 10 to these powers, the smallest first; three minutes with 10^6."""
    migrate(system.layout, system.ports, "records")
    return asyncio.run(_measure(system, rounds, powers, tell))


async def _measure(system: System, rounds: int, powers: Sequence[int], tell: Tell) -> list[Row]:
    rows: list[Row] = []
    async with new_log(system, "bench_sealing") as log:
        for batch in (100, 250, 500):
            tell(f"Sealing {_RECORDS} Records in batches of {batch} …")
            rows += await _rates(log, batch, rounds)
        tell("Auditing them …")
        rows.append(await _audits(system, log, rounds))
    async with AsyncExitStack() as stack:
        logs = {power: await stack.enter_async_context(new_log(system, f"bench_{power}")) for power in powers}
        for power, log in logs.items():
            tell(f"Growing a log to 10^{power} …")
            await grow(log, 10**power)
        for power, log in logs.items():
            tell(f"Proving inclusion in a log of 10^{power} …")
            rows += await _proofs(log, power, rounds)
        tell("Sealing Records in the smallest and in larger logs …")
        rows += await _growth(logs, rounds)
    return rows


async def _rates(log: Log, batch: int, rounds: int) -> list[Row]:
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
        paired(f"{told}: rate", _paired(ours, bare, "per_second"), "Records/s"),
        paired(f"{told}: rate, floor takes drafts too", _paired(ours, taking, "per_second"), "Records/s"),
        paired(f"{told}: client CPU", _paired(ours, bare, "cpu_us"), "µs/Record"),
    ]


async def _refill(log: Log) -> None:
    await empty(log)
    await queue(log, range(_RECORDS))


async def _audits(system: System, log: Log, rounds: int) -> Row:
    principal = system.principals["records"]
    kafka = KafkaConnection(
        bootstrap=system.bootstrap, username=principal.username, password_file=principal.password_file
    )
    pairs = [(await audits.audit_us(log, kafka), await audits.read_us(log)) for _ in range(rounds)]
    return paired("audit, beside reading and hashing", pairs, "µs/Record")


async def _proofs(log: Log, power: int, rounds: int) -> list[Row]:
    await proofs.check(log, 20)
    measured = [
        (await proofs.prove(log, _PROOFS), await proofs.read_rows(log, _PROOFS)) for _ in range(rounds)
    ]
    return [
        paired(f"inclusion proof at 10^{power}: {told} {name}", _quantiles(measured, kind, share), "ms")
        for kind, told in (("wall", "wall"), ("cpu", "CPU"))
        for name, share in (("p50", 0.5), ("p99", 0.99))
    ]


async def _growth(logs: Mapping[int, Log], rounds: int) -> list[Row]:
    """What sealing a Record costs in each larger log, beside the smallest."""
    smallest, *larger = logs
    cpu: dict[int, list[float]] = {power: [] for power in logs}
    for number in range(rounds * 2 + 1):
        for power in sorted(logs, reverse=not number % 2):
            await queue(logs[power], range(number * _FEWER, (number + 1) * _FEWER))
            cpu[power].append((await seal_queue(logs[power], _FEWER, 500)).cpu_us)
    pairs = {
        power: list(zip(cpu[power], cpu[smallest], strict=True))[1:] for power in larger
    }  # the first warmed up
    return [
        paired(f"client CPU a Record, at 10^{power} beside 10^{smallest}", found, "µs/Record")
        for power, found in pairs.items()
    ]


def _paired(ours: Sequence[Sealed], floor: Sequence[Sealed], name: str) -> list[tuple[float, float]]:
    return [(getattr(a, name), getattr(b, name)) for a, b in zip(ours, floor, strict=True)]


def _quantiles(
    measured: Sequence[tuple[Proved, Proved]], kind: str, share: float
) -> list[tuple[float, float]]:
    return [(quantile(getattr(a, kind), share), quantile(getattr(b, kind), share)) for a, b in measured]
