"""May this release go out, or back? The three proofs, each pair and everything in flight."""

import tempfile
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from truth_contracts.manifest import Manifest, contracts_sha256

from truth_gate.packages import PRESENT, Package, install
from truth_gate.pairs import Pair, pairs, service_of
from truth_gate.released import Released, UnknownReleaseError
from truth_gate.samples import Sample, read_sample
from truth_gate.verdict import Finding, Flying, by_flight, by_schema


class Present(Protocol):
    """What is deployed: a running system, or one that is told."""

    def manifests(self) -> Mapping[str, Manifest]:
        """What each deployed service reads and writes."""
        ...

    def flying_to(self, candidate: Manifest) -> Sequence[Flying]:
        """What the candidate would have to read that is written already."""
        ...


@dataclass(frozen=True, slots=True)
class Told:
    """A system of which it is only told what is deployed; nothing is known of what is in flight."""

    deployed: Mapping[str, Manifest]

    def manifests(self) -> Mapping[str, Manifest]:
        """As told."""
        return self.deployed

    def flying_to(self, candidate: Manifest) -> Sequence[Flying]:
        """Nothing: it cannot be known."""
        del candidate
        return []


def by_schemas(candidate: Manifest, deployed: Mapping[str, Manifest], released: Released) -> list[Finding]:
    """The first proof."""
    return [by_schema(pair, released) for pair in pairs(candidate, deployed, released)]


def can_i_deploy(candidate: Manifest, present: Present, released: Released) -> list[Finding]:
    """All three proofs. What nobody could tell is a finding of its own that says unknown.

    Raises what `present` raises when it cannot be asked.
    """
    deployed = present.manifests()
    found = by_schemas(candidate, deployed, released)
    with tempfile.TemporaryDirectory(prefix="truth-gate-") as folder:
        environments = Environments(released, Path(folder))
        found += by_samples(candidate, deployed, released, environments)
    now = datetime.now(UTC)
    return found + [by_flight(candidate, one, released, now) for one in present.flying_to(candidate)]


@dataclass(frozen=True, slots=True)
class Environments:
    """Released contracts, each installed once."""

    released: Released
    folder: Path

    def of(self, manifest: Manifest) -> Package:
        """The code that a release of a service reads with. Raises UnknownReleaseError."""
        if manifest.contracts == contracts_sha256():
            return PRESENT
        into = self.folder / manifest.contracts
        wheels = self.released.package(manifest.contracts)
        return Package(into / "bin" / "python") if into.exists() else install(wheels, into)


def by_samples(
    candidate: Manifest, deployed: Mapping[str, Manifest], released: Released, environments: Environments
) -> list[Finding]:
    """The second proof: samples of what each writer writes, through the very code of its readers."""
    present = {**deployed, candidate.name: candidate}
    by_reader: dict[str, set[Pair]] = defaultdict(set)
    for pair in pairs(candidate, deployed, released):
        if service_of(pair.reader) in present and pair.reads is not None:
            by_reader[pair.reader].add(pair)
    return [
        finding
        for reader, wanted in sorted(by_reader.items())
        for finding in _read(reader, sorted(wanted, key=_by_version), present, environments)
    ]


def _by_version(pair: Pair) -> tuple[str, str, str]:
    return pair.type, pair.written, pair.writer


def _read(
    reader: str, wanted: Iterable[Pair], present: Mapping[str, Manifest], environments: Environments
) -> Iterator[Finding]:
    writers: dict[tuple[str, str], list[str]] = defaultdict(list)
    for pair in wanted:
        writers[pair.type, pair.written].append(pair.writer)
    try:
        package = environments.of(present[service_of(reader)])
    except UnknownReleaseError as error:
        yield Finding("samples", "all", "each writer", reader, "unknown", str(error))
        return
    messages: list[tuple[str, Sample]] = []
    owners: list[tuple[str, str]] = []
    for (type_name, version), who in writers.items():
        try:
            files = environments.released.samples(type_name, version)
        except UnknownReleaseError as error:
            yield Finding("samples", f"{type_name} {version}", ", ".join(who), reader, "unknown", str(error))
            continue
        messages += [(type_name, read_sample(file)) for file in files]
        owners += [(type_name, version)] * len(files)
    refusals: dict[tuple[str, str], list[str | None]] = defaultdict(list)
    for owner, refusal in zip(owners, package.refusals(messages), strict=True):
        refusals[owner].append(refusal)
    for (type_name, version), answers in refusals.items():
        yield _told(f"{type_name} {version}", ", ".join(writers[type_name, version]), reader, answers)


def _told(what: str, writer: str, reader: str, answers: Sequence[str | None]) -> Finding:
    refused = [why for why in answers if why is not None]
    if refused:
        why = f"{len(refused)} of {len(answers)} samples are refused: {refused[0]}"
        return Finding("samples", what, writer, reader, "no", why)
    return Finding("samples", what, writer, reader, "yes", f"{len(answers)} samples")
