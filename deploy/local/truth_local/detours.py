"""Detours: ways to Kafka and PostgreSQL that lead through somebody else's ports, for tests that cut them.

A Kafka client goes on to the address that the broker advertises, past a proxy before the one listener. So
each replica with a detour has a listener of its own, whose advertised address is the proxy's.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

from truth_local.layout import SERVICES
from truth_local.ports import free_ports


@dataclass(frozen=True, slots=True)
class Detour:
    """Where one replica is told that its neighbours are, and where the broker listens for it.

    Somebody must listen on `kafka` and lead to `kafka_listener`, and on `postgres` and lead to PostgreSQL.
    """

    kafka: int
    kafka_listener: int
    postgres: int


Detours = Mapping[str, Detour]
"""By part (`intake-1`). A part without one goes straight."""

NONE: Detours = {}


def free_detours(replicas: int) -> Detours:
    """A detour for every replica, on ports that are free now."""
    parts = [f"{service}-{number}" for number in range(1, replicas + 1) for service in SERVICES]
    take = partial(next, free_ports())
    return {part: Detour(take(), take(), take()) for part in parts}


def listener(part: str) -> str:
    """The name of a part's own listener."""
    return part.upper().replace("-", "_")
