"""Nothing fails, and nothing reconnects: whoever owns an outbox or the log owns it for as long as it lives."""

import threading

from truth_contracts.topics import SERVICES
from truth_local.system import System

from tests.faults.settled import rows, wait_until_healed

REST_SECONDS = 12
"""Twice as long as PostgreSQL hears nothing from an owner before it ends its session."""

OWNERS = """
    SELECT objid, pid FROM pg_locks WHERE locktype = 'advisory' AND granted
       AND database = (SELECT oid FROM pg_database WHERE datname = current_database()) ORDER BY 1, 2
"""


def owners(system: System) -> dict[str, list[tuple[int, int]]]:
    """Per service: which advisory locks are held, and by which sessions."""
    return {service: [tuple(row) for row in rows(system, service, OWNERS)] for service in SERVICES}


def test_owners_keep_their_locks_while_nobody_asks_for_anything(system: System) -> None:
    wait_until_healed(system)
    before = owners(system)
    assert {service: len(held) for service, held in before.items()} == {
        "intake": 1,
        "governance": 1,
        "execution": 1,
        "records": 2,  # its outbox and its log
        "signals": 1,
    }
    threading.Event().wait(REST_SECONDS)
    assert owners(system) == before
