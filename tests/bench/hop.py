"""One automatic hop, ours beside the bare loop: messages a second and CPU, in paired rounds of one run."""

import asyncio
import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import asyncpg
from truth_local.demo.acting import wait_for
from truth_local.system import System

from tests.bench import intakes
from tests.bench.loop import Measured, Order, Trial
from tests.bench.rows import Row, paired
from tests.faults.groups import rewind

ROOT = Path(__file__).parents[2]
_ROUND_SECONDS = 300


def measure(system: System, trials: Sequence[Trial], rounds: int) -> list[Row]:
    """Rate and client CPU of trials that differ in nothing the floor knows of, each beside the floor of its round."""
    pairs: dict[Trial, list[tuple[Measured, Measured]]] = {trial: [] for trial in trials}
    for _ in range(rounds):
        measured = {trial: run_round(system, "ours", trial) for trial in trials}
        floor = run_round(system, "bare", trials[0])
        for trial, ours in measured.items():
            pairs[trial].append((ours, floor))
    return [row for trial, found in pairs.items() for row in _rows(trial, found)]


def _rows(trial: Trial, pairs: Sequence[tuple[Measured, Measured]]) -> list[Row]:
    rate = [(a.messages / a.seconds, b.messages / b.seconds) for a, b in pairs]
    cpu = [(a.cpu_seconds / a.messages * 1e6, b.cpu_seconds / b.messages * 1e6) for a, b in pairs]
    return [
        paired(f"{trial.name}: rate", rate, "messages/s"),
        paired(f"{trial.name}: client CPU", cpu, "µs/message"),
    ]


def prepare(system: System, messages: int) -> None:
    """Put the messages on the topic, once for all rounds."""
    intakes.produce(system, intakes.intake_messages(system, messages))


def run_round(system: System, loop: str, trial: Trial) -> Measured:
    """One loop in a process of its own, over empty tables, from the beginning of the topic."""
    asyncio.run(empty(system))
    wait_for(lambda: rewind(system, "governance"), "group set back", 60)
    ran = subprocess.run(  # noqa: S603 our own module
        [sys.executable, "-m", f"tests.bench.{loop}", json.dumps(asdict(order(system, trial)))],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=_ROUND_SECONDS,
        check=False,
    )
    if ran.returncode != 0:
        raise RuntimeError(f"the loop {loop} failed:\n{ran.stdout[-2000:]}{ran.stderr[-4000:]}")
    return Measured(**json.loads(ran.stdout.splitlines()[-1]))


def order(system: System, trial: Trial) -> Order:
    """What a loop is told."""
    return Order(
        bootstrap=system.bootstrap,
        password_file=str(system.principals["governance"].password_file),
        dsn=system.dsns["governance"].app,
        keys_file=str(system.layout.step_keys),
        **asdict(trial),
    )


async def empty(system: System) -> None:
    """Empty every table of governance."""
    conn = await asyncpg.connect(system.dsns["governance"].superuser)
    try:
        named = await conn.fetch(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'truth' AND tablename NOT IN ('alembic_version', 'operator')"
        )
        tables = ", ".join(f'truth."{row["tablename"]}"' for row in named)
        await conn.execute("SET session_replication_role = replica")
        await conn.execute(f"TRUNCATE {tables} CASCADE")
        await conn.execute("CHECKPOINT")
    finally:
        await conn.close()
