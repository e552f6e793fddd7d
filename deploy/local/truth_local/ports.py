"""Which port each part listens on, and who holds one that is taken."""

import random
import socket
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from truth_local.layout import SERVICES

BASE = "TRUTH_PORT_BASE"
REPLICAS_MAX = 4
_DEFAULT_BASE = 8100
_OFFSETS = {
    "issuer": 0,
    **{
        f"{service}-{n}": 10 * (n - 1) + i + 1
        for n in range(1, REPLICAS_MAX + 1)
        for i, service in enumerate(SERVICES)
    },
    "postgres": 54,
    "store": 60,
    "store-rpc": 61,
    "store-filer": 62,
    "store-filer-rpc": 63,
    "store-master": 64,
    "store-master-rpc": 65,
    "store-volume": 66,
    "store-volume-rpc": 67,
    "kafka": 92,
    "kafka-controller": 93,
}
# Below every system's range of ephemeral ports: a client that retries while its server is away
# could otherwise be given the server's own port, and connect to itself.
_FREE_FROM, _FREE_TO = 12_000, 30_000
_BLOCK = 50
_PORT_MAX = 65_535


class PortTakenError(RuntimeError):
    """Another program listens on a port that a part needs."""


class PortSettingError(ValueError):
    """A port setting is not a usable port number."""


@dataclass(frozen=True, slots=True)
class Ports:
    """The port of every part by its name."""

    of: Mapping[str, int]
    hosts: Mapping[str, str] = field(default_factory=dict[str, str])
    """Where a part is, if not on this machine's loopback: only for those that somebody else runs."""

    def address(self, part: str) -> str:
        """Host and port that clients are given."""
        return f"{self.hosts.get(part, '127.0.0.1')}:{self.of[part]}"

    def url(self, part: str) -> str:
        """The address that browsers and clients are given."""
        return f"http://localhost:{self.of[part]}"

    def require_free(self, part: str) -> None:
        """Raise PortTakenError, naming the setting that moves it, when the part's port is taken."""
        if taken(self.of[part]):
            raise PortTakenError(
                f"Port {self.of[part]}, which {part} needs, is taken by another program. "
                f"Set {setting(part)} to move this part, or {BASE} to move all of them."
            )


def setting(part: str) -> str:
    """The environment variable that sets the port of one part."""
    return f"TRUTH_PORT_{part.upper().replace('-', '_')}"


def taken(port: int) -> bool:
    """Whether something listens on this loopback port."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return True
    return False


def from_environment(environment: Mapping[str, str]) -> Ports:
    """Ports counted from TRUTH_PORT_BASE (8100 if unset); TRUTH_PORT_<PART> moves a single one."""
    base = _number(BASE, environment.get(BASE) or str(_DEFAULT_BASE))
    chosen = {part: base + offset for part, offset in _OFFSETS.items()}
    for part in _OFFSETS:
        if value := environment.get(setting(part)):
            chosen[part] = _number(setting(part), value)
    return Ports(chosen)


def free() -> Ports:
    """Ports that are free now, away from the defaults: for tests."""
    return Ports(dict(zip(_OFFSETS, free_ports(), strict=False)))


def free_ports() -> Iterator[int]:
    """Ports that are free now, each once. No other process that asks here is given them while this one lives.

    A part that is down does not hold its port, and a system that starts meanwhile must not be given it: so
    whole blocks are claimed, each by its first port, which nobody listens on. PortTakenError if none is left.
    """
    blocks = range(_FREE_FROM, _FREE_TO, _BLOCK)
    for first in random.sample(blocks, len(blocks)):
        claim = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        try:
            claim.bind(("127.0.0.1", first))
        except OSError:
            claim.close()
            continue
        claim.detach()  # held until this process ends
        yield from (port for port in range(first + 1, first + _BLOCK) if not taken(port))
    raise PortTakenError(f"No block of ports is free between {_FREE_FROM} and {_FREE_TO}.")


def _number(name: str, value: str) -> int:
    if not value.isdigit() or not 0 < int(value) <= _PORT_MAX - max(_OFFSETS.values()):
        raise PortSettingError(f"{name}={value!r} is not a port number that leaves room for the parts.")
    return int(value)
