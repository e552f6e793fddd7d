"""What performance.md of the design asks for, by part and by the row that answers."""

from collections.abc import Mapping

from tests.bench.rows import Goal

BY_PART: Mapping[str, Mapping[str, Goal]] = {
    "paths": {
        "path, 64 clients: CPU beside monolith": Goal("≤", 2.5),
        "path, 64 clients: CPU beside DBOS lean": Goal("≤", 1 / 3),
        "path, 1 client: CPU beside monolith": Goal("≤", 6),
        "path, 1 client: CPU beside DBOS lean": Goal("≤", 1 / 1.2),
        "memory of the largest service": Goal("≤", 100),
        "memory of the whole local system": Goal("≤", 1331),
        "idle CPU of the five services": Goal("≤", 40),
    },
    "hop": {
        "hop, batch 1: rate": Goal("≥", 0.60),
        "hop, batch 100: rate": Goal("≥", 0.70),
        "hop, batch 100, chain checks on: rate": Goal("≥", 0.45),
        "hop latency at 20/s: p50": Goal("≤", 1.3),
        "hop latency at 20/s: p99": Goal("≤", 1.5),
    },
    "outbox": {"relay latency after 1,000,000 rows beside none: p50": Goal("≤", 1.3)},
    "sealing": {
        "sealing, batch 100: rate": Goal("≥", 0.60),
        "sealing, batch 500: rate": Goal("≥", 0.75),
        "client CPU a Record, at 10^6 beside 10^3": Goal("≤", 1.3),
        **{f"inclusion proof at 10^{power}: wall p50": Goal("≤", 5, of="ours") for power in (3, 5, 6)},
    },
}
GOALS: Mapping[str, Goal] = {measure: goal for goals in BY_PART.values() for measure, goal in goals.items()}
