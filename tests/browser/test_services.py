"""What pages cost a service that nobody looks at."""

from truth_contracts.topics import SERVICES
from truth_local import processes
from truth_local.system import System

_BYTES_MAX = 100 * 1000 * 1000


def test_a_service_with_its_pages_stays_small(system: System) -> None:
    """Proportional memory, as the kernel counts it: what processes share is shared out among them."""
    found: dict[str, int] = {}
    for service in SERVICES:
        process = processes.find(system.parts[f"{service}-1"])
        assert process is not None
        found[service] = process.memory_full_info().pss
    print({service: f"{octets / 1e6:.0f} MB" for service, octets in found.items()})  # noqa: T201 shown with -s
    assert max(found.values()) <= _BYTES_MAX, found
