"""Who writes what to whom: every pair of contracts, written and read, that a release brings together."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from truth_contracts.base import Contract
from truth_contracts.envelope import type_of
from truth_contracts.manifest import Manifest
from truth_contracts.topics import PARTNER, TOPICS, UPSTREAM, Topic

from truth_gate.released import Released, base_of


@dataclass(frozen=True, slots=True, order=True)
class Pair:
    """A contract as somebody writes it, and as somebody reads it; `reads` is None if it is unknown."""

    type: str
    writer: str
    written: str
    reader: str
    reads: str | None


def pairs(candidate: Manifest, deployed: Mapping[str, Manifest], released: Released) -> list[Pair]:
    """Every pair that the candidate takes part in, in place of what is deployed under its name.

    Steps' bodies and what is kept for ever meet their readers at any age: there every released version
    counts as a writer. What outsiders write and read counts in every released version too, since nobody can
    ask them.
    """
    present = {**deployed, candidate.name: candidate}
    known = {**present, **deployed}  # what outsiders were told so far
    found = {
        pair
        for topic in TOPICS
        for pair in _on(topic, present, known, released)
        if candidate.name in (service_of(pair.writer), service_of(pair.reader))
    }
    return sorted(found, key=lambda pair: (pair.type, pair.writer, pair.written, pair.reader))


def service_of(who: str) -> str:
    """The service of a writer or reader as a pair names it."""
    return who.partition(" ")[0]


def _on(
    topic: Topic, present: Mapping[str, Manifest], known: Mapping[str, Manifest], released: Released
) -> Iterator[Pair]:
    for reader in topic.readers:
        for who, reads in _readers(topic, reader, present, known, released):
            for type_name, writer, written in _written(topic, present, known, released):
                yield Pair(type_name, writer, written, who, reads.get(type_name))


def _written(
    topic: Topic, present: Mapping[str, Manifest], known: Mapping[str, Manifest], released: Released
) -> Iterator[tuple[str, str, str]]:
    """Type, who wrote it, and the version, of all that may lie in a topic."""
    yield from _written_now(topic, present)
    bases, carried = _bases(topic.events), _bases(topic.carries)
    for base in sorted(carried | (bases if topic.retention_ms < 0 else set[str]())):
        for type_name, version in released.versions(base):
            yield type_name, "earlier releases", version
    told = {name for reader in topic.readers if reader in known for name in known[reader].reads}
    for base in sorted(bases if topic.owner == UPSTREAM else set[str]()):
        for type_name, version in released.versions(base):
            if type_name in told:
                yield type_name, UPSTREAM, version


def _written_now(topic: Topic, present: Mapping[str, Manifest]) -> Iterator[tuple[str, str, str]]:
    bases, carried = _bases(topic.events), _bases(topic.carries)
    for service, manifest in present.items():
        for type_name, version in manifest.writes.items():
            base = base_of(type_name)
            if (base in bases and topic.owner == service) or base in carried:
                yield type_name, f"{service} {manifest.version}", version


def _readers(
    topic: Topic,
    reader: str,
    present: Mapping[str, Manifest],
    known: Mapping[str, Manifest],
    released: Released,
) -> Iterator[tuple[str, Mapping[str, str]]]:
    """Who reads a topic, and which version of which type."""
    if reader in present:
        yield f"{reader} {present[reader].version}", present[reader].reads
    if reader not in (UPSTREAM, PARTNER) or topic.owner not in known:
        return
    told = known[topic.owner].writes
    every = [found for base in sorted(_bases(topic.events)) for found in released.versions(base)]
    oldest: dict[str, str] = {}
    for type_name, version in every:
        if type_name in told:
            oldest.setdefault(type_name, version)
    for type_name, version in every:
        if type_name in told:
            yield reader, oldest | {type_name: version}


def _bases(kinds: Iterable[type[Contract]]) -> set[str]:
    return {base_of(type_of(kind)) for kind in kinds}
