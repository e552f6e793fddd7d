"""The parts of the table, each over a system that it starts and stops."""

import shutil
import tempfile
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from pathlib import Path

from truth_local import ports
from truth_local.services import migrate
from truth_local.starting import start_infrastructure, start_services, stop_all
from truth_local.system import System, describe
from truth_local.watch import Watch

from tests.bench import hop, latency, outboxes, replicas, resting, sealing
from tests.bench.loop import Trial
from tests.bench.paths import measuring as paths
from tests.bench.rows import Row
from tests.bench.sizes import Sizes

Tell = Callable[[str], None]


@contextmanager
def system_up(*, whole: bool, tell: Tell) -> Generator[System]:
    """A system of its own, gone at the end; whole: with the five services, else Kafka, PostgreSQL and issuer."""
    folder = Path(tempfile.mkdtemp(prefix="truth-bench-"))
    system = describe(folder, ports.free())
    tell("Starting Kafka and PostgreSQL …")
    try:
        start_infrastructure(system, Watch())
        if whole:
            tell("Starting the five services …")
            start_services(system, Watch())
        yield system
    finally:
        stop_all(system, lambda _part, _what: None)
        shutil.rmtree(folder, ignore_errors=True)


def measure_paths(sizes: Sizes, tell: Tell) -> list[Row]:
    """At rest, then along the whole path."""
    with system_up(whole=True, tell=tell) as system:
        tell("Resting …")
        rows = resting.measure(system, sizes.idle_seconds, sizes.rounds)
        folder = system.layout.folder / "peers"
        return rows + paths.measure(system, folder, sizes.rounds, sizes.clients, tell)


def measure_hop(sizes: Sizes, tell: Tell) -> list[Row]:
    """One hop: its rate, its latency, and with more processes."""
    with system_up(whole=False, tell=tell) as system:
        migrate(system.layout, system.ports, "governance")
        tell(f"Putting {sizes.messages:,} Intakes on the topic …")
        hop.prepare(system, sizes.messages)
        rows: list[Row] = []
        for batch in sizes.batches:
            tell(f"A hop in batches of {batch} …")
            messages = sizes.messages if batch > 1 else sizes.messages // 20
            trials = [Trial(messages, batch), Trial(messages, batch, checks=True)]
            if batch == 100:
                trials.append(Trial(messages, batch, checks=True, handler="governance"))
            rows += hop.measure(system, trials, sizes.rounds)
        for per_second, messages in sizes.latencies:
            tell(f"A hop's latency at {per_second}/s …")
            rows += latency.measure(system, per_second, messages, sizes.rounds)
        return rows + replicas.measure(system, sizes.processes, sizes.messages, sizes.rounds, tell)


def measure_outbox(sizes: Sizes, tell: Tell) -> list[Row]:
    """The relay, late and early."""
    with system_up(whole=False, tell=tell) as system:
        return outboxes.measure(system, sizes.rows, sizes.rounds, tell)


def measure_sealing(sizes: Sizes, tell: Tell) -> list[Row]:
    """Sealing, proving, auditing."""
    with system_up(whole=False, tell=tell) as system:
        return sealing.measure(system, sizes.rounds, sizes.powers, tell)


PARTS: Mapping[str, Callable[[Sizes, Tell], list[Row]]] = {
    "paths": measure_paths,
    "hop": measure_hop,
    "outbox": measure_outbox,
    "sealing": measure_sealing,
}
