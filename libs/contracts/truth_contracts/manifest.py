"""Which contracts a service speaks: told at `GET /about`, and laid down with each release."""

import hashlib
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from truth_sealing.steps import STEP_OWNERS

from truth_contracts.base import Contract
from truth_contracts.envelope import type_of
from truth_contracts.topics import TOPICS, Topic

SCHEMAS = Path(__file__).parent / "schemas"
"""The JSON Schema of each contract as its writer serializes it; `truth_contracts.export` writes them."""


class Manifest(Contract, frozen=True):
    """A release of a service: which contracts it reads and writes, `type` to version.

    A hand-off's earlier steps count too: their bodies are read, though they travel as texts.
    """

    name: str
    version: str
    contracts: str
    """SHA-256 of the schemas of all contracts that this release was built with."""
    reads: dict[str, str]
    writes: dict[str, str]


def manifest(name: str, version: str, reads: Iterable[Topic]) -> Manifest:
    """The manifest of a service that consumes these topics and writes those that it owns.

    A service also reads what it tells itself, outside of any consumer group.
    """
    own = (topic for topic in TOPICS if topic.owner == name and name in topic.readers)
    read = {kind for topic in (*reads, *own) for kind in (*topic.events, *topic.carries)}
    return Manifest(
        name=name,
        version=version,
        contracts=contracts_sha256(),
        reads=_versions(read),
        writes=_versions(written_by(name)),
    )


def written_by(service: str) -> set[type[Contract]]:
    """The events of a service's own topics, and the bodies of the steps that it signs."""
    events = {kind for topic in TOPICS if topic.owner == service for kind in topic.events}
    return events | {kind for kind in carried() if STEP_OWNERS.get(_step(kind)) == service}


def carried() -> set[type[Contract]]:
    """The steps' bodies, as far as they travel inside a hand-off."""
    return {kind for topic in TOPICS for kind in topic.carries}


def contracts() -> list[type[Contract]]:
    """Every contract that is released by itself: events and steps' bodies, by type."""
    kinds = {kind for topic in TOPICS for kind in topic.events} | carried()
    return sorted(kinds, key=type_of)


@cache
def contracts_sha256() -> str:
    """SHA-256 over the names and texts of all exported schemas."""
    digest = hashlib.sha256()
    for file in sorted(SCHEMAS.glob("*.json")):
        digest.update(f"{file.name}\n".encode() + file.read_bytes())
    return digest.hexdigest()


def _step(kind: type[Contract]) -> str:
    field = kind.model_fields.get("step")
    return str(field.default) if field else ""


def _versions(kinds: Iterable[type[Contract]]) -> dict[str, str]:
    return {type_of(kind): kind.VERSION for kind in sorted(kinds, key=type_of)}
