"""What the system takes while nobody asks anything of it: memory, and CPU."""

import time

from truth_contracts.topics import SERVICES
from truth_local.system import System

from tests.bench.meters import cpu_seconds, pid_of, pss_mib
from tests.bench.rows import Row, alone

_SETTLE_SECONDS = 10


def measure(system: System, seconds: float, rounds: int) -> list[Row]:
    """Each service's memory, the whole's, and how much of a second the five services compute while they rest."""
    time.sleep(_SETTLE_SECONDS)
    services = [f"{service}-1" for service in SERVICES]
    cpu = [_cpu_ms_a_second(system, services, seconds) for _ in range(rounds)]
    memory = {part: pss_mib(pid_of(system, part)) for part in system.parts}
    return [
        *(alone(f"memory of {part}", [memory[part]], "MiB PSS") for part in system.parts),
        alone("memory of the largest service", [max(memory[name] for name in services)], "MiB PSS"),
        alone("memory of the whole local system", [sum(memory.values())], "MiB PSS"),
        alone("idle CPU of the five services", cpu, "ms/s"),
    ]


def _cpu_ms_a_second(system: System, parts: list[str], seconds: float) -> float:
    pids = [pid_of(system, part) for part in parts]
    started, before = time.perf_counter(), sum(map(cpu_seconds, pids))
    time.sleep(seconds)
    return (sum(map(cpu_seconds, pids)) - before) / (time.perf_counter() - started) * 1e3
