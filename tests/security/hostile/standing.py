"""What hostile messages must leave as it is: rows of the path, processes, and what was published."""

from collections.abc import Mapping
from dataclasses import dataclass

import psutil
from truth_contracts.topics import SERVICES
from truth_local import processes
from truth_local.system import System

from tests.faults.settled import rows, tables

_MOVES_BY_ITSELF = {"inbox", "outbox", "dead_letter", "dead_letter_action", "audit"}
_MAY_CHANGE = {
    # A good request among the bad makes an Intake and its Task; what the writers of watchers' topics tell is shown.
    "intake": {"intake", "step", "projection"},
    "governance": {"task", "decision", "job_seen", "service_event_seen"},
}
_UNREADABLE = "UnicodeDecodeError"
_ONLY_GROW = (("intake", "intake"), ("intake", "step"), ("governance", "decision"))
_BY_PEOPLE = "SELECT count(*) FROM truth.decision WHERE command NOT IN ('open', 'answer')"


@dataclass(frozen=True, slots=True)
class Standing:
    """The state of a system at rest."""

    untouched: Mapping[tuple[str, str], tuple[int, str]]
    """Row count and digest of tables that no message may change without a person's command."""
    grown: Mapping[tuple[str, str], frozenset[str]]
    """Digest of each row of tables to which rows may only be added."""
    processes: Mapping[str, int]
    crashes: int
    """Of parts of a process, and of consumers that had to be built anew."""
    memory_bytes: Mapping[str, int]
    """Resident set size by replica."""


def stand(system: System) -> Standing:
    """How the system stands. At rest: nothing is read from topics or waits in an outbox."""
    untouched = {
        (service, name): state
        for service in SERVICES
        for name, state in tables(system, service).items()
        if name not in _MOVES_BY_ITSELF | _MAY_CHANGE.get(service, set())
    }
    ((decided,),) = rows(system, "governance", _BY_PEOPLE)
    untouched["governance", "what people decided"] = (decided, "")
    grown = {(service, name): _digests(system, service, name) for service, name in _ONLY_GROW}
    running = {name: processes.find(system.parts[name]) for name in system.replica_urls}
    alive = {name: process for name, process in running.items() if process is not None}
    return Standing(
        untouched,
        grown,
        {name: process.pid for name, process in alive.items()},
        sum(_crashes(system, name) for name in system.replica_urls),
        {name: _memory(process) for name, process in alive.items()},
    )


def differences(before: Standing, after: Standing, system: System) -> list[str]:
    """What should not have happened. Memory is not judged here."""
    wrong = [
        f"{service}.{name} changed"
        for (service, name), state in before.untouched.items()
        if after.untouched[service, name] != state
    ]
    wrong += [
        f"rows of {service}.{name} changed or went"
        for (service, name), known in before.grown.items()
        if known - after.grown[service, name]
    ]
    if after.processes != before.processes:
        wrong.append(f"processes ended: {before.processes} are now {after.processes}")
    if after.crashes != before.crashes:
        wrong.append(f"{after.crashes - before.crashes} parts crashed or consumers were built anew")
    intakes = rows(system, "intake", "SELECT request_id FROM truth.intake")
    tasks = rows(system, "governance", "SELECT request_id FROM truth.task")
    if sorted(map(str, intakes)) != sorted(map(str, tasks)):
        wrong.append(f"{len(intakes)} Intakes have {len(tasks)} Tasks")
    return wrong


def _digests(system: System, service: str, name: str) -> frozenset[str]:
    found = rows(system, service, f'SELECT md5(t::text) FROM truth."{name}" t')  # noqa: S608 a name of ours
    return frozenset(digest for (digest,) in found)


def _crashes(system: System, name: str) -> int:
    log = system.layout.log(name).read_text(errors="replace")
    # Only a header that cannot be unpacked is passed by a new consumer.
    anew = [line for line in log.splitlines() if '"consumer.waiting"' in line and _UNREADABLE not in line]
    return len(anew) + sum(
        log.count(word) for word in ('"part.crashed"', '"part.ended"', '"batch.not_counted"')
    )


def _memory(process: psutil.Process) -> int:
    return process.memory_info().rss
