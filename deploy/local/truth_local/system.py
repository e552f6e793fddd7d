"""One local system: what it consists of, and what a client needs to know of it."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol, TypeAlias

from truth_issuer.people import ACCOUNTS, PEOPLE
from truth_issuer.tokens import access_token, read_key
from truth_topology.topology import LOCAL, principals

from truth_local import issuing, kafka, postgres, processes, services, store
from truth_local.detours import NONE, Detour, Detours
from truth_local.layout import DATABASES, SERVICES, Layout
from truth_local.passwords import issuer_key, password
from truth_local.ports import Ports
from truth_local.processes import Part

INFRASTRUCTURE = ("kafka", "postgres", "issuer")
Evidence: TypeAlias = Literal["folder", "s3"]
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


def _no_check() -> None:
    """Waits without giving up early."""


class Outside(Protocol):
    """A part that is no process of ours. Handles return when done, or raise NotOursError."""

    def is_running(self) -> bool: ...  # noqa: D102 as System's
    def start(self) -> None: ...  # noqa: D102
    def stop(self) -> None: ...  # noqa: D102
    def kill(self) -> None: ...  # noqa: D102
    def freeze(self) -> None: ...  # noqa: D102
    def thaw(self) -> None: ...  # noqa: D102


class NotOursError(RuntimeError):
    """Somebody else runs this part: it cannot be started or stopped from here."""


@dataclass(frozen=True, slots=True)
class System:
    """A local system, running or not, and handles to its parts by name.

    Parts are kafka, postgres, issuer and <service>-<replica> (intake-1, …); with photos on S3 also store.
    Handles return when done.
    """

    layout: Layout
    ports: Ports
    replicas: int
    evidence: Evidence  # where photos are kept; "s3" adds the part `store`
    bootstrap: str
    principals: Mapping[str, Principal]
    dsns: Mapping[str, Dsns]
    issuer: str
    urls: Mapping[str, str]  # of each service's first replica
    replica_urls: Mapping[str, str]  # by part
    parts: Mapping[str, Part]  # in the order in which they start
    outside: Mapping[str, Outside] = field(default_factory=dict[str, Outside])
    """Those of the parts that are no processes here: containers, or somebody else's."""
    detours: Detours = field(default_factory=dict[str, Detour])

    def token(self, name: str) -> str:
        """A bearer token for a person or machine of the issuer, valid for 12 hours; KeyError for others.

        A person has signed in just now, as far as the token tells.
        """
        auth_time = int(time.time()) if name in PEOPLE else None
        key = read_key(issuer_key(self.layout))
        return access_token(key, self.issuer, ACCOUNTS[name], auth_time=auth_time, seconds=_TOKEN_SECONDS)

    def is_running(self, name: str) -> bool:
        """Whether the part has a process, ready or not."""
        if name in self.outside:
            return self.outside[name].is_running()
        return processes.find(self.parts[name]) is not None

    def start(self, name: str, check: Callable[[], None] = _no_check) -> None:
        """Start a part that is down, and wait until it is ready. Raises StartError.

        `check` is called while waiting and may raise to give up.
        """
        part = self.parts[name]
        if name in self.outside:
            if not self.is_running(name):
                self.outside[name].start()
            processes.wait_answer(part, check)
        else:
            processes.start(part)
            processes.wait_ready(part, check)

    def stop(self, name: str) -> None:
        """End a part in its orderly way."""
        if name in self.outside:
            self.outside[name].stop()
        else:
            processes.stop(self.parts[name])

    def kill(self, name: str) -> None:
        """SIGKILL a part and its children."""
        if name in self.outside:
            self.outside[name].kill()
        else:
            processes.kill(self.parts[name])

    def freeze(self, name: str) -> None:
        """SIGSTOP a part and its children."""
        if name in self.outside:
            self.outside[name].freeze()
        else:
            processes.freeze(self.parts[name])

    def thaw(self, name: str) -> None:
        """SIGCONT, the end of freeze."""
        if name in self.outside:
            self.outside[name].thaw()
        else:
            processes.thaw(self.parts[name])


def describe(  # noqa: PLR0913 one parameter for each thing that may differ
    folder: Path,
    ports: Ports,
    replicas: int = 1,
    *,
    evidence: Evidence = "folder",
    outside: Mapping[str, Outside] | None = None,
    detours: Detours = NONE,
) -> System:
    """The system that lies, or shall lie, in `folder`. Makes missing folders and secrets, starts nothing."""
    layout = Layout(folder.resolve())
    layout.prepare()
    names = [f"{service}-{number}" for number in range(1, replicas + 1) for service in SERVICES]
    parts = [
        kafka.part(layout, ports),
        postgres.part(layout, ports),
        issuing.part(layout, ports),
        *([store.part(layout, ports)] if evidence == "s3" else []),
        *(services.part(layout, ports, name, detours.get(name), is_on_s3=evidence == "s3") for name in names),
    ]
    return System(
        layout=layout,
        ports=ports,
        replicas=replicas,
        evidence=evidence,
        bootstrap=kafka.bootstrap(ports),
        principals={name: _principal(layout, name) for name in (*principals(LOCAL), "admin")},
        dsns={name: _dsns(layout, ports, name) for name in DATABASES},
        issuer=ports.url("issuer"),
        urls={service: ports.url(f"{service}-1") for service in SERVICES},
        replica_urls={name: ports.url(name) for name in names},
        parts={part.name: part for part in parts},
        outside=outside or {},
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
