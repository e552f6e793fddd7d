"""One local system: what it consists of, and what a client needs to know of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from truth_topology.topology import LOCAL, principals

from truth_local import issuing, kafka, postgres, processes, services
from truth_local.detours import NONE, Detour, Detours
from truth_local.issuer.people import ACCOUNTS
from truth_local.issuer.tokens import access_token, read_key
from truth_local.layout import DATABASES, SERVICES, Layout
from truth_local.passwords import issuer_key, password
from truth_local.ports import Ports
from truth_local.processes import Part
from truth_local.watch import Watch

INFRASTRUCTURE = ("kafka", "postgres", "issuer")
_TOKEN_SECONDS = 12 * 3600


@dataclass(frozen=True, slots=True)
class Principal:
    """A Kafka login (SASL_PLAINTEXT, SCRAM-SHA-512)."""

    username: str
    password: str = field(repr=False)
    password_file: Path


@dataclass(frozen=True, slots=True)
class Dsns:
    """Connection URLs of one database, passwords included, by who connects."""

    app: str = field(repr=False)
    owner: str = field(repr=False)
    superuser: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class System:
    """A local system, running or not, and handles to its parts by name.

    Parts are kafka, postgres, issuer and <service>-<replica> (intake-1, …). Handles return when done.
    """

    layout: Layout
    ports: Ports
    replicas: int
    bootstrap: str
    principals: Mapping[str, Principal]
    dsns: Mapping[str, Dsns]
    issuer: str
    urls: Mapping[str, str]  # of each service's first replica
    replica_urls: Mapping[str, str]  # by part
    parts: Mapping[str, Part]  # in the order in which they start
    detours: Detours = field(default_factory=dict[str, Detour])

    def token(self, name: str) -> str:
        """A bearer token for a person or machine of the issuer, valid for 12 hours; KeyError for others."""
        return access_token(
            read_key(issuer_key(self.layout)), self.issuer, ACCOUNTS[name], seconds=_TOKEN_SECONDS
        )

    def is_running(self, name: str) -> bool:
        """Whether the part has a process, ready or not."""
        return processes.find(self.parts[name]) is not None

    def start(self, name: str) -> None:
        """Start a part that is down, and wait until it is ready. Raises StartError."""
        processes.start(self.parts[name])
        processes.wait_ready(self.parts[name], Watch().check)

    def stop(self, name: str) -> None:
        """End a part in its orderly way."""
        processes.stop(self.parts[name])

    def kill(self, name: str) -> None:
        """SIGKILL a part and its children."""
        processes.kill(self.parts[name])

    def freeze(self, name: str) -> None:
        """SIGSTOP a part and its children."""
        processes.freeze(self.parts[name])

    def thaw(self, name: str) -> None:
        """SIGCONT, the end of freeze."""
        processes.thaw(self.parts[name])


def describe(folder: Path, ports: Ports, replicas: int = 1, detours: Detours = NONE) -> System:
    """The system that lies, or shall lie, in `folder`. Makes missing folders and secrets, starts nothing."""
    layout = Layout(folder.resolve())
    layout.prepare()
    names = [f"{service}-{number}" for number in range(1, replicas + 1) for service in SERVICES]
    parts = [
        kafka.part(layout, ports),
        postgres.part(layout, ports),
        issuing.part(layout, ports),
        *(services.part(layout, ports, name, detours.get(name)) for name in names),
    ]
    return System(
        layout=layout,
        ports=ports,
        replicas=replicas,
        bootstrap=kafka.bootstrap(ports),
        principals={name: _principal(layout, name) for name in (*principals(LOCAL), "admin")},
        dsns={name: _dsns(layout, ports, name) for name in DATABASES},
        issuer=ports.url("issuer"),
        urls={service: ports.url(f"{service}-1") for service in SERVICES},
        replica_urls={name: ports.url(name) for name in names},
        parts={part.name: part for part in parts},
        detours=detours,
    )


def _principal(layout: Layout, name: str) -> Principal:
    file = layout.kafka_password(name)
    return Principal(name, password(file), file)


def _dsns(layout: Layout, ports: Ports, database: str) -> Dsns:
    return Dsns(
        app=postgres.dsn(layout, ports, f"{database}_app", database),
        owner=postgres.dsn(layout, ports, f"{database}_owner", database),
        superuser=postgres.dsn(layout, ports, postgres.SUPERUSER, database),
    )
