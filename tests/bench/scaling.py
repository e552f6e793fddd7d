"""`python -m tests.bench.scaling`: what the measured costs come to at other sizes, as the table of deploy/SCALING.md.

Calculated, not measured: each cost is taken to stay what it was at 64 clients on the bench's machine.
"""

import math
import sys
from collections.abc import Mapping
from dataclasses import dataclass

from truth_contracts.topics import PARTITIONS, SERVICES, TOPICS

from tests.bench.results import RESULTS, Results, read, rows_of

RATES = (1, 10, 100, 1_000, 10_000)
BUSY = 0.6
"""Share of a core, and of what one owner can do, that is planned with."""
REVIEW_MINUTES = 2
POSTGRES_CORES = 5 * 16
"""Five servers, one a service, of a common size."""
KAFKA_CORES = 3 * 8


@dataclass(frozen=True, slots=True)
class Costs:
    """Of one request, and what one owner can do at most."""

    cpu_ms: Mapping[str, float]
    """By service, and of `postgres` and `kafka`."""
    wal_kib: float
    published: Mapping[str, float]
    """Messages that a service's relay publishes for it."""
    consumed: Mapping[str, float]
    message_us: float
    """CPU of a consumer for a message, the dearest that was measured."""
    relay_per_second: float
    sealer_per_second: float


def costs(results: Results) -> Costs:
    """From a whole run of the bench."""
    parts = {**{service: f"{service}-1" for service in SERVICES}, "postgres": "postgres", "kafka": "kafka"}
    rows = {row.measure: row.ours for row in rows_of(results)}
    messages = {topic.name: rows.get(f"messages on {topic.name}", 0.0) for topic in TOPICS}
    return Costs(
        cpu_ms={name: rows[f"path, 64 clients: CPU of {part}"] for name, part in parts.items()},
        wal_kib=rows["write-ahead log"],
        published={s: sum(messages[t.name] for t in TOPICS if t.owner == s) for s in SERVICES},
        consumed={s: sum(messages[t.name] for t in TOPICS if s in t.readers) for s in SERVICES},
        message_us=rows["governance, 1 process: CPU of governance"],
        relay_per_second=rows["relay rate, last tenth of 1,000,000 rows beside the first"],
        sealer_per_second=rows["sealing, batch 500: rate"],
    )


def replicas(rate: float, cpu_ms: float) -> int:
    """Processes of a service, each at most one core; two at least, for the one that is being replaced."""
    return max(2, math.ceil(rate * cpu_ms / 1e3 / BUSY))


def shares(rate: float, of: Costs) -> dict[str, float]:
    """How much of each thing that has a limit is used; above 1 it gives out."""
    busiest = max(SERVICES, key=lambda service: of.published[service])
    reader = max(SERVICES, key=lambda service: of.consumed[service])
    return {
        f"the relay of {busiest}": rate * of.published[busiest] / (of.relay_per_second * BUSY),
        "the sealer": rate / (of.sealer_per_second * BUSY),
        f"{reader}'s {PARTITIONS} partitions": rate
        * of.consumed[reader]
        * of.message_us
        / 1e6
        / (PARTITIONS * BUSY),
        "PostgreSQL": rate * of.cpu_ms["postgres"] / 1e3 / (POSTGRES_CORES * BUSY),
        "Kafka": rate * of.cpu_ms["kafka"] / 1e3 / (KAFKA_CORES * BUSY),
    }


def table(of: Costs) -> str:
    """Markdown."""
    head = (
        "requests/s",
        *SERVICES,
        "PostgreSQL, cores",
        "Kafka, cores",
        "WAL",
        "nearest its limit",
        "reviewers",
    )
    lines = [_line(head), _line(["---:"] * len(head))]
    for rate in RATES:
        used = shares(rate, of)
        nearest = max(used, key=lambda name: used[name])
        lines.append(
            _line(
                (
                    f"{rate:,}",
                    *(str(replicas(rate, of.cpu_ms[service])) for service in SERVICES),
                    _cores(rate * of.cpu_ms["postgres"]),
                    _cores(rate * of.cpu_ms["kafka"]),
                    f"{rate * of.wal_kib / 1024:,.1f} MiB/s",
                    f"{nearest}, {used[nearest]:.0%}",
                    f"{rate * REVIEW_MINUTES * 60:,.0f}",
                )
            )
        )
    return "\n".join(lines)


def limits(of: Costs) -> str:
    """Markdown: the rate at which each thing gives out, lowest first."""
    found = sorted((1 / share, name) for name, share in shares(1, of).items())
    return "\n".join(
        [_line(("gives out", "at requests/s")), _line(("---", "---:"))]
        + [_line((name, f"{rate:,.0f}")) for rate, name in found]
    )


def _cores(milliseconds: float) -> str:
    """At the planned share."""
    return f"{milliseconds / 1e3 / BUSY:,.1f}"


def _line(cells: list[str] | tuple[str, ...]) -> str:
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    measured = costs(read(RESULTS))
    sys.stdout.write(f"{table(measured)}\n\n{limits(measured)}\n")
