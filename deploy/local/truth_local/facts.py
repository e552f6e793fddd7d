"""`local.json`, by which any client joins in; `system.json`, by which later commands find the system."""

import json
from pathlib import Path

from pydantic import BaseModel
from truth_issuer.people import MACHINES, PEOPLE

from truth_local.layout import Layout, write_private
from truth_local.passwords import password
from truth_local.ports import Ports
from truth_local.system import System


class Remembered(BaseModel, frozen=True):
    """What a running system was started with."""

    ports: dict[str, int]
    replicas: int


def write_facts(system: System) -> None:
    """Tell clients, passwords included, in a file of mode 0600; its shape is a promise (architecture.md)."""
    layout = system.layout
    machines = {
        name: {"roles": list(machine.roles), "client_secret": password(layout.client_secret(name))}
        for name, machine in MACHINES.items()
    }
    facts = {
        "kafka": {
            "bootstrap": system.bootstrap,
            "principals": {
                name: {"username": principal.username, "password": principal.password}
                for name, principal in system.principals.items()
            },
        },
        "postgres": {name: {"app": dsns.app, "owner": dsns.owner} for name, dsns in system.dsns.items()},
        "issuer": system.issuer,
        "people": {name: {"roles": list(person.roles)} for name, person in PEOPLE.items()},
        "machines": machines,
        "services": dict(system.urls),
        "step_keys": str(layout.step_keys),
        "policy": str(layout.policy),
    }
    write_private(layout.facts, json.dumps(facts, indent=2) + "\n")


def remember(system: System) -> None:
    """Write down what this system is started with."""
    remembered = Remembered(ports=dict(system.ports.of), replicas=system.replicas)
    write_private(_file(system.layout), remembered.model_dump_json())


def recall(layout: Layout) -> tuple[Ports, int] | None:
    """Ports and replicas that the system in this folder was last started with; None when it never was."""
    if not _file(layout).exists():
        return None
    remembered = Remembered.model_validate_json(_file(layout).read_bytes())
    return Ports(remembered.ports), remembered.replicas


def _file(layout: Layout) -> Path:
    return layout.folder / "system.json"
