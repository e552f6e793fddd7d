"""Which Kafka and PostgreSQL a test run is given: local processes, containers, or ones that are there."""

import os
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

from truth_local import given, ports
from truth_local.contained import POSTGRES_IMAGE, contained
from truth_local.container_engine import unavailable
from truth_local.jars import KAFKA_VERSION
from truth_local.kafka_container import KAFKA_IMAGE
from truth_local.layout import Layout
from truth_local.system import Evidence, System, describe

Kind: TypeAlias = Literal["url", "local", "containers"]
KINDS: tuple[Kind, ...] = ("url", "local", "containers")
AUTO = "auto"


class BackendError(RuntimeError):
    """The backend that was asked for is not to be had."""


@dataclass(frozen=True, slots=True)
class Backend:
    """What a run uses, and why, in a line for people."""

    kind: Kind
    why: str


def choose(asked: str, environment: Mapping[str, str]) -> Backend:
    """The backend for what was asked. `auto`: addresses that are given, else containers, else processes.

    Raises BackendError when what was asked for by name is not to be had: that is never passed over.
    """
    missing = [name for name in given.SETTINGS if not environment.get(name)]
    if asked == "url" and missing:
        raise BackendError(f"--backend=url needs {', '.join(missing)}")
    if asked == "url" or (asked == AUTO and not missing):
        return Backend("url", f"Kafka at {environment[given.KAFKA]}, PostgreSQL as given")
    if asked == "local":
        return Backend("local", _local("asked for"))
    why_not = unavailable()
    if why_not is None:
        return Backend("containers", f"{KAFKA_IMAGE} and {POSTGRES_IMAGE}")
    if asked == "containers":
        raise BackendError(f"--backend=containers: {why_not}")
    return Backend("local", _local(why_not))


@contextmanager
def described(kind: Kind, folder: Path, evidence: Evidence = "folder") -> Generator[System]:
    """A system in `folder` with the backend's Kafka and PostgreSQL; nothing else of it is started."""
    layout = Layout(folder.resolve())
    layout.prepare()
    chosen = ports.free()
    match kind:
        case "local":
            yield describe(folder, chosen, evidence=evidence)
        case "containers":
            with contained(layout, chosen) as containers:
                yield describe(folder, chosen, evidence=evidence, outside=containers)
        case "url":
            theirs = {name: given.Given(name) for name in ("kafka", "postgres")}
            addresses = given.given(layout, chosen, os.environ)
            yield describe(folder, addresses, evidence=evidence, outside=theirs)


def _local(why: str) -> str:
    return f"processes of Apache Kafka {KAFKA_VERSION} and PostgreSQL 18 ({why})"
