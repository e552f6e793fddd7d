"""Checkers of what must hold over time: C5 sealed is unchanged, C9 recovery, C10 memory.

Each is a pure function of a history and of what a storm left; it returns its violations, none if all is well.
"""

import statistics
from collections.abc import Iterator, Sequence
from itertools import combinations

from truth_sealing.edge import Edge

from tests.faults.chaos.evidence import Evidence
from tests.faults.chaos.history import Fault, Sample, Told

SETTLED_SECONDS_MAX = 60.0
"""From the end of the last fault until nothing waits anywhere and everybody is ready."""
IDLE_SECONDS_MAX = 45.0
"""How long a service may say that it is ready while messages wait and none is taken."""
SLOPE_MIB_MAX = 6.0
"""Growth of a process in a minute, once it is warm: the median slope between any two looks."""
WARM_SECONDS = 30.0
FOLLOWED_SECONDS_MIN = 90.0
"""Work makes a process warm, not time: one that started late in a busy storm is still getting there."""
_LOOKS_MIN = 15
_EVERYBODY = ("kafka", "postgres")


def sealed_is_unchanged(told: Told, evidence: Evidence) -> list[str]:
    """C5: what was seen sealed during the storm is there unchanged, and every checkpoint covers its leaves."""
    bodies = {row["idx"]: row["digest"] for row in evidence.rows["records"]}
    roots = {row["size"]: row["root"] for row in evidence.rows["checkpoints"]}
    found = [
        f"Record {idx} was {digest} after {seen.at:.0f} s and is {bodies.get(idx)}"
        for seen in told.sealed
        for idx, digest in seen.bodies.items()
        if bodies.get(idx) != digest
    ]
    found += [
        f"the root at {size} was {root} after {seen.at:.0f} s and is {roots.get(size)}"
        for seen in told.sealed
        for size, root in seen.roots.items()
        if roots.get(size) != root
    ]
    return [*found, *_uncovered(evidence)]


def recovers(told: Told, _: Evidence) -> list[str]:
    """C9: after healing all comes to rest; nobody ends by itself, waits in vain, or says ready and does nothing."""
    found = [f"somebody waited in vain, {what}" for what in told.vain]
    if told.healed is None or told.settled is None:
        found.append("it never came to rest")
    elif told.settled - told.healed > SETTLED_SECONDS_MAX:
        seconds = told.settled - told.healed
        found.append(
            f"it came to rest {seconds:.0f} s after healing, {SETTLED_SECONDS_MAX:.0f} s are allowed"
        )
    for sample in told.samples:
        away = _away(told, sample.began, sample.at)
        found += [f"{name} ended by itself, {sample.at:.0f} s" for name in sample.dead if name not in away]
    return [*found, *_idle(told)]


def recoveries(told: Told) -> list[float]:
    """Seconds from the end of each fault until every replica that no other fault holds was seen ready.

    A look takes place every two seconds, so that much is in each figure.
    """
    found: list[float] = []
    for fault in told.faults:
        for sample in told.samples:
            if sample.began >= fault.ended and _is_well(told, sample):
                found.append(round(sample.at - fault.ended, 1))
                break
    return found


def memory_is_flat(told: Told, _: Evidence) -> list[str]:
    """C10: no process grows steadily. A process is followed from 30 s after it was first seen."""
    return [
        f"{name} (pid {pid}) grows by {slope:.1f} MiB a minute"
        for (name, pid), slope in slopes(told).items()
        if slope > SLOPE_MIB_MAX
    ]


def slopes(told: Told) -> dict[tuple[str, int], float]:
    """MiB a minute by replica and process, of those that were seen warm fifteen times."""
    seen: dict[tuple[str, int], list[tuple[float, float]]] = {}
    for sample in told.samples:
        for name, (pid, mib) in sample.rss.items():
            seen.setdefault((name, pid), []).append((sample.at, mib))
    warm = {of: [(at, mib) for at, mib in looks if at - looks[0][0] >= WARM_SECONDS] for of, looks in seen.items()}  # fmt: skip
    return {of: _median_slope(looks) for of, looks in warm.items() if _is_followed(looks)}


def _is_followed(looks: Sequence[tuple[float, float]]) -> bool:
    return len(looks) >= _LOOKS_MIN and looks[-1][0] - looks[0][0] >= FOLLOWED_SECONDS_MIN


def _uncovered(evidence: Evidence) -> Iterator[str]:
    records, checkpoints = evidence.rows["records"], evidence.rows["checkpoints"]
    ordered = sorted(records, key=lambda row: row["idx"])
    if [row["idx"] for row in ordered] != [*range(len(ordered))]:
        yield "the log has gaps"
    newest = max((row["size"] for row in checkpoints), default=0)
    if newest != len(ordered):
        yield f"the newest checkpoint covers {newest} of {len(ordered)} Records"
    leaves = [bytes.fromhex(row["leaf"]) for row in ordered]
    for row in checkpoints:
        if Edge().append(leaves[: row["size"]]).edge.root.hex() != row["root"]:
            yield f"the checkpoint of {row['size']} has another root than its leaves"


def _away(told: Told, began: float, ended: float) -> set[str]:
    """Replicas that some fault held at some moment between."""
    return {name for fault in told.faults if fault.began <= ended and began <= fault.ended for name in fault.touched}  # fmt: skip


def _is_well(told: Told, sample: Sample) -> bool:
    held = [fault for fault in told.faults if fault.began <= sample.at and sample.began <= fault.ended]
    if any(fault.target in _EVERYBODY for fault in held):
        return False
    away = {name for fault in held for name in fault.touched}
    return all(ready for name, ready in sample.ready.items() if name not in away)


def _idle(told: Told) -> Iterator[str]:
    services = {service for sample in told.samples for service in sample.lag}
    for service in sorted(services):
        since: Sample | None = None
        for sample in told.samples:
            if not _looks_idle(service, sample, told.faults):
                since = None
            elif since is None or sample.committed[service] != since.committed[service]:
                since = sample
            elif sample.at - since.at > IDLE_SECONDS_MAX:
                yield f"{service} was ready and idle for {sample.at - since.at:.0f} s while messages waited"
                break


def _looks_idle(service: str, sample: Sample, faults: Sequence[Fault]) -> bool:
    replicas = {name: ready for name, ready in sample.ready.items() if name.rpartition("-")[0] == service}
    held = any(
        fault.began <= sample.at <= fault.ended and fault.touched & replicas.keys() for fault in faults
    )
    return bool(sample.lag.get(service)) and all(replicas.values()) and not held


def _median_slope(looks: Sequence[tuple[float, float]]) -> float:
    """Theil and Sen: robust against single steps, unlike a fitted line."""
    return statistics.median((b[1] - a[1]) / (b[0] - a[0]) * 60 for a, b in combinations(looks, 2))
